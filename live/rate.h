/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened between two readings of counters. */
#pragma once

#include "live/meter.h"

struct rate {
	uint64_t calls, nsec;
	uint64_t span_nsec; /* 0: there is nothing to compare with */
};

/* Of a program between two samples; it is looked for by its id. before may be NULL. */
struct rate rate_of_program(const struct meter_sample *before, const struct meter_program *now);

/* Of several programs of one attachment together. */
struct rate rate_sum(const struct rate *rates, size_t n);

/* Calls a second; the time of one call in ns (0 where there was none); the part of one CPU's time, 1 is all of it. */
double rate_calls_per_sec(const struct rate *r);
double rate_average_nsec(const struct rate *r);
double rate_share(const struct rate *r);
