/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state machine of one attachment: a table [state][event] of small functions that change the state and
 * say what is to be done. It does nothing itself: no clock, no kernel, no log. Whoever drives it carries the
 * action out and reports back with the next event.
 */
#pragma once

#include "common/names.h"
#include "daemon/core/backoff.h"
#include "daemon/core/exit-record.h"

enum machine_event {
	MACHINE_START,    /* wanted, from now on; counters begin anew */
	MACHINE_STOP,     /* not wanted any more */
	MACHINE_REPLACE,  /* wanted, but otherwise: load beside what runs and bring it in */
	MACHINE_RESET,    /* reset-failed */
	MACHINE_DEADLINE, /* what is waited for (the time of ACTION_WAIT, an event) has come */
	MACHINE_DETACHED, /* somebody else detached the link */
	/* While work is under way these two are told when it has ended, in place of MACHINE_ATTACHED or _KEPT. */
	MACHINE_EXITED,      /* the kernel threw it out; input.exit says what that asks for */
	MACHINE_DEVICE_GONE, /* its device was removed: waits for an event */
	MACHINE_ATTACHED,    /* the work ended: attached, updated or swapped */
	MACHINE_KEPT,        /* the work ended: the change failed, the old one is attached */
	MACHINE_REFUSED,     /* the work ended: nothing attached, and no retry can help */
	MACHINE_FAILED,      /* the work ended: nothing attached, a retry may help */
	MACHINE_AWAIT, /* the work ended: nothing attached, something else has to come first */
	MACHINE_YIELD, /* another policy is being brought in, in its place; the end of that work is told to both */
	MACHINE_SUPERSEDED, /* the work ended: that policy is attached, and nothing of this one is */
	MACHINE_RELINK_FAILED, /* the helper could not link the held map again */
	MACHINE_DETACH_DONE,   /* ACTION_DETACH ended */
	_MACHINE_EVENT_MAX,
};

enum machine_action {
	ACTION_NONE,
	ACTION_LOAD,    /* let a worker load and attach afresh */
	ACTION_RELINK,  /* let the helper link the held map again */
	ACTION_REPLACE, /* let a worker load and bring in beside what runs */
	ACTION_DETACH,  /* let a worker detach whatever link is held; none held: done at once */
	ACTION_CANCEL,  /* end the running work; its end is still reported */
	ACTION_WAIT,    /* come back with MACHINE_DEADLINE at machine.deadline */
	ACTION_GIVE_UP, /* just became failed: the fallback's turn */
	_ACTION_MAX,
};

struct machine {
	enum state state;
	enum reason reason; /* why the last change happened */
	struct backoff backoff;
	unsigned restarts;    /* counted automatic ones since the last MACHINE_START */
	unsigned quick_exits; /* in a row, each within a second of its attach */
	usec_t attached_at;   /* CLOCK_MONOTONIC; meaningful while attached */
	usec_t deadline; /* CLOCK_MONOTONIC; meaningful while waiting. USEC_INFINITY: for an event */
	bool relink;     /* the next attempt may link the held map again */
	bool again; /* when the running work has ended, start over with the policy as it is then */
	enum reason again_reason;
};

struct machine_input {
	enum machine_event event;
	enum reason
		reason; /* of START, STOP, REPLACE, DEADLINE, EXITED, KEPT, FAILED, REFUSED, AWAIT; the others have their own */
	bool relinkable; /* of DETACHED: a loaded map is held and its type can be linked again */
	enum exit_class exit; /* of EXITED */
	usec_t now;           /* CLOCK_MONOTONIC */
};

/* Takes one step and says what to do. The state that stands afterwards is machine->state. */
enum machine_action machine_step(struct machine *m, const struct restart_rules *rules,
				 const struct machine_input *in);

/* Work is under way and its outcome will change the state: a client that waits goes on waiting. */
bool state_is_busy(enum state state);
