/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Workers: short-lived children that do the blocking kernel work (parse an ELF file, wait for the verifier, for
 * the kernel's struct_ops mutex, for RCU). Bounded in number and in time; one that crashes, hangs or is killed
 * is reported like any other outcome.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/kernel/kernel.h"
#include "daemon/service/process.h"

struct worker;
struct worker_pool;

enum worker_end {
	WORKER_REPORTED,  /* outcome and handles are what the worker found */
	WORKER_LOST,      /* crashed, hung or could not be started: detail says which */
	WORKER_CANCELLED, /* ended by worker_cancel() before it could report */
};

struct worker_report {
	enum worker_end end;
	char *detail; /* WORKER_LOST: a sentence */
	struct outcome outcome;
	struct kernel_handles handles;
};

struct worker_task {
	const char *name; /* of the policy, for comm and sentences; borrowed until done() */
	/*
	 * Before those that wait already, and with one place of its own beyond the number of workers: taking off must
	 * work while a scheduler starves everybody.
	 */
	bool urgent;
	/* With the daemon's real-time priority, which others give up: for what has to do with a running scheduler. */
	bool keeps_priority;
	/* Asked right before the fork: the descriptors that run() needs, -EBADF for none. Not consumed. NULL: it needs none. */
	void (*keep_fds)(void *userdata, int ret_fds[MESSAGE_FDS_MAX]);
	/* In the child. 0, or -ENOMEM: nothing could be reported. */
	int (*run)(void *userdata, struct outcome *ret_outcome, struct kernel_handles *ret_handles);
	/*
	 * In the daemon, from the event loop, exactly once a task. What it takes out of the report (TAKE_PTR,
	 * TAKE_FD, outcome by copy and OUTCOME_NULL) is its own; the rest is freed behind it.
	 */
	void (*done)(void *userdata, struct worker_report *report);
	void *userdata;
};

/* timeout in µs for each worker. At most max run side by side. */
int worker_pool_new(sd_event *event, unsigned max, usec_t timeout, struct worker_pool **ret);
/* Kills and reaps whatever still runs; nothing is reported. */
struct worker_pool *worker_pool_free(struct worker_pool *pool);
DEFINE_CLEANUP(struct worker_pool *, worker_pool_free)

/* Queues a task. *ret stays valid until done(). Never calls done() itself. */
int worker_submit(struct worker_pool *pool, const struct worker_task *task, struct worker **ret);

/* Ends it; done() comes when it is gone (with what it had reported before, if it had). */
void worker_cancel(struct worker *worker);
