/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor: events as they happen, and those before if asked for, until a signal ends it or the daemon goes. */
#include <signal.h>
#include <systemd/sd-event.h>

#include "client/ask.h"
#include "client/connect.h"
#include "client/event-filter.h"
#include "client/json.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/nearest.h"
#include "common/protocol.h"

struct monitor {
	struct client *client;
	struct event_filter filter;
	sd_event *event; /* a bus that lost its connection no longer knows its loop */
};

static void monitor_done(struct monitor *monitor)
{
	sd_event_unref(monitor->event);
}

static int leave(struct monitor *monitor, enum exit_status status)
{
	return sd_event_exit(monitor->event, (int)status);
}

static enum exit_status show(const struct monitor *monitor, const struct row_event *event)
{
	const struct client *client = monitor->client;

	if (!event_filter_passes(&monitor->filter, event))
		return EXIT_DONE;
	if (client->json)
		return written(json_event(stdout, event));
	return written(text_event(stdout, &client->style, event));
}

static int on_event(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct monitor *monitor = userdata;
	struct row_event event;
	enum exit_status status;
	int r;

	r = row_event_read(&event, m);
	if (r < 0)
		return leave(monitor, client_answer_failed(r));
	status = show(monitor, &event);
	return status == EXIT_DONE ? 0 : leave(monitor, status);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct monitor *monitor = userdata;

	complain("the daemon on %s is gone; see: systemctl status structopsd",
		 monitor->client->socket);
	return leave(monitor, EXIT_NO_DAEMON);
}

/* A loop that SIGINT and SIGTERM end with 0, and the end of the connection with on_disconnected(). */
static int prepare_loop(struct monitor *monitor)
{
	sd_bus *bus = monitor->client->bus;
	sigset_t ends;
	int r;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &ends, NULL) < 0)
		return -errno;
	r = sd_event_default(&monitor->event);
	if (r >= 0)
		r = sd_event_add_signal(monitor->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(monitor->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, NULL, PROTOCOL_PATH, PROTOCOL_INTERFACE,
					SIGNAL_EVENT, on_event, monitor);
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, NULL, NULL, "org.freedesktop.DBus.Local",
					"Disconnected", on_disconnected, monitor);
	if (r >= 0)
		r = sd_bus_attach_event(bus, monitor->event, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

static enum exit_status subscribe(struct client *client)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;

	return client_ask(client, METHOD_SUBSCRIBE, NULL, &answer);
}

/* One call for both: whatever is not in its answer comes as a signal behind it. */
static enum exit_status follow(struct monitor *monitor, const struct since *since)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	_cleanup_(freep) struct row_event *events = NULL;
	enum exit_status status;
	size_t n = 0;
	int r = client_new_call(monitor->client, METHOD_FOLLOW, &call);

	if (r >= 0)
		r = sd_bus_message_append(call, "tt", since->seq, since->time_usec);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(monitor->client, call, CALL_TIMEOUT, NULL, &answer);
	if (status != EXIT_DONE)
		return status;
	r = row_events_read(&events, &n, answer);
	if (r < 0)
		return client_answer_failed(r);
	for (size_t i = 0; i < n && status == EXIT_DONE; i++)
		status = show(monitor, &events[i]);
	return status;
}

static bool is_known(const struct policy_rows *policies, const char *name)
{
	for (size_t i = 0; i < policies->n; i++)
		if (event_filter_is_of(policies->items[i].name, name))
			return true;
	return false;
}

/* A policy may come with the next reload, so it is waited for; but a typing error should not be waited for unseen. */
static void tell_unknown_names(struct client *client, char *const *names, size_t n)
{
	_cleanup_(policy_rows_done) struct policy_rows policies = {0};
	_cleanup_(freep) char *problem = NULL;

	if (n == 0 || ask_list_quietly(client, &policies, &problem) != EXIT_DONE)
		return;
	for (size_t i = 0; i < n; i++) {
		struct nearest nearest = NEAREST(names[i]);

		if (is_known(&policies, names[i]))
			continue;
		for (size_t j = 0; j < policies.n; j++)
			nearest_offer(&nearest, policies.items[j].name);
		complain("there is no policy \"%s\" now" NEAREST_FORMAT "; waiting for it to come",
			 names[i], NEAREST_ARGS(nearest));
	}
}

static enum exit_status parse_since(const char *text, struct since *ret)
{
	if (since_parse(text, now_usec(), ret) == 0)
		return EXIT_DONE;
	complain("--since %s: expected the number of an event, a time span such as 10min, or a "
		 "local time such as \"2026-11-21 21:59\"",
		 text);
	return EXIT_USAGE;
}

static enum exit_status parse_states(const char *text, struct event_filter *filter)
{
	_cleanup_(freep) char *error = NULL;
	int r = event_filter_set_states(filter, text, &error);

	if (r == 0)
		return EXIT_DONE;
	if (r == -ENOMEM || !error)
		return out_of_memory();
	complain("--state %s: %s", text, error);
	return EXIT_USAGE;
}

enum exit_status verb_monitor(struct client *client, const struct verb *verb, char *const *names,
			      size_t n)
{
	_cleanup_(monitor_done) struct monitor monitor = {
		.client = client,
		.filter = {.names = names, .n_names = n},
	};
	enum exit_status status = EXIT_DONE;
	struct since since = {0};
	int r;

	if (client->state)
		status = parse_states(client->state, &monitor.filter);
	if (status == EXIT_DONE && client->since)
		status = parse_since(client->since, &since);
	if (status == EXIT_DONE)
		status = client_connect(client);
	if (status != EXIT_DONE)
		return status;
	tell_unknown_names(client, names, n);
	/* What reads a pipe wants each event at once, and a whole line. */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	r = prepare_loop(&monitor);
	if (r < 0) {
		complain("cannot set up the event loop: %s", strerror(-r));
		return EXIT_FAILED;
	}
	status = client->since ? follow(&monitor, &since) : subscribe(client);
	if (status != EXIT_DONE)
		return status;
	r = sd_event_loop(monitor.event);
	if (r < 0) {
		complain("the event loop failed: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return (enum exit_status)r;
}
