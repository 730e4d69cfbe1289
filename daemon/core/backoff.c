/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/backoff.h"

#include <math.h>

usec_t backoff_delay(const struct restart_rules *rules, unsigned n)
{
	long double ratio;

	if (n == 0 || rules->delay == 0 || rules->steps == 0 || rules->delay >= rules->max_delay)
		return rules->delay;
	if (n >= rules->steps)
		return rules->max_delay;

	/* A geometric row: as systemd's, it starts at delay and is max_delay after so many steps. */
	ratio = (long double)rules->max_delay / (long double)rules->delay;
	return (usec_t)((long double)rules->delay *
			powl(ratio, (long double)n / (long double)rules->steps));
}

bool backoff_admit(struct backoff *b, const struct restart_rules *rules, usec_t now)
{
	if (rules->limit_burst == 0 || rules->limit_interval == 0)
		return true;

	if (b->starts == 0 || now >= b->window_start + rules->limit_interval) {
		b->window_start = now;
		b->starts = 0;
	}
	if (b->starts >= rules->limit_burst)
		return false;
	b->starts++;
	return true;
}

void backoff_reset(struct backoff *b)
{
	*b = (struct backoff){0};
}
