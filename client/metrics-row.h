/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon has counted, taken out of the answer of Metrics(), from which the texts are borrowed. */
#pragma once

#include "client/dictionary.h"

struct metric_count {
	const char *word; /* NULL: kind */
	int kind;
	uint64_t n;
};

struct metric_counts {
	struct metric_count *items;
	size_t n;
};

struct metric_span {
	uint64_t n, usec;
};

struct metric_run {
	const char *program;
	uint64_t calls, nsec;
};

struct metrics_row {
	sd_bus_message *message;

	const char *name, *state; /* never NULL */
	const char *type, *map, *object, *template;
	bool is_template;
	uint64_t since_usec; /* realtime; 0: nothing has happened yet */
	struct texts disagreements;
	bool users_known;
	uint32_t users;
	struct metric_counts detachments, failures, restarts, exits;
	uint64_t worker_failures;
	struct metric_span load, attach, update, gap;
	struct metric_run *runs; /* of each program; none where the kernel does not count */
	size_t n_runs;
};

struct metrics_daemon {
	sd_bus_message *message;

	const char *version;
	uint64_t started_usec; /* realtime */
	struct metric_counts reloads;
};

struct metrics {
	struct metrics_daemon daemon; /* message NULL: there is none */
	struct metrics_row *rows;
	size_t n_rows;
};

/* The answer of Metrics(). 0; -EBADMSG; -ENOMEM. */
int metrics_read(struct metrics *ret, sd_bus_message *answer);
void metrics_done(struct metrics *m);
