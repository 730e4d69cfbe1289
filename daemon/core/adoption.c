/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/adoption.h"

#include "common/sentence.h"

static const char *const adoption_action_table[] = {
	[ADOPTION_LEAVE] = "leave",     [ADOPTION_ADOPT] = "adopt",
	[ADOPTION_REPLACE] = "replace", [ADOPTION_DETACH] = "detach",
	[ADOPTION_ATTACH] = "attach",   [ADOPTION_RESUME] = "resume",
	[ADOPTION_ENDED] = "ended",     [ADOPTION_DISCARD] = "discard",
};
_Static_assert(ARRAY_SIZE(adoption_action_table) == _ADOPTION_ACTION_MAX,
	       "every action has a word");
DEFINE_STRING_TABLE(adoption_action, enum adoption_action)

/* Telling what is there. */

static bool lives(const struct adoption_decision *d)
{
	return d->find && d->find->is_struct_ops && d->find->alive;
}

/* The record is written before a link is kept, so a link that it does not tell of came from somebody else. */
static bool is_other_link(const struct outcome *recorded, const struct adoption_find *find)
{
	return recorded->link_id && find->link_id && recorded->link_id != find->link_id;
}

/* A link's type cannot change under it. */
static bool is_foreign(const struct adoption_decision *d)
{
	const struct outcome *o = d->record ? &d->record->outcome : NULL;

	return lives(d) && o &&
	       ((o->type && *d->find->type && !streq(o->type, d->find->type)) ||
		is_other_link(o, d->find));
}

static bool same_map_name(const char *recorded, const char *found)
{
	return recorded && strncmp(recorded, found, ADOPTION_MAP_MAX - 1) == 0;
}

/* What was found is what the record tells of: verified before it is believed. */
static bool agrees(const struct adoption_decision *d)
{
	const struct outcome *o = d->record ? &d->record->outcome : NULL;
	const struct adoption_find *f = d->find;

	return o && f && f->is_struct_ops && f->map_id == o->map_id &&
	       streq_null(o->type, f->type) && same_map_name(o->map, f->map) &&
	       (!f->alive || o->linkless == (f->link_id == 0));
}

/* What was attached by hand or as a fallback goes on, although its policy is not enabled. */
static bool disabled_meanwhile(const struct adoption_decision *d)
{
	return d->policy->valid && !d->policy->enabled && (!d->record || d->record->enabled);
}

static bool object_changed(const struct adoption_decision *d)
{
	return !fingerprint_equal(d->policy->object, d->record->object) ||
	       d->policy->file == ADOPTION_OBJECT_CHANGED;
}

static bool anything_changed(const struct adoption_decision *d)
{
	return object_changed(d) || !fingerprint_equal(d->policy->whole, d->record->whole);
}

/* When the work that was under way had ended. */
static bool was_to_start_over(const struct state_record *r)
{
	return r->machine.again && state_is_busy(r->machine.state);
}

/* The record's fingerprints are of what was to come, which may not be what is attached. */
static bool was_changing(const struct state_record *r)
{
	return r->machine.state == STATE_UPDATING || r->machine.state == STATE_DETACHING ||
	       was_to_start_over(r);
}

/* A default that was pointed at it, and that nobody has given back. */
static bool owes(const struct adoption_decision *d)
{
	return d->record && d->record->outcome.n_defaults > 0;
}

#define LINK_TEXT_MAX 48
static const char *link_text(const struct adoption_find *f, char buffer[LINK_TEXT_MAX])
{
	if (f->link_id)
		snprintf(buffer, LINK_TEXT_MAX, "link %u", f->link_id);
	else
		snprintf(buffer, LINK_TEXT_MAX, "map %u, registered without a link", f->map_id);
	return buffer;
}

/* Deciding. Each of these ends in one of the functions that follow here. */

static int decide(struct adoption_decision *d, enum adoption_action action, enum reason reason,
		  const char *format, ...) _printf_(4, 5);
static int decide(struct adoption_decision *d, enum adoption_action action, enum reason reason,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	d->sentence = sentence_va(format, args);
	va_end(args);
	d->action = action;
	d->reason = reason;
	return d->sentence ? 0 : -ENOMEM;
}

/* Where the last daemon's machine stood, in a state in which no work is under way. */
static void set_machine(struct adoption_decision *d, enum state state, usec_t now)
{
	if (d->record)
		d->machine = d->record->machine;
	else
		d->machine = (struct machine){.attached_at = now};
	d->machine.state = state;
	d->machine.again = false;
	d->machine.relink = false;
}

static void set_attached(struct adoption_decision *d, usec_t now)
{
	set_machine(d, STATE_ATTACHED, now);
	d->machine.reason = REASON_ADOPTED;
	d->take = true;
}

static int detach(struct adoption_decision *d, enum reason reason, const char *why, usec_t now)
{
	char link[LINK_TEXT_MAX];

	set_attached(d, now);
	return decide(d, ADOPTION_DETACH, reason, "%s is detached: %s", link_text(d->find, link),
		      why);
}

static int replace(struct adoption_decision *d, const char *why, usec_t now)
{
	char link[LINK_TEXT_MAX];

	set_attached(d, now);
	return decide(d, ADOPTION_REPLACE, REASON_RELOAD,
		      "%s goes on until the policy is loaded afresh: %s", link_text(d->find, link),
		      why);
}

static int adopt(struct adoption_decision *d, const char *why, usec_t now)
{
	char link[LINK_TEXT_MAX];

	set_attached(d, now);
	return decide(d, ADOPTION_ADOPT, REASON_ADOPTED, "%s goes on%s%s", link_text(d->find, link),
		      *why ? ": " : "", why);
}

static int attach(struct adoption_decision *d, enum reason reason, const char *why)
{
	return decide(d, ADOPTION_ATTACH, reason, "attached afresh: %s", why);
}

static int leave(struct adoption_decision *d, const char *why, usec_t now)
{
	if (!owes(d))
		return decide(d, ADOPTION_LEAVE, REASON_BOOT, "not attached: %s", why);
	set_attached(d, now);
	d->take = false;
	return decide(d, ADOPTION_DETACH, REASON_RELOAD,
		      "it has ended, what was pointed at it is given back: %s", why);
}

/* Something runs. */

static int other_map(struct adoption_decision *d, usec_t now)
{
	_cleanup_(freep) char *why =
		sentence("its map is %u (\"%s\"), on record is %u (\"%s\")", d->find->map_id,
			 d->find->map, d->record->outcome.map_id, or_empty(d->record->outcome.map));

	return why ? replace(d, why, now) : -ENOMEM;
}

static int plan_unchanged(struct adoption_decision *d, usec_t now)
{
	if (d->policy->file == ADOPTION_OBJECT_MISSING)
		return adopt(d, "its object file is gone, the next load will need it", now);
	if (anything_changed(d))
		return adopt(d, "the policy has new settings, none of them for the object", now);
	return adopt(d, "", now);
}

/* Nobody wanted it off, so it stays; the question is whether it is what the policy says now. */
static int plan_wanted(struct adoption_decision *d, usec_t now)
{
	if (!d->policy->valid)
		return adopt(d, "the policy does not parse, so nothing is changed", now);
	if (!d->record)
		return replace(d, "no record tells what it was made of", now);
	if (!agrees(d))
		return other_map(d, now);
	if (was_changing(d->record))
		return replace(d, "the last daemon ended in the middle of a change", now);
	if (!fingerprint_equal(d->policy->object, d->record->object))
		return replace(d, "the policy was changed meanwhile", now);
	if (object_changed(d))
		return replace(d, "the object file was changed meanwhile", now);
	return plan_unchanged(d, now);
}

/* It was taken off since the policy was gone, or disabled, which it is not any more. */
static bool policy_is_back(const struct adoption_decision *d)
{
	return d->record->machine.reason == REASON_RELOAD && d->policy->enabled;
}

static bool was_taken_off(const struct adoption_decision *d)
{
	const struct state_record *r = d->record;

	return (r->machine.state == STATE_INACTIVE ||
		(r->machine.state == STATE_DETACHING && !was_to_start_over(r))) &&
	       !policy_is_back(d);
}

static int plan_living(struct adoption_decision *d, usec_t now)
{
	if (!d->policy)
		return detach(d, REASON_RELOAD, "there is no policy of this name (any more)", now);
	if (d->record && was_taken_off(d))
		return detach(d, d->record->machine.reason,
			      "that was asked for, and the last daemon ended meanwhile", now);
	if (disabled_meanwhile(d))
		return detach(d, REASON_RELOAD, "Enabled=no", now);
	return plan_wanted(d, now);
}

/* Nothing runs. */

static int plan_ended(struct adoption_decision *d, usec_t now)
{
	if (object_changed(d))
		return attach(d, REASON_RELOAD, "it has ended, and policy or object changed too");
	if (!d->find || !d->find->is_struct_ops || is_foreign(d))
		return attach(d, REASON_BOOT, "nothing that ran was kept");
	set_attached(d, now);
	d->take = agrees(d);
	return decide(d, ADOPTION_ENDED, REASON_LINK_DETACHED,
		      "it was detached while no daemon watched");
}

/* What no time brings may have come while nobody listened: it is looked for at once. */
static int plan_waiting(struct adoption_decision *d, usec_t now)
{
	if (object_changed(d) || was_to_start_over(d->record))
		return attach(d, REASON_RELOAD, "policy or object changed while it waited");
	set_machine(d, STATE_WAITING, now);
	if (d->record->machine.state == STATE_LOADING || d->machine.deadline == USEC_INFINITY)
		d->machine.deadline = now;
	d->take = d->record->machine.relink && agrees(d);
	d->machine.relink = d->take;
	return decide(d, ADOPTION_RESUME, d->machine.reason,
		      "the next attempt is the one that was due");
}

static int plan_failed(struct adoption_decision *d, usec_t now)
{
	if (anything_changed(d))
		return attach(d, REASON_RELOAD, "it had failed, and policy or object changed");
	set_machine(d, STATE_FAILED, now);
	return decide(d, ADOPTION_RESUME, d->machine.reason,
		      "it had failed before this daemon was started, and nothing changed%s%s",
		      d->record->outcome.detail ? ": " : "", or_empty(d->record->outcome.detail));
}

static int plan_off(struct adoption_decision *d, usec_t now)
{
	if (was_to_start_over(d->record))
		return attach(d, d->record->machine.again_reason,
			      "it was being restarted when the last daemon ended");
	if (policy_is_back(d))
		return attach(d, REASON_RELOAD, "its policy was gone, and is there again");
	set_machine(d, STATE_INACTIVE, now);
	return decide(d, ADOPTION_RESUME, d->machine.reason, "it was off (%s) and stays so",
		      reason_to_string(d->machine.reason));
}

static int plan_by_record(struct adoption_decision *d, usec_t now)
{
	switch (d->record->machine.state) {
	case STATE_ATTACHED:
		return plan_ended(d, now);
	case STATE_UPDATING:
		return attach(d, REASON_RELOAD, "the last daemon ended in the middle of a change");
	case STATE_LOADING:
	case STATE_WAITING:
		return plan_waiting(d, now);
	case STATE_FAILED:
		return plan_failed(d, now);
	case STATE_INACTIVE:
	case STATE_DETACHING:
		return plan_off(d, now);
	default: /* the policy did not parse */
		return attach(d, REASON_RELOAD, "the policy parses now");
	}
}

static int plan_dead(struct adoption_decision *d, usec_t now)
{
	if (!d->policy)
		return owes(d) ? leave(d, "there is no policy of this name any more", now)
			       : decide(d, ADOPTION_DISCARD, REASON_RELOAD,
					"dropped: there is no policy of this name");
	if (!d->policy->valid)
		return leave(d, "the policy does not parse", now);
	if (disabled_meanwhile(d))
		return leave(d, "Enabled=no", now);
	if (!d->record)
		return attach(d, REASON_BOOT, "there is no record of it");
	if (d->policy->enabled && !d->record->enabled)
		return attach(d, REASON_RELOAD, "Enabled=yes, which it was not before");
	return plan_by_record(d, now);
}

/* What was kept and is of no use is closed; that must not happen in silence. */
static int note_dropped(struct adoption_decision *d)
{
	const struct adoption_find *f = d->find;
	char link[LINK_TEXT_MAX];
	char *longer;

	if (!f || d->take)
		return 0;
	if (!f->is_struct_ops)
		longer = sentence("%s; what was kept under its name is neither struct_ops link nor "
				  "map, and is let go",
				  d->sentence);
	else if (f->alive)
		longer = sentence("%s; what was kept under its name is not ours and is let go: %s "
				  "of type %s",
				  d->sentence, link_text(f, link), f->type);
	else
		longer = sentence("%s; map %u, which was kept, is let go", d->sentence, f->map_id);
	if (!longer)
		return -ENOMEM;
	free(d->sentence);
	d->sentence = longer;
	return 0;
}

/* Another one's record says that the switch was done, its own was not written any more. */
static const struct state_record *find_successor(const struct adoption_decision *d,
						 const struct adoption_input *in)
{
	const struct state_record *r = d->record;

	if (!r || r->machine.state != STATE_UPDATING || !r->yields_to)
		return NULL;
	for (size_t i = 0; i < in->n_records; i++)
		if (streq(in->records[i].policy, r->yields_to) &&
		    in->records[i].machine.state == STATE_ATTACHED)
			return &in->records[i];
	return NULL;
}

static bool went_over(const struct adoption_find *f, const struct outcome *o)
{
	return f->link_id ? f->link_id == o->link_id : f->map_id == o->map_id;
}

static int plan_superseded(struct adoption_decision *d, const struct state_record *successor,
			   usec_t now)
{
	if (lives(d) && !is_foreign(d) && !went_over(d->find, &successor->outcome))
		return detach(d, REASON_ADMIN, "another policy was put in its place", now);
	set_machine(d, STATE_INACTIVE, now);
	d->machine.reason = REASON_ADMIN;
	return decide(d, ADOPTION_RESUME, REASON_ADMIN, "%s was put in its place",
		      successor->policy);
}

static int plan_by_kernel(struct adoption_decision *d, usec_t now)
{
	return lives(d) && !is_foreign(d) ? plan_living(d, now) : plan_dead(d, now);
}

static int plan_one(struct adoption_decision *d, const struct adoption_input *in)
{
	const struct state_record *successor = find_successor(d, in);
	int r = successor ? plan_superseded(d, successor, in->now) : plan_by_kernel(d, in->now);

	return r < 0 ? r : note_dropped(d);
}

/* From three lists to one. */

static int compare_names(const void *a, const void *b)
{
	const struct adoption_decision *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* An entry for each item of each list, those of a name side by side. */
static void gather(const struct adoption_input *in, struct adoption_decision *all)
{
	struct adoption_decision *d = all;

	for (size_t i = 0; i < in->n_policies; i++)
		*d++ = (struct adoption_decision){.name = in->policies[i].name,
						  .policy = &in->policies[i]};
	for (size_t i = 0; i < in->n_records; i++)
		*d++ = (struct adoption_decision){.name = in->records[i].policy,
						  .record = &in->records[i]};
	for (size_t i = 0; i < in->n_finds; i++)
		*d++ = (struct adoption_decision){.name = in->finds[i].name, .find = &in->finds[i]};
	qsort(all, (size_t)(d - all), sizeof(*all), compare_names);
}

/* Makes one entry of those of a name; returns how many are left. */
static size_t merge(struct adoption_decision *all, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || !streq(all[kept - 1].name, all[i].name)) {
			all[kept++] = all[i];
			continue;
		}
		if (all[i].policy)
			all[kept - 1].policy = all[i].policy;
		if (all[i].record)
			all[kept - 1].record = all[i].record;
		if (all[i].find)
			all[kept - 1].find = all[i].find;
	}
	return kept;
}

int adoption_plan(const struct adoption_input *in, struct adoption_plan *ret)
{
	_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};
	size_t n = in->n_policies + in->n_records + in->n_finds;
	int r;

	plan.decisions = calloc(n + 1, sizeof(*plan.decisions));
	if (!plan.decisions)
		return -ENOMEM;
	gather(in, plan.decisions);
	plan.n = merge(plan.decisions, n);
	memset(&plan.decisions[plan.n], 0, (n - plan.n) * sizeof(*plan.decisions));
	for (size_t i = 0; i < plan.n; i++) {
		r = plan_one(&plan.decisions[i], in);
		if (r < 0)
			return r;
	}
	*ret = plan;
	plan = (struct adoption_plan){0};
	return 0;
}

void adoption_plan_done(struct adoption_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->decisions[i].sentence);
	free(p->decisions);
	*p = (struct adoption_plan){0};
}
