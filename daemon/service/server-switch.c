/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Switch, SwitchBack: one policy in place of another, and back. */
#include "common/protocol.h"
#include "daemon/service/clock.h"
#include "daemon/service/server-internal.h"

static void on_switched(void *userdata, bool done, const char *text)
{
	struct pending_call *p = userdata;
	int r = server_reply_verdict(p->call, done, text);

	if (r < 0)
		server_answer_failed(p->connection, r);
	server_pending_free(p);
}

static usec_t end_of(uint64_t span)
{
	usec_t now = clock_now(CLOCK_MONOTONIC);

	if (span == SWITCH_SPAN_UNTIL_RESTART)
		return SWITCH_UNTIL_RESTART;
	return span < SWITCH_FOR_GOOD - now ? now + span : SWITCH_FOR_GOOD;
}

/* ends NULL: back. */
static int switch_and_reply(sd_bus_message *call, struct connection *c, struct attachment *a,
			    const usec_t *ends, bool wait)
{
	struct manager_switch *s = NULL;
	struct pending_call *p = server_pending_new(c, call);
	int r;

	if (!p)
		return -ENOMEM;
	r = ends ? manager_switch(c->server->manager, a, *ends, on_switched, p, &s)
		 : manager_switch_back(c->server->manager, a, on_switched, p, &s);
	if (r < 0) {
		server_pending_free(p);
		return r;
	}
	if (!s) /* it is answered, and p gone, already */
		return 1;
	p->switching = s;
	if (wait)
		return 1;
	manager_switch_disown(s);
	server_pending_free(p);
	return server_reply_verdict(call, true, "asked for");
}

int server_method_switch(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;
	struct attachment *a;
	const char *name;
	uint64_t span;
	usec_t ends;
	int r, wait;

	r = sd_bus_message_read(call, "stb", &name, &span, &wait);
	if (r < 0)
		return r;
	a = server_find_for_change(c, name, &r, ret_error);
	if (!a)
		return r;
	ends = end_of(span);
	return switch_and_reply(call, c, a, &ends, wait);
}

int server_method_switch_back(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;
	struct attachment *a;
	const char *name;
	int r, wait;

	r = sd_bus_message_read(call, "sb", &name, &wait);
	if (r < 0)
		return r;
	a = server_find_for_change(c, name, &r, ret_error);
	return a ? switch_and_reply(call, c, a, NULL, wait) : r;
}
