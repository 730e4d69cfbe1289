/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happened between two samples, and what the daemon says of it: text for people and JSON for programs, of one model.
 * The rules are those of text.h and json.h.
 *
 * top      a line an interval: {"schema":1, time_usec, interval_usec, daemon (why it says nothing, or null),
 *          attachments [ATTACHMENT…]}
 *
 * ATTACHMENT  policy, state, restarts, type, map, map_id, link_id, calls_per_sec, average_nsec, cpu_share, programs
 *             [RUN…], events [EVENT…]
 * RUN         members [text…], name, id, calls (since it was loaded, while anybody counted), calls_per_sec, average_nsec,
 *             cpu_share
 * EVENT       name, count, per_sec
 */
#pragma once

#include "client/policy-row.h"
#include "client/style.h"
#include "live/rate.h"

struct top_row {
	const struct policy_row *policy;           /* NULL: none is known for it */
	const struct meter_attachment *attachment; /* NULL: the policy is not attached */
	struct rate total;
	struct rate *rates; /* one a program */
	bool is_scheduler;  /* the events are its */
};

struct top_view {
	struct top_row
		*rows; /* those that take most time first, those that are not attached last */
	size_t n_rows;
	const struct meter_sample *before, *now;
	uint64_t time_usec;  /* CLOCK_REALTIME of now */
	const char *problem; /* why the daemon says nothing; NULL: it does */
};

/* 0: *ret borrows from all three and is the caller's (top_view_done()); -ENOMEM. */
int top_view_make(const struct meter_sample *before, const struct meter_sample *now,
		  const struct policy_rows *policies, struct top_view *ret);
void top_view_done(struct top_view *view);

uint64_t top_view_interval_nsec(const struct top_view *view);
/* How much more often than in the sample before, a second; 0 for what that does not have. */
double top_view_event_per_sec(const struct top_view *view, const struct scx_event *event);

int text_top(FILE *out, const struct style *style, const struct top_view *view);
/* One line. */
int json_top(FILE *out, const struct top_view *view);
