/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What time it is, for this floor only: the floors below are told. */
#pragma once

#include <time.h>

#include "daemon/core/timespan.h"

/* CLOCK_REALTIME or CLOCK_MONOTONIC, in µs. */
static inline usec_t clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}
