/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is counted, for metrics: numbers that only grow, from zero on with each daemon. Of one attachment as long as
 * the daemon knows it; of the daemon itself.
 */
#pragma once

#include "daemon/core/event-ring.h"
#include "daemon/core/outcome.h"

struct span_counter {
	uint64_t n;
	usec_t sum;
};

/* Kinds beyond these are counted as the kind EXIT_KIND_OTHER: a number from an object must not cost memory. */
#define COUNTED_EXIT_KINDS_MAX 16
#define EXIT_KIND_OTHER 0

struct exit_counter {
	int kind; /* enum scx_exit_kind */
	uint64_t n;
};

struct counters {
	uint64_t detachments[_REASON_MAX]; /* it ended, and nobody asked this daemon */
	uint64_t failures[_REASON_MAX];    /* attempts to attach, or to bring a change in */
	uint64_t restarts[_REASON_MAX];    /* automatic attempts, by what made them necessary */
	uint64_t worker_failures;          /* crashed, hung, could not be started */
	struct exit_counter exits[COUNTED_EXIT_KINDS_MAX + 1];
	size_t n_exits;
	struct span_counter load;   /* each load, until the verifier is done */
	struct span_counter attach; /* where nothing was attached before */
	struct span_counter update; /* where it took the place of a former form */
	struct span_counter gap;    /* of those, the time in which nothing was attached */
};

/* A change of state; exit_kind: of the exit record that it is about, 0 where there is none. */
void counters_note_change(struct counters *c, const struct event *e, int exit_kind);
/* A worker has attached it. */
void counters_note_attached(struct counters *c, const struct outcome *o);

enum reload_result {
	RELOAD_OK,
	RELOAD_FAILED,  /* carried out, and not all is as it should be */
	RELOAD_REFUSED, /* a file does not parse: nothing was changed */
	_RELOAD_RESULT_MAX,
	_RELOAD_RESULT_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(reload_result, enum reload_result);

struct daemon_counters {
	usec_t started; /* CLOCK_REALTIME */
	uint64_t reloads[_RELOAD_RESULT_MAX];
};
