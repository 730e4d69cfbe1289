/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events monitor shows. */
#pragma once

#include "client/policy-row.h"

/* Later than both. */
struct since {
	uint64_t seq;       /* of an event */
	uint64_t time_usec; /* realtime */
};

/*
 * "41" is the number of an event, "10min" or "10min ago" a time span, "2026-11-21 21:59[:01]" or "2026-11-21" a local
 * time. now: CLOCK_REALTIME in µs. 0; -EINVAL.
 */
int since_parse(const char *text, uint64_t now, struct since *ret);

struct event_filter {
	char *const *names; /* policies, templates with all their instances; n 0: all */
	size_t n_names;
	unsigned states; /* a bit each: to which; 0: all */
};

/* "failed,waiting". 0; -EINVAL with *ret_error, a sentence that the caller frees; -ENOMEM. */
int event_filter_set_states(struct event_filter *f, const char *text, char **ret_error);
/* Whether the policy is the one that is named, or an instance of that template. */
bool event_filter_is_of(const char *policy, const char *name);
bool event_filter_passes(const struct event_filter *f, const struct row_event *e);
