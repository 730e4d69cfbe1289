/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An attachment: one policy, what the kernel holds because of it, and its history. It drives the state machine:
 * it carries out what machine_step() says and feeds back what comes of it. attachment_step() is the only
 * function that changes the state.
 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/core/event-ring.h"
#include "daemon/core/machine.h"
#include "daemon/kernel/kernel.h"
#include "daemon/service/worker.h"

struct attachment;
struct helper;

/* Called once when the state is no longer busy, or (settled false) when the attachment goes away. */
typedef void (*attachment_settled_t)(void *userdata, struct attachment *a, bool settled);

struct attachment_waiter {
	TAILQ_ENTRY(attachment_waiter) entry;
	attachment_settled_t callback;
	void *userdata;
};

/* What an attachment needs of the manager above it; given once, at construction. */
struct attachment_host {
	sd_event *event;
	struct worker_pool *pool;
	struct helper *helper;
	char *const *object_path;
	uint64_t *last_seq;
	/* Each change of state, in order. */
	void (*changed)(void *userdata, struct attachment *a, const struct event *event);
	/* The kernel says that the slot is taken: true if the host makes room and calls attachment_load_again(). */
	bool (*make_room)(void *userdata, struct attachment *a);
	void *userdata;
};

struct attachment {
	const struct attachment_host *host;
	char *name;
	struct policy *policy; /* NULL: the file does not parse */
	struct machine machine;

	struct kernel_handles handles;
	struct outcome outcome;   /* of what is attached, or of the last attempt where nothing is */
	usec_t attached_realtime; /* 0: not attached */
	bool stale; /* the change to policy failed: what is attached is the former one */

	struct worker *worker;
	bool relinking;

	sd_event_source *watch_source; /* EPOLLHUP of the link, or the timer of watch_poll */
	bool watch_poll; /* this kernel's links cannot be polled: look every few seconds */
	sd_event_source *deadline_source; /* back-off */

	struct event_ring events;
	TAILQ_HEAD(, attachment_waiter) waiters;

	char *fallback_for; /* attached because that policy failed; NULL otherwise */
	bool removed;       /* the policy is gone: free it when it is inactive */
};

/* policy is consumed, also on failure; NULL for one that does not parse. */
int attachment_new(const struct attachment_host *host, const char *name, struct policy *policy,
		   struct attachment **ret);
struct attachment *attachment_free(struct attachment *a);
DEFINE_CLEANUP(struct attachment *, attachment_free)

/* Wanted, not wanted, wanted anew. detail (NULL: a default sentence) goes into the event. */
void attachment_start(struct attachment *a, enum reason reason, const char *detail);
void attachment_stop(struct attachment *a, enum reason reason, const char *detail);
void attachment_replace(struct attachment *a, enum reason reason, const char *detail);
void attachment_reset_failed(struct attachment *a);
/* Only for an attachment that was never started: its file does not parse, detail says why. */
void attachment_set_invalid(struct attachment *a, enum reason reason, const char *detail);
/* After make_room(): the same attempt once more. */
void attachment_load_again(struct attachment *a);

/* A module was loaded: an attachment that waits for its struct_ops type tries again. */
void attachment_type_may_have_come(struct attachment *a);

/* Puts another policy in place; the caller then starts, stops or replaces. Consumed. */
void attachment_set_policy(struct attachment *a, struct policy *policy);

/* The callback comes at once where the state is not busy. -ENOMEM: it does not come. */
int attachment_wait(struct attachment *a, attachment_settled_t callback, void *userdata);
/* Takes back every attachment_wait() of this userdata. */
void attachment_unwait(struct attachment *a, void *userdata);

/* The last event's sentence; "" where there was none. */
const char *attachment_detail(const struct attachment *a);
bool attachment_is_attached(const struct attachment *a);

/*
 * Between attachment.c (state, events, waiters), attachment-work.c (what is done about it) and
 * attachment-watch.c (the link's end) only.
 */
void attachment_step(struct attachment *a, enum machine_event event, enum reason reason,
		     const char *detail);
void attachment_carry_out(struct attachment *a, enum machine_action action);
void attachment_link_ended(struct attachment *a);
