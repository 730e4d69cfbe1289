/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follow: the events that are still there, and from then on each one. */
#include "common/protocol.h"
#include "daemon/service/server-row.h"

struct past {
	const char *policy;
	const struct event *event;
};

static int compare_past(const void *va, const void *vb)
{
	const struct past *a = va, *b = vb;

	return (a->event->seq > b->event->seq) - (a->event->seq < b->event->seq);
}

static size_t count_all(const struct manager *m)
{
	size_t n = 0;

	for (size_t i = 0; i < manager_count(m); i++)
		n += manager_get(m, i)->events.n;
	return n;
}

/* Of all policies, those later than both, in their order. *ret_n is 0 and the answer NULL where memory ran out. */
static struct past *collect(const struct manager *m, uint64_t seq, usec_t realtime, size_t *ret_n)
{
	struct past *all = calloc(count_all(m) + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all && i < manager_count(m); i++) {
		const struct attachment *a = manager_get(m, i);

		for (size_t k = 0; k < a->events.n; k++) {
			const struct event *e = event_ring_get(&a->events, k);

			if (e->seq > seq && e->realtime >= realtime)
				all[n++] = (struct past){.policy = a->name, .event = e};
		}
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), compare_past);
	*ret_n = n;
	return all;
}

static int append_past(sd_bus_message *m, const struct past *past)
{
	int r = sd_bus_message_open_container(m, 'r', SIGNATURE_EVENT);

	if (r >= 0)
		r = server_append_event(m, past->policy, past->event);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int reply_history(sd_bus_message *call, const struct past *all, size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(" SIGNATURE_EVENT ")");
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_past(reply, &all[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int server_method_follow(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(freep) struct past *all = NULL;
	struct connection *c = userdata;
	uint64_t seq, realtime;
	size_t n = 0;
	int r;

	r = sd_bus_message_read(call, "tt", &seq, &realtime);
	if (r < 0)
		return r;
	all = collect(c->server->manager, seq, realtime, &n);
	if (!all)
		return -ENOMEM;
	r = server_subscribe(c, ret_error);
	/* No event happens before this returns, so the answer goes out before the first signal. */
	return r < 0 ? r : reply_history(call, all, n);
}
