/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the listeners and readers of the tests have in common. */
#pragma once

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* CLOCK_MONOTONIC, as in the daemon's events. */
static inline long long now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Each line at once, and no scheduler that a test attaches is asked when this process may run. */
static inline void be_prompt(void)
{
	struct sched_param priority = {.sched_priority = 50};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0) {
		perror("SCHED_FIFO");
		exit(1);
	}
}
