/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reload changes: tells what differs, makes it so, and waits for what comes of it. */
#include <sys/stat.h>

#include "daemon/service/manager-reload-internal.h"

/* What became of one policy. */

static void describe_outcome(const struct attachment *a, char *buffer, size_t size)
{
	char span[TIMESPAN_MAX];

	if (a->machine.state != STATE_ATTACHED) {
		snprintf(buffer, size, "%s%s%s", state_to_string(a->machine.state),
			 *attachment_detail(a) ? ": " : "", attachment_detail(a));
		return;
	}
	if (a->stale)
		snprintf(buffer, size, "%s", attachment_detail(a));
	else if (a->outcome.change == CHANGE_UPDATED)
		snprintf(buffer, size, "updated (atomic, link %u)", a->outcome.link_id);
	else if (a->outcome.change == CHANGE_SWAPPED)
		snprintf(buffer, size, "swapped (gap %s, link %u)",
			 timespan_format(span, timespan_round(a->outcome.gap_usec)),
			 a->outcome.link_id);
	else
		snprintf(buffer, size, "attached (link %u)", a->outcome.link_id);
}

/* A template waits as long as it is there, for devices. */
static bool is_as_it_should_be(const struct attachment *a)
{
	enum state state = a->machine.state;

	return !a->stale && state != STATE_FAILED &&
	       (state != STATE_WAITING || attachment_is_template(a));
}

static void on_settled(void *userdata, struct attachment *a, bool settled)
{
	struct reload *r = userdata;
	enum state state = a->machine.state;
	char text[1024];

	if (state == STATE_INACTIVE && a->template)
		snprintf(text, sizeof(text), "detached: %s", attachment_detail(a));
	else if (state == STATE_INACTIVE && a->removed)
		snprintf(text, sizeof(text), "detached, the policy is gone");
	else if (state == STATE_INACTIVE)
		snprintf(text, sizeof(text), "detached");
	else
		describe_outcome(a, text, sizeof(text));
	reload_add_line(r, a->name, is_as_it_should_be(a), text);
	reload_release(r);
}

static void await(struct reload *r, struct attachment *a)
{
	r->pending++;
	if (attachment_wait(a, on_settled, r) >= 0)
		return;
	reload_add_line(r, a->name, false, "out of memory: the outcome is not known");
	reload_release(r);
}

/* Telling what differs. */

static bool object_file_changed(const struct attachment *a)
{
	const struct object_stamp *s = &a->outcome.stamp;
	struct stat st;

	if (!a->outcome.object_file || s->inode == 0)
		return false;
	if (stat(a->outcome.object_file, &st) < 0)
		return errno == ENOENT;
	return !object_stamp_is(s, &st);
}

static void change_policy(struct reload *r, struct attachment *a, struct policy *policy);

static void change_instance(struct reload *r, struct attachment *t, struct attachment *a)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;

	if (a->removed)
		await(r, a);
	else if (policy_instance(t->policy, &a->device, &policy) < 0)
		reload_add_line(r, a->name, false, "out of memory: it stays as it was");
	else
		change_policy(r, a, TAKE_PTR(policy));
}

/* Those that came and went are there and marked already: here each of them gets its line. */
static void change_instances(struct reload *r, struct attachment *t)
{
	for (size_t i = 0; i < manager_count(r->manager); i++)
		if (manager_is_instance_of(manager_get(r->manager, i), t))
			change_instance(r, t, manager_get(r->manager, i));
}

/* Nothing is attached, and nothing under way will change that. */
static bool is_off(const struct attachment *a)
{
	const struct machine *m = &a->machine;

	return m->state == STATE_INACTIVE || (m->state == STATE_DETACHING && !m->again);
}

/* An instance is wanted for as long as its template is active. */
static bool is_wanted(const struct attachment *a, const struct policy *policy)
{
	return policy->enabled || a->template;
}

static bool changes_kind(const struct attachment *a, const struct policy *policy)
{
	return a->policy && a->policy->is_template != policy->is_template;
}

static bool starts_as_other_kind(const struct attachment *a, const struct policy *policy)
{
	return is_wanted(a, policy) ? !a->enabled || !is_off(a) : !a->enabled && !is_off(a);
}

/* A policy becomes a template, or a template an ordinary policy: what there was goes first. */
static void change_kind(struct reload *r, struct attachment *a, struct policy *policy)
{
	bool starts = starts_as_other_kind(a, policy);

	attachment_stop(a, REASON_RELOAD,
			policy->is_template ? "it is a template now"
					    : "it is no template any more");
	attachment_set_policy(a, policy);
	if (starts)
		attachment_start(a, REASON_RELOAD, NULL);
	await(r, a);
	change_instances(r, a);
}

static bool same_policy(const struct attachment *a, const struct policy *policy)
{
	return a->policy && policy_equal(a->policy, policy);
}

/* Of what was adopted while its file did not parse only the fingerprint is known. */
static bool same_object(const struct attachment *a, const struct policy *policy)
{
	if (object_file_changed(a))
		return false;
	if (!a->policy)
		return attachment_is_attached(a) &&
		       fingerprint_equal(a->object_print, fingerprint_of_object(policy));
	return policy_same_object(a->policy, policy) &&
	       hid_match_equal(&a->policy->hid, &policy->hid);
}

enum step {
	STEP_KEEP,
	STEP_AWAIT, /* it is on its way to what is wanted */
	STEP_KEEP_WITH_SETTINGS,
	STEP_MEND, /* it did not parse, and is not enabled */
	STEP_STOP,
	STEP_START,
	STEP_REPLACE,
};

static enum step choose_step(const struct attachment *a, const struct policy *policy)
{
	enum state state = a->machine.state;
	bool wanted = is_wanted(a, policy);

	if (state == STATE_INVALID)
		return wanted ? STEP_START : STEP_MEND;
	if (!wanted && a->enabled)
		return STEP_STOP;
	if (wanted && !a->enabled && !attachment_is_attached(a) && state != STATE_LOADING)
		return STEP_START;
	if (!same_object(a, policy) && !is_off(a))
		return STEP_REPLACE;
	if (same_policy(a, policy))
		return state_is_busy(state) && !is_off(a) ? STEP_AWAIT : STEP_KEEP;
	return state == STATE_FAILED ? STEP_START : STEP_KEEP_WITH_SETTINGS;
}

static void change_in_kind(struct reload *r, struct attachment *a, struct policy *policy)
{
	enum step step = choose_step(a, policy);

	attachment_set_policy(a, policy);
	switch (step) {
	case STEP_KEEP:
		reload_add_line(r, a->name, true, "kept");
		return;
	case STEP_KEEP_WITH_SETTINGS:
		reload_add_line(r, a->name, true, "kept, with its new settings");
		manager_keep(r->manager, a); /* its state did not change */
		return;
	case STEP_AWAIT:
		break;
	case STEP_MEND:
		attachment_stop(a, REASON_RELOAD, "the policy parses now");
		reload_add_line(r, a->name, true, "mended, not attached (Enabled=no)");
		return;
	case STEP_STOP:
		manager_switch_forget(r->manager, a, "it has Enabled=no now");
		attachment_stop(a, REASON_RELOAD, "Enabled=no");
		break;
	case STEP_START:
		attachment_start(a, REASON_RELOAD, NULL);
		break;
	case STEP_REPLACE:
		attachment_replace(a, REASON_RELOAD, NULL);
		break;
	}
	await(r, a);
}

static void change_policy(struct reload *r, struct attachment *a, struct policy *policy)
{
	if (changes_kind(a, policy)) {
		change_kind(r, a, policy);
		return;
	}
	change_in_kind(r, a, policy);
	change_instances(r, a);
}

/* All that can run out of memory comes first: a reload is never carried out in part. */
static int add_new(struct manager *m, struct policy_sets *sets, bool added[])
{
	struct attachment *a;
	int r;

	for (size_t i = 0; i < sets->n; i++) {
		if (manager_find(m, sets->sets[i].name))
			continue;
		r = manager_add(m, sets->sets[i].name, TAKE_PTR(sets->sets[i].policy), &a);
		if (r < 0)
			return r;
		added[i] = true;
	}
	return 0;
}

static void take_back_new(struct manager *m, const struct policy_sets *sets, const bool added[])
{
	for (size_t i = 0; i < sets->n; i++)
		if (added[i])
			manager_find(m, sets->sets[i].name)->removed = true;
}

static void start_new(struct reload *r, struct attachment *a)
{
	if (!a->policy->enabled) {
		reload_add_line(r, a->name, true, "new, not attached (Enabled=no)");
		return;
	}
	attachment_start(a, REASON_RELOAD, NULL);
	await(r, a);
	change_instances(r, a);
}

static bool sets_have(const struct policy_sets *sets, const char *name)
{
	for (size_t i = 0; i < sets->n; i++)
		if (streq(sets->sets[i].name, name))
			return true;
	return false;
}

static void remove_missing(struct reload *r, const struct policy_sets *sets)
{
	for (size_t i = 0; i < manager_count(r->manager); i++) {
		struct attachment *a = manager_get(r->manager, i);

		if (a->removed || a->template || sets_have(sets, a->name))
			continue;
		a->removed = true;
		manager_switch_forget(r->manager, a, "its policy is gone");
		attachment_stop(a, REASON_RELOAD, "the policy is gone");
		await(r, a);
		change_instances(r, a);
	}
}

/* Removed by an earlier reload, and still being detached: as if it were new. */
static void bring_back(struct reload *r, struct attachment *a, struct policy *policy)
{
	attachment_set_policy(a, policy);
	a->removed = false;
	start_new(r, a);
}

void reload_apply(struct reload *r)
{
	struct policy_sets *sets = &r->sets;
	_cleanup_(freep) bool *added = calloc(sets->n + 1, sizeof(*added));

	if (!added || add_new(r->manager, sets, added) < 0) {
		if (added)
			take_back_new(r->manager, sets, added);
		r->refused = true;
		reload_add_line(r, "", false, "out of memory: nothing was changed");
		return;
	}
	for (size_t i = 0; i < sets->n; i++) {
		struct attachment *a = manager_find(r->manager, sets->sets[i].name);

		if (added[i])
			start_new(r, a);
		else if (a->removed)
			bring_back(r, a, TAKE_PTR(sets->sets[i].policy));
		else
			change_policy(r, a, TAKE_PTR(sets->sets[i].policy));
	}
	remove_missing(r, sets);
}

static bool instances_have_other_object(const struct manager *m, const struct attachment *t)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (manager_is_instance_of(a, t) && !a->removed && object_file_changed(a))
			return true;
	}
	return false;
}

bool reload_would_load(const struct manager *m, const struct policy_set *set)
{
	const struct attachment *a = manager_find(m, set->name);
	enum step step;

	if (!a || a->removed)
		return set->policy->enabled;
	if (changes_kind(a, set->policy))
		return starts_as_other_kind(a, set->policy);
	step = choose_step(a, set->policy);
	return step == STEP_START || step == STEP_REPLACE || instances_have_other_object(m, a);
}
