/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times for people. Everything is µs; the present is an argument. */
#pragma once

#include "common/macro.h"

#define TIMES_MAX 64

/* "350us", "21ms", "1.2s", "3min 20s", "2h 5min", "4 days 2h". */
const char *times_span(char buffer[TIMES_MAX], uint64_t span);
/* "just now", "12s ago", "3min ago", "2h 5min ago", "4 days 2h ago". */
const char *times_ago(char buffer[TIMES_MAX], uint64_t then, uint64_t now);
/* "in 1.2s"; "now" when it has come. */
const char *times_until(char buffer[TIMES_MAX], uint64_t then, uint64_t now);
/* "Sat 2026-11-21 21:59:01 UTC", in the local time zone. */
const char *times_date(char buffer[TIMES_MAX], uint64_t realtime);
/* "2026-11-21 21:59:01.123456", in the local time zone: a relink takes less than a millisecond. */
const char *times_stamp(char buffer[TIMES_MAX], uint64_t realtime);
