/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reload: read everything, refuse all or change what differs, report when each change has its outcome. */
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/manager-internal.h"

struct manager_reload {
	struct manager *manager;
	manager_reloaded_t callback;
	void *userdata;
	struct reload_line *lines;
	size_t n_lines;
	size_t pending; /* attachments whose outcome is awaited, and one for the reload itself */
	bool failed;
	bool refused; /* nothing was changed */
};

static struct manager_reload *reload_free(struct manager_reload *r)
{
	for (size_t i = 0; i < r->n_lines; i++) {
		free(r->lines[i].name);
		free(r->lines[i].text);
	}
	free(r->lines);
	free(r);
	return NULL;
}

static void add_line(struct manager_reload *r, const char *name, bool ok, const char *text)
{
	struct reload_line *larger, line;

	r->failed |= !ok;
	larger = reallocarray(r->lines, r->n_lines + 1, sizeof(*larger));
	if (!larger) {
		(void)log_oom();
		return;
	}
	r->lines = larger;
	line = (struct reload_line){.name = strdup(name), .ok = ok, .text = strdup(text)};
	if (!line.name || !line.text) {
		free(line.name);
		free(line.text);
		(void)log_oom();
		return;
	}
	r->lines[r->n_lines++] = line;
}

static int compare_lines(const void *a, const void *b)
{
	const struct reload_line *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Drops one of the things that are awaited; with the last one the reload is over. */
static void reload_release(struct manager_reload *r)
{
	struct manager *m = r->manager;

	if (--r->pending > 0)
		return;
	if (r->n_lines > 0)
		qsort(r->lines, r->n_lines, sizeof(*r->lines), compare_lines);
	if (!r->refused)
		log_full(LOG_INFO, &(struct log_fields){.message_id = MESSAGE_ID_RELOADED},
			 "policies reloaded%s",
			 r->failed ? ", not all of them are as they should be" : "");
	if (r->callback)
		r->callback(r->userdata, !r->failed, r->lines, r->n_lines);
	reload_free(r);
	m->reloading--;
	manager_tidy_soon(m);
}

void manager_reload_forget(struct manager_reload *r)
{
	if (r)
		r->callback = NULL;
}

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
	struct manager_reload *r = userdata;
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
	add_line(r, a->name, is_as_it_should_be(a), text);
	reload_release(r);
}

static void await(struct manager_reload *r, struct attachment *a)
{
	r->pending++;
	if (attachment_wait(a, on_settled, r) >= 0)
		return;
	add_line(r, a->name, false, "out of memory: the outcome is not known");
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

static void change_policy(struct manager_reload *r, struct attachment *a, struct policy *policy);

static void change_instance(struct manager_reload *r, struct attachment *t, struct attachment *a)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;

	if (a->removed)
		await(r, a);
	else if (policy_instance(t->policy, &a->device, &policy) < 0)
		add_line(r, a->name, false, "out of memory: it stays as it was");
	else if (state_is_busy(a->machine.state) && policy_equal(a->policy, policy))
		await(r, a); /* it has just come */
	else
		change_policy(r, a, TAKE_PTR(policy));
}

/* Those that came and went are there and marked already: here each of them gets its line. */
static void change_instances(struct manager_reload *r, struct attachment *t)
{
	for (size_t i = 0; i < manager_count(r->manager); i++)
		if (manager_is_instance_of(manager_get(r->manager, i), t))
			change_instance(r, t, manager_get(r->manager, i));
}

/* A policy becomes a template, or a template an ordinary policy: what there was goes first. */
static void change_kind(struct manager_reload *r, struct attachment *a, struct policy *policy)
{
	bool was_enabled = a->policy->enabled, was_active = a->machine.state != STATE_INACTIVE;

	attachment_stop(a, REASON_RELOAD,
			policy->is_template ? "it is a template now"
					    : "it is no template any more");
	attachment_set_policy(a, policy);
	if (policy->enabled ? !was_enabled || was_active : !was_enabled && was_active)
		attachment_start(a, REASON_RELOAD, NULL);
	await(r, a);
	change_instances(r, a);
}

static bool same_object(const struct attachment *a, const struct policy *policy)
{
	return policy_same_object(a->policy, policy) &&
	       hid_match_equal(&a->policy->hid, &policy->hid) && !object_file_changed(a);
}

static void change_in_kind(struct manager_reload *r, struct attachment *a, struct policy *policy)
{
	bool was_invalid = !a->policy;
	bool was_enabled = !was_invalid && a->policy->enabled;
	bool same = !was_invalid && policy_equal(a->policy, policy);
	bool needs_load = was_invalid || !same_object(a, policy);

	attachment_set_policy(a, policy);
	if (!policy->enabled && was_invalid) {
		attachment_stop(a, REASON_RELOAD, "the policy parses now");
		add_line(r, a->name, true, "mended, not attached (Enabled=no)");
	} else if (!policy->enabled && was_enabled) {
		attachment_stop(a, REASON_RELOAD, "Enabled=no");
		await(r, a);
	} else if (policy->enabled && !was_enabled) {
		attachment_start(a, REASON_RELOAD, NULL);
		await(r, a);
	} else if (needs_load && a->machine.state != STATE_INACTIVE) {
		attachment_replace(a, REASON_RELOAD, NULL);
		await(r, a);
	} else if (!same && a->machine.state == STATE_FAILED) {
		attachment_start(a, REASON_RELOAD, NULL);
		await(r, a);
	} else if (!same) {
		add_line(r, a->name, true, "kept, with its new settings");
	} else {
		add_line(r, a->name, true, "kept");
	}
}

static void change_policy(struct manager_reload *r, struct attachment *a, struct policy *policy)
{
	if (a->policy && a->policy->is_template != policy->is_template) {
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

static void start_new(struct manager_reload *r, struct attachment *a)
{
	if (!a->policy->enabled) {
		add_line(r, a->name, true, "new, not attached (Enabled=no)");
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

static void remove_missing(struct manager_reload *r, const struct policy_sets *sets)
{
	for (size_t i = 0; i < manager_count(r->manager); i++) {
		struct attachment *a = manager_get(r->manager, i);

		if (a->removed || a->template || sets_have(sets, a->name))
			continue;
		a->removed = true;
		attachment_stop(a, REASON_RELOAD, "the policy is gone");
		await(r, a);
		change_instances(r, a);
	}
}

/* Removed by an earlier reload, and still being detached: as if it were new. */
static void bring_back(struct manager_reload *r, struct attachment *a, struct policy *policy)
{
	attachment_set_policy(a, policy);
	a->removed = false;
	start_new(r, a);
}

static void apply(struct manager_reload *r, struct policy_sets *sets)
{
	_cleanup_(freep) bool *added = calloc(sets->n + 1, sizeof(*added));

	if (!added || add_new(r->manager, sets, added) < 0) {
		if (added)
			take_back_new(r->manager, sets, added);
		add_line(r, "", false, "out of memory: nothing was changed");
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

/* Where a device has come, the name of its instance is taken for as long as it is there. */
static void check_name(struct manager_reload *r, const char *name)
{
	_cleanup_(freep) char *text = NULL;
	const struct attachment *a = manager_find(r->manager, name);

	if (!a || !a->template)
		return;
	text = sentence("%s" POLICY_SUFFIX
			": an instance of %s has this name, expected another one",
			name, a->template);
	add_line(r, "", false, text ? text : "out of memory");
}

/* Adds a line for each error: then nothing is changed. */
static bool sets_have_errors(struct manager_reload *r, const struct policy_sets *sets)
{
	for (size_t i = 0; i < sets->n; i++) {
		for (size_t j = 0; j < sets->sets[i].errors.n; j++)
			add_line(r, "", false, sets->sets[i].errors.items[j]);
		check_name(r, sets->sets[i].name);
	}
	return r->n_lines > 0;
}

static void notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	(void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
			 (unsigned long long)t.tv_sec * USEC_PER_SEC +
				 (unsigned long long)t.tv_nsec / 1000);
}

int manager_reload(struct manager *m, manager_reloaded_t callback, void *userdata,
		   struct manager_reload **ret_reload)
{
	struct manager_reload *reload = calloc(1, sizeof(*reload));
	struct policy_sets sets = {0};
	int r;

	if (!reload)
		return -ENOMEM;
	r = policy_sets_read(m->config, &sets);
	if (r < 0) {
		reload_free(reload);
		return r;
	}

	*reload = (struct manager_reload){
		.manager = m, .callback = callback, .userdata = userdata, .pending = 1};
	if (ret_reload)
		*ret_reload = reload;
	m->reloading++;
	m->ready = false; /* READY=1 ends the reload for the service manager */
	notify_reloading();
	if (sets_have_errors(reload, &sets)) {
		reload->refused = true;
		for (size_t i = 0; i < reload->n_lines; i++)
			log_error("reload refused, nothing was changed: %s", reload->lines[i].text);
	} else {
		apply(reload, &sets);
	}
	policy_sets_done(&sets);

	if (reload->pending == 1 && ret_reload)
		*ret_reload = NULL;
	reload_release(reload);
	return 0;
}
