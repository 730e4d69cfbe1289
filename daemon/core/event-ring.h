/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last events of one policy, bounded. */
#pragma once

#include "common/names.h"
#include "daemon/core/timespan.h"

struct event {
	uint64_t seq;     /* counts over the whole daemon */
	usec_t realtime;  /* CLOCK_REALTIME */
	usec_t monotonic; /* CLOCK_MONOTONIC */
	enum state from, to;
	enum reason reason;
	uint32_t link_id; /* 0: none */
	char *detail;     /* never NULL */
};

struct event_ring {
	struct event *events;
	size_t size, first, n;
};

/* Keeps the last size events. Allocates as events come. */
#define EVENT_RING(s) ((struct event_ring){.size = (s)})

/* Takes event->detail over, also on failure. 0 or -ENOMEM. */
int event_ring_add(struct event_ring *r, const struct event *event);
/* The i-th oldest, i < r->n. */
const struct event *event_ring_get(const struct event_ring *r, size_t i);
void event_ring_done(struct event_ring *r);
