/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time spans as systemd writes them: "100ms", "1min 30s", "2h", "5" (seconds), "infinity". All values are µs. */
#pragma once

#include "common/macro.h"

typedef uint64_t usec_t;

#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)

/*
 * Units from us to w, with their long names (seconds, min, …), fractions too ("1.5h"); a number without a unit only
 * when it stands alone. 0; -EINVAL: not a time span; -ERANGE: too large.
 */
int timespan_parse(const char *text, usec_t *ret);

/* For people, to whom the microseconds of something that takes milliseconds are noise: whole ms from 10 ms on. */
usec_t timespan_round(usec_t span);

/* The two largest units that are not zero, such as "1min 30s", "100ms", "350us"; "0s"; "infinity". */
#define TIMESPAN_MAX 64
const char *timespan_format(char buffer[TIMESPAN_MAX], usec_t span);
