/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/times.h"

#include <inttypes.h>
#include <time.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)

/* "2h 5min", and "2h" where nothing is left over. */
static void format_two(char buffer[TIMES_MAX], uint64_t span, uint64_t unit, const char *name,
		       uint64_t lesser, const char *lesser_name)
{
	uint64_t rest = span % unit / lesser;
	int used = snprintf(buffer, TIMES_MAX, "%" PRIu64 "%s", span / unit, name);

	if (rest > 0)
		snprintf(buffer + used, TIMES_MAX - (size_t)used, " %" PRIu64 "%s", rest,
			 lesser_name);
}

static void format_days(char buffer[TIMES_MAX], uint64_t span)
{
	format_two(buffer, span, USEC_PER_DAY, span < 2 * USEC_PER_DAY ? " day" : " days",
		   USEC_PER_HOUR, "h");
}

const char *times_span(char buffer[TIMES_MAX], uint64_t span)
{
	if (span < USEC_PER_MSEC)
		snprintf(buffer, TIMES_MAX, "%" PRIu64 "us", span);
	else if (span < USEC_PER_SEC)
		snprintf(buffer, TIMES_MAX, "%" PRIu64 "ms", span / USEC_PER_MSEC);
	else if (span < USEC_PER_MINUTE && span % USEC_PER_SEC >= 100 * USEC_PER_MSEC)
		snprintf(buffer, TIMES_MAX, "%" PRIu64 ".%" PRIu64 "s", span / USEC_PER_SEC,
			 span % USEC_PER_SEC / (100 * USEC_PER_MSEC));
	else if (span < USEC_PER_MINUTE)
		snprintf(buffer, TIMES_MAX, "%" PRIu64 "s", span / USEC_PER_SEC);
	else if (span < USEC_PER_HOUR)
		format_two(buffer, span, USEC_PER_MINUTE, "min", USEC_PER_SEC, "s");
	else if (span < USEC_PER_DAY)
		format_two(buffer, span, USEC_PER_HOUR, "h", USEC_PER_MINUTE, "min");
	else
		format_days(buffer, span);
	return buffer;
}

/* Coarser than times_span(): nobody reads the seconds of an hour ago. */
const char *times_ago(char buffer[TIMES_MAX], uint64_t then, uint64_t now)
{
	uint64_t span = now > then ? now - then : 0;
	size_t used;

	if (span < USEC_PER_SEC)
		return strcpy(buffer, "just now");
	if (span < USEC_PER_MINUTE)
		span -= span % USEC_PER_SEC;
	else if (span < USEC_PER_HOUR)
		span -= span % USEC_PER_MINUTE;
	times_span(buffer, span);
	used = strlen(buffer);
	snprintf(buffer + used, TIMES_MAX - used, " ago");
	return buffer;
}

const char *times_until(char buffer[TIMES_MAX], uint64_t then, uint64_t now)
{
	char span[TIMES_MAX];

	if (then <= now)
		return strcpy(buffer, "now");
	snprintf(buffer, TIMES_MAX, "in %.*s", TIMES_MAX - 4, times_span(span, then - now));
	return buffer;
}

static bool break_down(uint64_t realtime, struct tm *ret)
{
	time_t seconds = (time_t)(realtime / USEC_PER_SEC);

	return localtime_r(&seconds, ret);
}

const char *times_date(char buffer[TIMES_MAX], uint64_t realtime)
{
	struct tm tm;

	if (!break_down(realtime, &tm) ||
	    strftime(buffer, TIMES_MAX, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		snprintf(buffer, TIMES_MAX, "@%" PRIu64, realtime / USEC_PER_SEC);
	return buffer;
}

const char *times_stamp(char buffer[TIMES_MAX], uint64_t realtime)
{
	struct tm tm;
	size_t used;

	if (!break_down(realtime, &tm) ||
	    strftime(buffer, TIMES_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(buffer, TIMES_MAX, "@%" PRIu64, realtime / USEC_PER_SEC);
	used = strlen(buffer);
	snprintf(buffer + used, TIMES_MAX - used, ".%06" PRIu64, realtime % USEC_PER_SEC);
	return buffer;
}
