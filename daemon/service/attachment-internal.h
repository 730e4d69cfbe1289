/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An attachment's inside, for the files attachment*.c only: attachment.c (state, events, waiters), attachment-work.c
 * (what is done about it), -detach.c, -switch.c (in place of another), -watch.c (the link's end), -exit.c (what the
 * kernel ended), -wait.c (what is waited for), -restore.c (from one daemon to the next).
 */
#pragma once

#include "daemon/service/attachment.h"

/* Takes the fingerprints of a policy that was just put in place. */
void attachment_note_policy(struct attachment *a);
/* For those few who set the state themselves, since no step leads there. */
void attachment_note_change(struct attachment *a, enum state from, const char *detail);

/* The only function that changes the state, and what to do then. */
void attachment_step(struct attachment *a, enum machine_event event, enum reason reason,
		     const char *detail);
void attachment_step_exit(struct attachment *a, enum exit_class exit, enum reason reason,
			  const char *detail);
void attachment_carry_out(struct attachment *a, enum machine_action action);

/*
 * The last act of a worker that was lost was to give the link another map, which nobody can tell about any more: off
 * with it, and afresh.
 */
void attachment_start_over(struct attachment *a, const char *detail);

/* What a worker reports. reason_of: of what was not attached. */
enum reason attachment_reason_of(const struct outcome *o);
/* It is attached now; in place of the policy of that name (NULL: of none). */
void attachment_take_attached(struct attachment *a, struct worker_report *report,
			      const char *former);
/* The change failed on the way, and what was attached before has another link now, if there is one in the report. */
void attachment_take_new_link(struct attachment *a, struct worker_report *report);
/* It is not attached, and what the attempt has noted of defaults is another one's. *o is taken over. */
void attachment_take_failure(struct attachment *a, struct outcome *o);

/* In place of ACTION_LOAD while takes_from is set. */
void attachment_load_in_place(struct attachment *a);

/* Watches what is attached; that it cannot is logged. */
void attachment_watch_or_warn(struct attachment *a);
void attachment_drop_handles(struct attachment *a);
void attachment_keep_handles(void *userdata, int ret_fds[MESSAGE_FDS_MAX]);

void attachment_detach(struct attachment *a);
/* It ended for good without a detach of ours: what was pointed at it is given back, in a worker. */
void attachment_give_back(struct attachment *a);

/* EPOLLHUP, or that the map is not registered any more. */
void attachment_link_ended(struct attachment *a);
/*
 * Work has ended and left something attached: whether it still is. If not, the machine was told and nothing is to be
 * done any more.
 */
bool attachment_survived(struct attachment *a);
/* Where the last words of an attachment go; its folder is made. The caller frees; NULL: out of memory. */
char *attachment_exit_path(const struct attachment *a);

/* Where one of our policies has the name or the place, the kernel's answer tells only of this process: adds which it is. */
void attachment_name_holder(const struct attachment *a, struct outcome *o);
/* VERDICT_TAKEN: waits. False: nothing was done, nobody knows for which place it would. */
bool attachment_await_place(struct attachment *a);
