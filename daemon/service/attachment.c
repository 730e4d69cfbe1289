/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/attachment.h"

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/attachment-internal.h"
#include "daemon/service/attachment-watch.h"
#include "daemon/service/clock.h"

#define EVENTS_KEPT 32

int attachment_new(const struct attachment_host *host, const char *name, struct policy *policy,
		   struct attachment **ret)
{
	_cleanup_(policy_freep) struct policy *owned = policy;
	_cleanup_(attachment_freep) struct attachment *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->host = host;
	a->handles = KERNEL_HANDLES_NULL;
	a->events = EVENT_RING(EVENTS_KEPT);
	TAILQ_INIT(&a->waiters);
	a->name = strdup(name);
	if (!a->name)
		return -ENOMEM;
	a->policy = TAKE_PTR(owned);
	attachment_note_policy(a);
	*ret = TAKE_PTR(a);
	return 0;
}

static void settle_waiters(struct attachment *a, bool settled)
{
	struct attachment_waiter *w;

	while ((w = TAILQ_FIRST(&a->waiters))) {
		TAILQ_REMOVE(&a->waiters, w, entry);
		w->callback(w->userdata, a, settled);
		free(w);
	}
}

struct attachment *attachment_free(struct attachment *a)
{
	if (!a)
		return NULL;
	settle_waiters(a, false);
	attachment_unwatch(a);
	sd_event_source_disable_unref(a->deadline_source);
	sd_event_source_disable_unref(a->check_source);
	kernel_handles_close(&a->handles);
	outcome_done(&a->outcome);
	event_ring_done(&a->events);
	policy_free(a->policy);
	free(a->fallback_for);
	attachment_forget_switch(a);
	free(a->template);
	hid_device_done(&a->device);
	free(a->situation);
	free(a->name);
	free(a);
	return NULL;
}

static const char *message_id_of(enum state state)
{
	switch (state) {
	case STATE_ATTACHED:
		return MESSAGE_ID_ATTACHED;
	case STATE_INACTIVE:
		return MESSAGE_ID_DETACHED;
	case STATE_FAILED:
		return MESSAGE_ID_FAILED;
	case STATE_INVALID:
		return MESSAGE_ID_INVALID;
	default:
		return MESSAGE_ID_STATE;
	}
}

static int log_level_of(const struct attachment *a, const struct event *e)
{
	if (e->to == STATE_FAILED || e->to == STATE_INVALID)
		return LOG_ERR;
	if (e->to == STATE_WAITING && attachment_is_template(a))
		return LOG_INFO; /* that is all it ever does */
	if (e->to == STATE_WAITING ||
	    (e->from == STATE_UPDATING && e->reason != REASON_RELOAD && e->reason != REASON_ADMIN))
		return LOG_WARNING;
	if (e->to == STATE_ATTACHED || e->to == STATE_INACTIVE)
		return LOG_INFO;
	return LOG_DEBUG;
}

/*
 * When the loop woke up for what is being handled now: since then nobody was told anything else. What is done on the
 * way to a change (last words are written into a file) does not make it happen later.
 */
static usec_t learned_at(const struct attachment *a, clockid_t clock)
{
	usec_t usec;

	return sd_event_now(a->host->event, clock, &usec) < 0 ? clock_now(clock) : usec;
}

/*
 * The one place where a change of state becomes an event: history, journal, observers. detail is consumed;
 * NULL: out of memory.
 */
static void note_change(struct attachment *a, enum state from, bool exited, char *detail)
{
	struct event e = {
		.seq = ++*a->host->last_seq,
		.realtime = learned_at(a, CLOCK_REALTIME),
		.monotonic = learned_at(a, CLOCK_MONOTONIC),
		.from = from,
		.to = a->machine.state,
		.reason = a->machine.reason,
		.link_id = a->handles.link_fd >= 0 ? a->outcome.link_id : 0,
		.detail = detail,
	};
	struct log_fields fields = {
		.policy = a->name,
		.state = state_to_string(e.to),
		.reason = reason_to_string(e.reason),
		.link_id = e.link_id,
		.message_id = message_id_of(e.to),
		.exit_kind = exited ? a->outcome.end.kind : 0,
		.exit_code = exited ? a->outcome.end.code : 0,
	};

	if (!attachment_is_template(a)) {
		free(a->situation);
		a->situation = NULL;
	}
	a->attached_realtime = e.to == STATE_ATTACHED ? e.realtime : 0;
	a->changed_realtime = e.realtime;
	counters_note_change(&a->counters, &e, fields.exit_kind);
	if (!detail || event_ring_add(&a->events, &e) < 0) {
		(void)log_oom();
		return;
	}
	log_full(log_level_of(a, &e), &fields, "%s → %s (%s)%s%s", state_to_string(from),
		 state_to_string(e.to), reason_to_string(e.reason), *detail ? ": " : "", detail);
	a->host->changed(a->host->userdata, a, &e);
}

/* Of an attachment whose policy does not parse or is gone: when it ends, it has ended. */
static const struct restart_rules no_rules = {.mode = RESTART_NO};

/* The sentence of an event: what the caller knows, and what the new state makes of it. */
static char *compose_detail(const struct attachment *a, const char *detail, usec_t at)
{
	const struct machine *m = &a->machine;
	const struct outcome *o = &a->outcome;
	const struct restart_rules *rules = a->policy ? &a->policy->restart : &no_rules;
	char span[TIMESPAN_MAX];

	if (m->state == STATE_WAITING && m->deadline != USEC_INFINITY)
		return sentence("%s; restart %u in %s", or_empty(detail), m->restarts,
				timespan_format(span, timespan_round(m->deadline - at)));
	if (m->state == STATE_FAILED && m->reason == REASON_LIMIT_HIT)
		return sentence(
			"%u starts within %s (StartLimitBurst=, StartLimitIntervalSec=), the last "
			"one failed: %s",
			rules->limit_burst, timespan_format(span, rules->limit_interval),
			or_empty(detail));
	if (m->state == STATE_INACTIVE &&
	    (m->reason == REASON_LINK_DETACHED || m->reason == REASON_KERNEL_EXIT))
		return sentence("%s; not attached again (Restart=%s)", or_empty(detail),
				restart_mode_to_string(rules->mode));
	if (m->state == STATE_ATTACHED && !detail)
		return sentence("link %u, map %u (%s) of type %s", o->link_id, o->map_id,
				or_empty(o->map), or_empty(o->type));
	return strdup(or_empty(detail));
}

/* While it waits the map is held, to be linked again; once nothing more will come of it, it costs kernel memory. */
static bool needs_handles(enum state state)
{
	return state_is_busy(state) || state == STATE_ATTACHED || state == STATE_WAITING;
}

/* Of an attachment that ended, or was dead from the start: its exit record is news. */
static bool is_exit(const struct machine_input *in)
{
	return in->event == MACHINE_EXITED || in->reason == REASON_DEAD_ON_ARRIVAL;
}

static void take_step(struct attachment *a, struct machine_input *in, const char *detail)
{
	enum state from = a->machine.state;
	enum machine_action action;

	in->relinkable = a->handles.map_fd >= 0 && a->outcome.relinkable;
	in->now = clock_now(CLOCK_MONOTONIC);
	action = machine_step(&a->machine, a->policy ? &a->policy->restart : &no_rules, in);
	if (a->machine.state != STATE_WAITING)
		a->deadline_source = sd_event_source_disable_unref(a->deadline_source);
	if (a->machine.state != from)
		note_change(a, from, is_exit(in), compose_detail(a, detail, in->now));
	if (!needs_handles(a->machine.state)) {
		kernel_handles_close(&a->handles);
		attachment_give_back(a);
	}
	attachment_carry_out(a, action);
	if (!state_is_busy(a->machine.state))
		settle_waiters(a, true);
}

void attachment_step(struct attachment *a, enum machine_event event, enum reason reason,
		     const char *detail)
{
	struct machine_input in = {.event = event, .reason = reason};

	take_step(a, &in, detail);
}

void attachment_step_exit(struct attachment *a, enum exit_class exit, enum reason reason,
			  const char *detail)
{
	struct machine_input in = {.event = MACHINE_EXITED, .reason = reason, .exit = exit};

	take_step(a, &in, detail);
}

void attachment_note_change(struct attachment *a, enum state from, const char *detail)
{
	note_change(a, from, false, strdup(or_empty(detail)));
}

void attachment_start(struct attachment *a, enum reason reason, const char *detail)
{
	attachment_step(a, MACHINE_START, reason, detail);
}

void attachment_stop(struct attachment *a, enum reason reason, const char *detail)
{
	attachment_step(a, MACHINE_STOP, reason, detail);
}

void attachment_replace(struct attachment *a, enum reason reason, const char *detail)
{
	attachment_step(a, MACHINE_REPLACE, reason, detail);
}

void attachment_reset_failed(struct attachment *a)
{
	attachment_step(a, MACHINE_RESET, REASON_ADMIN, NULL);
}

void attachment_set_invalid(struct attachment *a, enum reason reason, const char *detail)
{
	enum state from = a->machine.state;

	a->machine.state = STATE_INVALID;
	a->machine.reason = reason;
	attachment_note_change(a, from, detail);
}

void attachment_set_policy(struct attachment *a, struct policy *policy)
{
	policy_free(a->policy);
	a->policy = policy;
	attachment_note_policy(a);
}

int attachment_wait(struct attachment *a, attachment_settled_t callback, void *userdata)
{
	struct attachment_waiter *w;

	if (!state_is_busy(a->machine.state)) {
		callback(userdata, a, true);
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->callback = callback;
	w->userdata = userdata;
	TAILQ_INSERT_TAIL(&a->waiters, w, entry);
	return 0;
}

void attachment_unwait(struct attachment *a, void *userdata)
{
	struct attachment_waiter *w, *next;

	for (w = TAILQ_FIRST(&a->waiters); w; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->userdata != userdata)
			continue;
		TAILQ_REMOVE(&a->waiters, w, entry);
		free(w);
	}
}

const char *attachment_detail(const struct attachment *a)
{
	if (a->situation)
		return a->situation;
	return a->events.n ? event_ring_get(&a->events, a->events.n - 1)->detail : "";
}

bool attachment_is_attached(const struct attachment *a)
{
	return a->machine.state == STATE_ATTACHED || a->machine.state == STATE_UPDATING;
}

bool attachment_is_at_rest(const struct attachment *a)
{
	return !state_is_busy(a->machine.state) && a->machine.state != STATE_ATTACHED &&
	       !a->giving_back;
}

bool attachment_is_template(const struct attachment *a)
{
	return a->policy && a->policy->is_template;
}
