/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/event-ring.h"

/* Makes room for one more while there are fewer than size; the events start at 0 then. */
static int grow(struct event_ring *r)
{
	struct event *longer = reallocarray(r->events, r->n + 1, sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	r->events = longer;
	return 0;
}

int event_ring_add(struct event_ring *r, const struct event *event)
{
	if (r->n < r->size) {
		if (grow(r) < 0) {
			free(event->detail);
			return -ENOMEM;
		}
		r->events[r->n++] = *event;
	} else if (r->size > 0) {
		free(r->events[r->first].detail);
		r->events[r->first] = *event;
		r->first = (r->first + 1) % r->size;
	} else {
		free(event->detail);
	}
	return 0;
}

const struct event *event_ring_get(const struct event_ring *r, size_t i)
{
	return &r->events[(r->first + i) % r->size];
}

void event_ring_done(struct event_ring *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->events[i].detail);
	free(r->events);
	*r = EVENT_RING(r->size);
}
