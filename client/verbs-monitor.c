/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor: events as they happen, until a signal ends it or the daemon goes. */
#include <signal.h>
#include <systemd/sd-event.h>

#include "client/connect.h"
#include "client/json.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/protocol.h"

struct monitor {
	struct client *client;
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

static int on_event(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct monitor *monitor = userdata;
	struct client *client = monitor->client;
	struct row_event event;
	enum exit_status status;
	int r;

	r = row_event_read(&event, m);
	if (r < 0)
		return leave(monitor, client_answer_failed(r));
	if (client->json)
		status = written(json_event(stdout, &event));
	else
		status = written(text_event(stdout, &client->style, &event));
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
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	int r = client_new_call(client, METHOD_SUBSCRIBE, &call);

	if (r < 0)
		return client_answer_failed(r);
	return client_call(client, call, CALL_TIMEOUT, NULL, &answer);
}

enum exit_status verb_monitor(struct client *client, const struct verb *verb, char *const *names,
			      size_t n)
{
	_cleanup_(monitor_done) struct monitor monitor = {.client = client};
	enum exit_status status;
	int r;

	/* What reads a pipe wants each event at once, and a whole line. */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	r = prepare_loop(&monitor);
	if (r < 0) {
		complain("cannot set up the event loop: %s", strerror(-r));
		return EXIT_FAILED;
	}
	status = subscribe(client);
	if (status != EXIT_DONE)
		return status;
	r = sd_event_loop(monitor.event);
	if (r < 0) {
		complain("the event loop failed: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return (enum exit_status)r;
}
