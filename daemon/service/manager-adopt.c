/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From one daemon to the next. What is attached is kept by the keeper (fd store or pins), what is known of it in the
 * state folder; both follow each change. At the start adoption_plan() says what becomes of what was found, and here it
 * is done.
 */
#include <sys/stat.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/core/adoption.h"
#include "daemon/service/clock.h"
#include "daemon/service/manager-internal.h"

/* What was found at the start. */
struct inheritance {
	struct state_record *records; /* ordered by name */
	size_t n_records;
	struct keeper_find *finds;
	size_t n_finds;
	struct adoption_policy *policies; /* names borrowed from the manager */
	size_t n_policies;
	struct adoption_find *facts; /* of finds, in their order; names borrowed from there */
};

static void inheritance_done(struct inheritance *h)
{
	state_records_free(h->records, h->n_records);
	keeper_finds_free(h->finds, h->n_finds);
	free(h->policies);
	free(h->facts);
}

/* Gathering. */

static int compare_records(const void *a, const void *b)
{
	const struct state_record *x = a, *y = b;

	return strcmp(x->policy, y->policy);
}

static struct state_record *find_record(struct inheritance *h, const char *name)
{
	const struct state_record wanted = {.policy = (char *)name};

	return h->n_records
		       ? bsearch(&wanted, h->records, h->n_records, sizeof(wanted), compare_records)
		       : NULL;
}

static int compare_finds(const void *a, const void *b)
{
	const struct keeper_find *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool was_attached(const struct state_record *r)
{
	return r->machine.state == STATE_ATTACHED || r->machine.state == STATE_UPDATING ||
	       r->machine.state == STATE_DETACHING;
}

/* Nobody kept it, but it may be there all the same: without a link it outlives its descriptors. */
static int reopen(struct inheritance *h, const struct state_record *r)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	struct keeper_find *larger, f = {.handles = KERNEL_HANDLES_NULL};

	if (kernel_reopen(&r->outcome, &f.handles) <= 0)
		return 0;
	kernel_find_facts(&f.handles, &f.facts, &notes);
	larger = reallocarray(h->finds, h->n_finds + 1, sizeof(*larger));
	if (larger)
		h->finds = larger;
	f.name = larger ? strdup(r->policy) : NULL;
	if (!f.name) {
		kernel_handles_close(&f.handles);
		return -ENOMEM;
	}
	h->finds[h->n_finds++] = f;
	return 0;
}

static int look_for_unkept(struct inheritance *h)
{
	size_t n_kept = h->n_finds;
	int r;

	if (n_kept > 0)
		qsort(h->finds, n_kept, sizeof(*h->finds), compare_finds);
	for (size_t i = 0; i < h->n_records; i++) {
		const struct keeper_find wanted = {.name = h->records[i].policy};

		if (!was_attached(&h->records[i]) ||
		    (n_kept > 0 &&
		     bsearch(&wanted, h->finds, n_kept, sizeof(wanted), compare_finds)))
			continue;
		r = reopen(h, &h->records[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static enum adoption_object object_file_of(const struct state_record *r)
{
	struct stat st;

	if (!r || !r->outcome.object_file || r->outcome.stamp.inode == 0)
		return ADOPTION_OBJECT_SAME;
	if (stat(r->outcome.object_file, &st) < 0)
		return ADOPTION_OBJECT_MISSING;
	return object_stamp_is(&r->outcome.stamp, &st) ? ADOPTION_OBJECT_SAME
						       : ADOPTION_OBJECT_CHANGED;
}

/*
 * A template holds nothing itself, and is as the last daemon left it: on or off by hand, unless Enabled= has changed
 * since. Its instances are policies only if it goes on.
 */
static bool template_goes_on(struct inheritance *h, const struct attachment *a)
{
	const struct state_record *r = find_record(h, a->name);

	if (!attachment_is_template(a))
		return false;
	if (!r || r->enabled != a->enabled)
		return a->enabled;
	return r->machine.state != STATE_INACTIVE;
}

static void prepare_templates(struct manager *m, struct inheritance *h)
{
	/* Instances are added in between; their names come after that of their template. */
	for (size_t i = 0; i < m->n_attachments; i++)
		if (template_goes_on(h, m->attachments[i]))
			manager_template_prepare(m, m->attachments[i]);
}

static int list_policies(struct manager *m, struct inheritance *h)
{
	h->policies = calloc(m->n_attachments + 1, sizeof(*h->policies));
	if (!h->policies)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (attachment_is_template(a))
			continue;
		h->policies[h->n_policies++] = (struct adoption_policy){
			.name = a->name,
			.valid = a->policy,
			.enabled = a->enabled,
			.object = a->object_print,
			.whole = a->whole_print,
			.file = object_file_of(find_record(h, a->name)),
		};
	}
	return 0;
}

static int list_facts(struct inheritance *h)
{
	h->facts = calloc(h->n_finds + 1, sizeof(*h->facts));
	if (!h->facts)
		return -ENOMEM;
	for (size_t i = 0; i < h->n_finds; i++) {
		h->facts[i] = h->finds[i].facts;
		h->facts[i].name = h->finds[i].name;
	}
	return 0;
}

static int gather(struct manager *m, struct inheritance *h)
{
	int r = state_dir_read(m->state_dir, &h->records, &h->n_records);

	if (r == -ENOMEM)
		return r;
	if (h->n_records > 0)
		qsort(h->records, h->n_records, sizeof(*h->records), compare_records);
	r = keeper_collect(m->keeper, &h->finds, &h->n_finds);
	if (r >= 0)
		r = look_for_unkept(h);
	if (r < 0)
		return r;
	for (size_t i = 0; i < h->n_records; i++)
		m->last_seq = MAX(m->last_seq, h->records[i].last_seq);
	prepare_templates(m, h);
	r = list_policies(m, h);
	return r < 0 ? r : list_facts(h);
}

/* Carrying out: first all are put where they were, since the end of one may concern another; then each goes on. */

static void forget(struct manager *m, const char *name)
{
	keeper_remove(m->keeper, name);
	state_dir_remove(m->state_dir, name);
}

/* Whose policy is gone is there to be taken off. */
static struct attachment *attachment_of(struct manager *m, const struct adoption_decision *d)
{
	struct attachment *a = manager_find(m, d->name);

	if (a || d->action == ADOPTION_DISCARD || d->action == ADOPTION_LEAVE)
		return a;
	if (manager_add(m, d->name, NULL, &a) < 0) {
		(void)log_oom();
		return NULL;
	}
	a->removed = true;
	return a;
}

static bool is_restored(enum adoption_action action)
{
	return action != ADOPTION_LEAVE && action != ADOPTION_ATTACH && action != ADOPTION_DISCARD;
}

static void restore(struct manager *m, const struct adoption_decision *d, struct inheritance *h)
{
	struct keeper_find *kept = d->find ? &h->finds[d->find - h->facts] : NULL;
	struct state_record *record = d->record ? &h->records[d->record - h->records] : NULL;
	struct attachment *a = attachment_of(m, d);

	if (!d->take && kept) { /* what is attached afresh must not meet it */
		kernel_handles_close(&kept->handles);
		keeper_remove(m->keeper, d->name);
	}
	if (a)
		attachment_restore(a, is_restored(d->action) ? &d->machine : NULL, record,
				   d->take ? d->find : NULL, d->take ? &kept->handles : NULL,
				   d->sentence);
}

/* Nothing is left of a former life, if there was one. */
static void start_afresh(struct attachment *a, const struct adoption_decision *d)
{
	_cleanup_(freep) char *matches = a->template ? manager_template_matches(a) : NULL;

	attachment_start(a, d->reason, d->record || d->find ? d->sentence : matches);
}

static void go_on(struct manager *m, const struct adoption_decision *d)
{
	struct attachment *a = manager_find(m, d->name);

	if (!a) {
		log_warning("%s: %s", d->name, d->sentence);
		forget(m, d->name);
		return;
	}
	switch (d->action) {
	case ADOPTION_ADOPT:
	case ADOPTION_ENDED:
	case ADOPTION_RESUME:
		attachment_resume(a, d->action == ADOPTION_ENDED);
		break;
	case ADOPTION_REPLACE:
		attachment_replace(a, d->reason, d->sentence);
		break;
	case ADOPTION_DETACH:
		attachment_stop(a, d->reason, d->sentence);
		break;
	case ADOPTION_ATTACH:
		start_afresh(a, d);
		break;
	case ADOPTION_LEAVE:
	case ADOPTION_DISCARD:
	case _ADOPTION_ACTION_MAX:
		break;
	}
	manager_keep(m, a);
}

static void start_templates(struct manager *m, struct inheritance *h)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		if (template_goes_on(h, m->attachments[i]))
			attachment_start(m->attachments[i], REASON_BOOT, NULL);
}

int manager_adopt(struct manager *m)
{
	_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};
	_cleanup_(inheritance_done) struct inheritance h = {0};
	int r;

	r = gather(m, &h);
	if (r < 0)
		return r;
	r = adoption_plan(
		&(struct adoption_input){
			.policies = h.policies,
			.n_policies = h.n_policies,
			.records = h.records,
			.n_records = h.n_records,
			.finds = h.facts,
			.n_finds = h.n_finds,
			.now = clock_now(CLOCK_MONOTONIC),
		},
		&plan);
	if (r < 0)
		return r;
	m->adopting = true;
	for (size_t i = 0; i < plan.n; i++)
		restore(m, &plan.decisions[i], &h);
	m->adopting = false;
	for (size_t i = 0; i < plan.n; i++)
		go_on(m, &plan.decisions[i]);
	start_templates(m, &h);
	manager_fallback_review(m);
	return 0;
}

/* Following each change. */

static bool holds_something(const struct attachment *a)
{
	return a->handles.map_fd >= 0 || a->handles.link_fd >= 0;
}

static void keep_now(struct manager *m, struct attachment *a)
{
	struct state_record record;

	a->keep_soon = false;
	if (m->stopping && !m->leaving) { /* the next one begins anew */
		state_dir_remove(m->state_dir, a->name);
		if (!holds_something(a))
			keeper_remove(m->keeper, a->name);
		return;
	}
	if (a->removed && attachment_is_at_rest(a)) {
		forget(m, a->name);
		return;
	}
	if (a->machine.state == STATE_INVALID)
		return;
	attachment_record(a, &record);
	(void)state_dir_write(m->state_dir, &record);
	if (holds_something(a))
		keeper_store(m->keeper, a->name, &a->handles);
	else
		keeper_remove(m->keeper, a->name);
}

/*
 * Nothing is written while the helper links: it would take its CPU. Its answer is the next change; a daemon that starts
 * before that finds a dead link, and links it again.
 */
static void keep_those(struct manager *m, bool holding)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (a->keep_soon && !a->relinking && holds_something(a) == holding)
			keep_now(m, a);
	}
}

static int on_keep(sd_event_source *source, void *userdata)
{
	/* First what is held: a link may have gone from one to another. */
	keep_those(userdata, true);
	keep_those(userdata, false);
	return 0;
}

int manager_keep_init(struct manager *m)
{
	int r = sd_event_add_defer(m->event, &m->keep_source, on_keep, m);

	if (r < 0)
		return r;
	/* After what the kernel and the helper say, which may not wait; before the next worker, which changes things. */
	(void)sd_event_source_set_priority(m->keep_source, SD_EVENT_PRIORITY_NORMAL - 5);
	return sd_event_source_set_enabled(m->keep_source, SD_EVENT_OFF);
}

/* Once a turn of the loop: an attachment often goes through several states in one. */
void manager_keep(struct manager *m, struct attachment *a)
{
	a->keep_soon = true;
	(void)sd_event_source_set_enabled(m->keep_source, SD_EVENT_ONESHOT);
}

void manager_keep_all_now(struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		keep_now(m, m->attachments[i]);
}

void manager_forget(struct manager *m, const struct attachment *a)
{
	forget(m, a->name);
}

void manager_forget_all(struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		forget(m, m->attachments[i]->name);
}
