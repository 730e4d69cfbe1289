/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/machine.h"

/* A failed attempt is never repeated faster than this, whatever RestartSec= says: no retry storm. */
#define FAILED_ATTEMPT_MIN_DELAY (10 * USEC_PER_MSEC)

/* Ended so soon after the attach: something is wrong, whatever the kernel says. */
#define QUICK_EXIT USEC_PER_SEC
/* So many such ends in a row may ask for a restart at once; then it is taken for a failure. */
#define QUICK_RESTARTS_MAX 3

/* "Stable" where StartLimitIntervalSec=0 gives no time for it. */
#define STABLE_DEFAULT USEC_PER_MINUTE

typedef enum machine_action (*cell_t)(struct machine *m, const struct restart_rules *rules,
				      const struct machine_input *in);

static void enter(struct machine *m, enum state state, enum reason reason)
{
	m->state = state;
	m->reason = reason;
}

static enum machine_action nothing(struct machine *m, const struct restart_rules *rules,
				   const struct machine_input *in)
{
	return ACTION_NONE;
}

/* A start that somebody asked for: never limited, and all counters begin anew. */
static enum machine_action start(struct machine *m, const struct restart_rules *rules,
				 const struct machine_input *in)
{
	backoff_reset(&m->backoff);
	(void)backoff_admit(&m->backoff, rules, in->now);
	m->restarts = 0;
	m->quick_exits = 0;
	m->relink = false;
	m->again = false;
	enter(m, STATE_LOADING, in->reason);
	return ACTION_LOAD;
}

static enum machine_action start_when_done(struct machine *m, const struct restart_rules *rules,
					   const struct machine_input *in)
{
	m->again = true;
	m->again_reason = in->reason;
	return ACTION_NONE;
}

/* The policy changed while its old form is being loaded: that load is worth nothing any more. */
static enum machine_action load_again(struct machine *m, const struct restart_rules *rules,
				      const struct machine_input *in)
{
	m->again = true;
	m->again_reason = in->reason;
	return ACTION_CANCEL;
}

static enum machine_action replace(struct machine *m, const struct restart_rules *rules,
				   const struct machine_input *in)
{
	m->again = false;
	if (in->reason == REASON_ADMIN) { /* a start as by start() */
		backoff_reset(&m->backoff);
		(void)backoff_admit(&m->backoff, rules, in->now);
		m->restarts = 0;
	}
	enter(m, STATE_UPDATING, in->reason);
	return ACTION_REPLACE;
}

/* Its counters go on, should it come to nothing. */
static enum machine_action yield(struct machine *m, const struct restart_rules *rules,
				 const struct machine_input *in)
{
	m->again = false;
	enter(m, STATE_UPDATING, in->reason);
	return ACTION_NONE;
}

static enum machine_action rest(struct machine *m, const struct restart_rules *rules,
				const struct machine_input *in)
{
	enter(m, STATE_INACTIVE, in->reason);
	return ACTION_NONE;
}

static enum machine_action detach(struct machine *m, const struct restart_rules *rules,
				  const struct machine_input *in)
{
	m->again = false;
	enter(m, STATE_DETACHING, in->reason);
	return ACTION_DETACH;
}

/* Stopped while work is under way: what that work leaves attached is detached when it has ended. */
static enum machine_action cancel(struct machine *m, const struct restart_rules *rules,
				  const struct machine_input *in)
{
	m->again = false;
	enter(m, STATE_DETACHING, in->reason);
	return ACTION_CANCEL;
}

static enum machine_action detach_leftover(struct machine *m, const struct restart_rules *rules,
					   const struct machine_input *in)
{
	return ACTION_DETACH;
}

static enum machine_action detached_as_asked(struct machine *m, const struct restart_rules *rules,
					     const struct machine_input *in)
{
	struct machine_input again = {
		.event = MACHINE_START, .reason = m->again_reason, .now = in->now};

	if (m->again)
		return start(m, rules, &again);
	enter(m, STATE_INACTIVE, m->reason);
	return ACTION_NONE;
}

static enum machine_action stop_again(struct machine *m, const struct restart_rules *rules,
				      const struct machine_input *in)
{
	m->again = false;
	return ACTION_NONE;
}

static enum machine_action fail(struct machine *m, const struct restart_rules *rules,
				const struct machine_input *in)
{
	enter(m, STATE_FAILED, in->reason);
	return ACTION_GIVE_UP;
}

static enum machine_action attempt(struct machine *m)
{
	m->state = STATE_LOADING;
	return m->relink ? ACTION_RELINK : ACTION_LOAD;
}

/* The next automatic attempt: now, later, or never again. */
static enum machine_action retry(struct machine *m, const struct restart_rules *rules,
				 enum reason reason, usec_t now, usec_t min_delay)
{
	usec_t delay = backoff_delay(rules, m->backoff.restarts);

	delay = MAX(delay, min_delay);
	if (!backoff_admit(&m->backoff, rules, now + delay)) {
		enter(m, STATE_FAILED, REASON_LIMIT_HIT);
		return ACTION_GIVE_UP;
	}

	m->backoff.restarts++;
	m->restarts++;
	m->reason = reason;
	if (delay == 0)
		return attempt(m);
	m->deadline = now + delay;
	m->state = STATE_WAITING;
	return ACTION_WAIT;
}

static void forgive_if_stable(struct machine *m, const struct restart_rules *rules, usec_t now)
{
	usec_t stable = rules->limit_interval ? rules->limit_interval : STABLE_DEFAULT;

	if (now >= m->attached_at + stable)
		backoff_reset(&m->backoff);
}

static enum machine_action detached(struct machine *m, const struct restart_rules *rules,
				    const struct machine_input *in)
{
	if (rules->mode == RESTART_NO) {
		enter(m, STATE_INACTIVE, REASON_LINK_DETACHED);
		return ACTION_NONE;
	}
	forgive_if_stable(m, rules, in->now);
	m->relink = in->relinkable;
	return retry(m, rules, REASON_LINK_DETACHED, in->now, 0);
}

/* Nothing is attached, and no time brings the next attempt: whoever drives us knows what does. */
static enum machine_action wait_for_event(struct machine *m, enum reason reason)
{
	m->relink = false;
	m->deadline = USEC_INFINITY;
	enter(m, STATE_WAITING, reason);
	return ACTION_NONE;
}

static enum machine_action restart_at_once(struct machine *m, enum reason reason)
{
	m->reason = reason;
	return attempt(m);
}

static enum machine_action exited(struct machine *m, const struct restart_rules *rules,
				  const struct machine_input *in)
{
	bool quick = in->now < m->attached_at + QUICK_EXIT;

	m->relink = false;
	m->quick_exits = quick ? m->quick_exits + 1 : 0;
	if (rules->mode == RESTART_NO || (in->exit == EXIT_WISH && rules->mode != RESTART_ALWAYS)) {
		enter(m, STATE_INACTIVE, in->reason);
		return ACTION_NONE;
	}
	if (in->exit == EXIT_PARENT)
		return wait_for_event(m, in->reason);
	if (in->exit == EXIT_RESTART && m->quick_exits <= QUICK_RESTARTS_MAX)
		return restart_at_once(m, in->reason);
	forgive_if_stable(m, rules, in->now);
	return retry(m, rules, in->reason, in->now, quick ? FAILED_ATTEMPT_MIN_DELAY : 0);
}

static enum machine_action device_gone(struct machine *m, const struct restart_rules *rules,
				       const struct machine_input *in)
{
	return wait_for_event(m, REASON_DEVICE_GONE);
}

static enum machine_action deadline(struct machine *m, const struct restart_rules *rules,
				    const struct machine_input *in)
{
	m->reason = in->reason;
	return attempt(m);
}

static enum machine_action attached(struct machine *m, const struct restart_rules *rules,
				    const struct machine_input *in)
{
	struct machine_input again = {
		.event = MACHINE_REPLACE, .reason = m->again_reason, .now = in->now};

	m->relink = false;
	m->attached_at = in->now;
	if (m->again)
		return replace(m, rules, &again);
	m->state = STATE_ATTACHED;
	return ACTION_NONE;
}

static enum machine_action kept(struct machine *m, const struct restart_rules *rules,
				const struct machine_input *in)
{
	if (m->again)
		return attached(m, rules, in);
	enter(m, STATE_ATTACHED, in->reason);
	return ACTION_NONE;
}

static enum machine_action refused(struct machine *m, const struct restart_rules *rules,
				   const struct machine_input *in)
{
	struct machine_input again = {
		.event = MACHINE_START, .reason = m->again_reason, .now = in->now};

	if (m->again)
		return start(m, rules, &again);
	return fail(m, rules, in);
}

static enum machine_action attempt_failed(struct machine *m, const struct restart_rules *rules,
					  const struct machine_input *in)
{
	if (m->again || rules->mode == RESTART_NO)
		return refused(m, rules, in);
	m->relink = false;
	return retry(m, rules, in->reason, in->now, FAILED_ATTEMPT_MIN_DELAY);
}

static enum machine_action await(struct machine *m, const struct restart_rules *rules,
				 const struct machine_input *in)
{
	if (m->again)
		return refused(m, rules, in);
	return wait_for_event(m, in->reason);
}

/* It came to life and was dead before that was known here: as if it had been attached. */
static enum machine_action exited_on_arrival(struct machine *m, const struct restart_rules *rules,
					     const struct machine_input *in)
{
	if (m->again)
		return refused(m, rules, in);
	m->attached_at = in->now;
	return exited(m, rules, in);
}

static enum machine_action device_gone_on_arrival(struct machine *m,
						  const struct restart_rules *rules,
						  const struct machine_input *in)
{
	if (m->again)
		return refused(m, rules, in);
	return device_gone(m, rules, in);
}

/* The same attempt goes on with a worker, which can also say why. */
static enum machine_action load_instead(struct machine *m, const struct restart_rules *rules,
					const struct machine_input *in)
{
	m->relink = false;
	m->again = false;
	return ACTION_LOAD;
}

static enum machine_action forget(struct machine *m, const struct restart_rules *rules,
				  const struct machine_input *in)
{
	backoff_reset(&m->backoff);
	return ACTION_NONE;
}

static enum machine_action forget_failure(struct machine *m, const struct restart_rules *rules,
					  const struct machine_input *in)
{
	backoff_reset(&m->backoff);
	enter(m, STATE_INACTIVE, REASON_ADMIN);
	return ACTION_NONE;
}

/*
 * Work of an earlier state may report late (a link that hung up while its replacement came in): such a cell
 * says nothing, visibly.
 */
static const cell_t table[_STATE_MAX][_MACHINE_EVENT_MAX] = {
	[STATE_INACTIVE] =
		{
			[MACHINE_START] = start,
			[MACHINE_STOP] = nothing,
			[MACHINE_REPLACE] = nothing,
			[MACHINE_RESET] = forget,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = nothing,
			[MACHINE_DEVICE_GONE] = nothing,
			[MACHINE_ATTACHED] = nothing,
			[MACHINE_KEPT] = nothing,
			[MACHINE_REFUSED] = nothing,
			[MACHINE_FAILED] = nothing,
			[MACHINE_AWAIT] = nothing,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = nothing,
			[MACHINE_RELINK_FAILED] = nothing,
			[MACHINE_DETACH_DONE] = nothing,
		},
	[STATE_LOADING] =
		{
			[MACHINE_START] = nothing,
			[MACHINE_STOP] = cancel,
			[MACHINE_REPLACE] = load_again,
			[MACHINE_RESET] = forget,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = exited_on_arrival,
			[MACHINE_DEVICE_GONE] = device_gone_on_arrival,
			[MACHINE_ATTACHED] = attached,
			[MACHINE_KEPT] = nothing,
			[MACHINE_REFUSED] = refused,
			[MACHINE_FAILED] = attempt_failed,
			[MACHINE_AWAIT] = await,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = nothing,
			[MACHINE_RELINK_FAILED] = load_instead,
			[MACHINE_DETACH_DONE] = nothing,
		},
	[STATE_ATTACHED] =
		{
			[MACHINE_START] = nothing,
			[MACHINE_STOP] = detach,
			[MACHINE_REPLACE] = replace,
			[MACHINE_RESET] = forget,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = detached,
			[MACHINE_EXITED] = exited,
			[MACHINE_DEVICE_GONE] = device_gone,
			[MACHINE_ATTACHED] = nothing,
			[MACHINE_KEPT] = nothing,
			[MACHINE_REFUSED] = nothing,
			[MACHINE_FAILED] = nothing,
			[MACHINE_AWAIT] = nothing,
			[MACHINE_YIELD] = yield,
			[MACHINE_SUPERSEDED] = nothing,
			[MACHINE_RELINK_FAILED] = nothing,
			[MACHINE_DETACH_DONE] = nothing,
		},
	[STATE_UPDATING] =
		{
			[MACHINE_START] = nothing,
			[MACHINE_STOP] = cancel,
			[MACHINE_REPLACE] = start_when_done,
			[MACHINE_RESET] = forget,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = exited_on_arrival,
			[MACHINE_DEVICE_GONE] = device_gone_on_arrival,
			[MACHINE_ATTACHED] = attached,
			[MACHINE_KEPT] = kept,
			[MACHINE_REFUSED] = refused,
			[MACHINE_FAILED] = attempt_failed,
			[MACHINE_AWAIT] = await,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = rest,
			[MACHINE_RELINK_FAILED] = nothing,
			[MACHINE_DETACH_DONE] = nothing,
		},
	[STATE_WAITING] =
		{
			[MACHINE_START] = start,
			[MACHINE_STOP] = rest,
			[MACHINE_REPLACE] = start,
			[MACHINE_RESET] = forget,
			[MACHINE_DEADLINE] = deadline,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = nothing,
			[MACHINE_DEVICE_GONE] = nothing,
			[MACHINE_ATTACHED] = nothing,
			[MACHINE_KEPT] = nothing,
			[MACHINE_REFUSED] = nothing,
			[MACHINE_FAILED] = nothing,
			[MACHINE_AWAIT] = nothing,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = nothing,
			[MACHINE_RELINK_FAILED] = nothing,
			[MACHINE_DETACH_DONE] = nothing,
		},
	[STATE_DETACHING] =
		{
			[MACHINE_START] = start_when_done,
			[MACHINE_STOP] = stop_again,
			[MACHINE_REPLACE] = start_when_done,
			[MACHINE_RESET] = forget,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = nothing,
			[MACHINE_DEVICE_GONE] = nothing,
			[MACHINE_ATTACHED] = detach_leftover,
			[MACHINE_KEPT] = detach_leftover,
			[MACHINE_REFUSED] = detach_leftover,
			[MACHINE_FAILED] = detach_leftover,
			[MACHINE_AWAIT] = detach_leftover,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = detach_leftover,
			[MACHINE_RELINK_FAILED] = detach_leftover,
			[MACHINE_DETACH_DONE] = detached_as_asked,
		},
	[STATE_FAILED] =
		{
			[MACHINE_START] = start,
			[MACHINE_STOP] = rest,
			[MACHINE_REPLACE] = start,
			[MACHINE_RESET] = forget_failure,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = nothing,
			[MACHINE_DEVICE_GONE] = nothing,
			[MACHINE_ATTACHED] = nothing,
			[MACHINE_KEPT] = nothing,
			[MACHINE_REFUSED] = nothing,
			[MACHINE_FAILED] = nothing,
			[MACHINE_AWAIT] = nothing,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = nothing,
			[MACHINE_RELINK_FAILED] = nothing,
			[MACHINE_DETACH_DONE] = nothing,
		},
	[STATE_INVALID] =
		{
			[MACHINE_START] = start,
			[MACHINE_STOP] = rest,
			[MACHINE_REPLACE] = start,
			[MACHINE_RESET] = nothing,
			[MACHINE_DEADLINE] = nothing,
			[MACHINE_DETACHED] = nothing,
			[MACHINE_EXITED] = nothing,
			[MACHINE_DEVICE_GONE] = nothing,
			[MACHINE_ATTACHED] = nothing,
			[MACHINE_KEPT] = nothing,
			[MACHINE_REFUSED] = nothing,
			[MACHINE_FAILED] = nothing,
			[MACHINE_AWAIT] = nothing,
			[MACHINE_YIELD] = nothing,
			[MACHINE_SUPERSEDED] = nothing,
			[MACHINE_RELINK_FAILED] = nothing,
			[MACHINE_DETACH_DONE] = nothing,
		},
};

enum machine_action machine_step(struct machine *m, const struct restart_rules *rules,
				 const struct machine_input *in)
{
	return table[m->state][in->event](m, rules, in);
}

bool state_is_busy(enum state state)
{
	return state == STATE_LOADING || state == STATE_UPDATING || state == STATE_DETACHING;
}
