/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every verb has in hand, and what structopsctl ends with. */
#pragma once

#include <systemd/sd-bus.h>

#include "client/style.h"
#include "common/macro.h"

/* The numbers are a contract: scripts read them. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_ATTACHED = 3, /* status: a policy that was named is not attached, or not truly */
	EXIT_NO_SUCH_POLICY = 4,
	EXIT_DENIED = 5,
	EXIT_NO_DAEMON = 6,
};

/*
 * Of two outcomes the one to end with when several policies were named. From the gravest: usage, no daemon,
 * denied, failed, no such policy, not attached, done.
 */
enum exit_status exit_status_gravest(enum exit_status a, enum exit_status b);

struct client {
	const char *socket;
	bool json;          /* stdout is for programs */
	bool all;           /* list: what others have attached, too */
	const char *kernel; /* inspect, verify: another kernel's file; NULL: the running one */
	const char *policy; /* inspect: apply the overrides of this file; NULL: none */
	bool load;          /* verify: ask the verifier, too */
	const char *config, *policy_path; /* verify, delta: as of the daemon; NULL: defaults */
	const char *object_path;          /* verify: likewise */
	bool value; /* inspect: the value that the kernel would receive, too; dump: that it has */
	bool once;  /* top: one interval */
	uint64_t interval_usec; /* top */
	const char *since;      /* monitor: also events before now; NULL: none */
	const char *state;      /* monitor: a list of states; NULL: all */
	bool merged;            /* cat: what is in force */
	const char *textfile;   /* metrics: for node_exporter; NULL: stdout */
	const char *span;       /* switch: goes back by itself after that; NULL: it does not */
	bool until_restart;     /* switch: goes back when the daemon starts anew */
	bool back;              /* switch: goes back */
	bool wait;              /* verbs that change something wait for the outcome */
	struct style style;
	sd_bus *bus;
};

/* One line on stderr: "structopsctl: …". */
void complain(const char *format, ...) _printf_(1, 2);

/* Says so and returns EXIT_FAILED. */
enum exit_status out_of_memory(void);

/* Complains with a sentence (NULL, or -ENOMEM: out of memory). EXIT_DENIED for -EPERM, else EXIT_FAILED. */
enum exit_status failed_by(int error, const char *sentence);

/* CLOCK_REALTIME in µs. */
uint64_t now_usec(void);

/* EXIT_DONE, or EXIT_FAILED and a complaint when a back end of text.h or json.h returned an error. */
enum exit_status written(int result);
