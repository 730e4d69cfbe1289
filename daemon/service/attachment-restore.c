/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An attachment's passage from one daemon to the next: what is written down, and how it is taken up again. */
#include "common/log.h"
#include "daemon/service/attachment-internal.h"

void attachment_record(const struct attachment *a, struct state_record *ret)
{
	*ret = (struct state_record){
		.policy = a->name,
		.object = a->object_print,
		.whole = a->whole_print,
		.enabled = a->enabled,
		.stale = a->stale,
		.machine = a->takes_from ? a->before_switch : a->machine,
		.attached_realtime = a->attached_realtime,
		.fallback_for = a->fallback_for,
		.last_seq = a->events.n ? event_ring_get(&a->events, a->events.n - 1)->seq : 0,
		.switched_from = a->switched_from,
		.switch_ends = a->switch_ends,
		.yields_to = a->gives_to ? a->gives_to->name : NULL,
		.outcome = a->outcome,
	};
}

void attachment_note_policy(struct attachment *a)
{
	if (!a->policy)
		return;
	a->object_print = fingerprint_of_object(a->policy);
	a->whole_print = fingerprint_of_policy(a->policy);
	/* An instance is wanted whenever it is there: its template may have been attached by hand. */
	a->enabled = a->policy->enabled || a->template;
}

/* What was attached is told apart from what the policy says now by the former's fingerprint, until it is replaced. */
static void take_record(struct attachment *a, struct state_record *r)
{
	outcome_done(&a->outcome);
	a->outcome = r->outcome;
	r->outcome = OUTCOME_NULL;
	free(a->fallback_for);
	a->fallback_for = TAKE_PTR(r->fallback_for);
	attachment_forget_switch(a);
	a->switched_from = TAKE_PTR(r->switched_from);
	a->switch_ends = r->switch_ends;
	a->stale = r->stale;
	if (!a->policy) {
		a->object_print = r->object;
		a->whole_print = r->whole;
		a->enabled = r->enabled;
	}
}

/* With no record nothing is known but what the kernel says. */
static void take_facts(struct attachment *a, const struct adoption_find *find)
{
	a->outcome.map_id = find->map_id;
	a->outcome.link_id = find->link_id;
	a->outcome.linkless = find->link_id == 0;
	free(a->outcome.type);
	a->outcome.type = strdup(find->type);
	if (!a->outcome.map)
		a->outcome.map = strdup(find->map);
	if (!a->outcome.type || !a->outcome.map)
		(void)log_oom();
}

void attachment_restore(struct attachment *a, const struct machine *machine,
			struct state_record *record, const struct adoption_find *find,
			struct kernel_handles *handles, const char *detail)
{
	enum state from = a->machine.state;
	usec_t attached_realtime = record ? record->attached_realtime : 0;

	if (record)
		take_record(a, record);
	if (find && find->alive)
		take_facts(a, find);
	if (handles) {
		a->handles = *handles;
		*handles = KERNEL_HANDLES_NULL;
	}
	if (!machine)
		return;
	a->machine = *machine;
	if (a->machine.state == from) { /* off, then and now: no change, but something to tell */
		free(a->situation);
		a->situation = strdup(or_empty(detail));
		return;
	}
	attachment_note_change(a, from, detail);
	if (a->machine.state == STATE_ATTACHED && attached_realtime)
		a->attached_realtime = attached_realtime;
}

void attachment_resume(struct attachment *a, bool ended)
{
	if (a->machine.state == STATE_WAITING) {
		attachment_carry_out(a, ACTION_WAIT);
	} else if (ended) {
		attachment_link_ended(a);
	} else if (a->machine.state == STATE_ATTACHED) {
		attachment_watch_or_warn(a);
		attachment_check(a);
	}
}
