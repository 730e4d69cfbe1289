/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's inside, for server.c (connections), server-api.c (methods) and server-rows.c (answers) only. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/service/server.h"

enum access {
	ACCESS_NONE,
	ACCESS_VIEW,
	ACCESS_MANAGE,
};

/* What is said at most once a minute, however many clients give cause. */
enum complaint {
	COMPLAINT_FULL,
	COMPLAINT_REFUSED,
	COMPLAINT_BROKEN,
	COMPLAINT_SLOW,
	_COMPLAINT_MAX,
};

struct server {
	sd_event *event;
	struct manager *manager;
	struct server_rights rights;
	int listen_fd;
	int spare_fd; /* given up for a moment to turn a client away when there are no descriptors left */
	sd_event_source *listen_source, *tidy_source, *exit_source;
	TAILQ_HEAD(connection_list, connection) connections; /* the one used last comes last */
	unsigned n_connections, n_subscribers;
	usec_t complained_at[_COMPLAINT_MAX]; /* CLOCK_MONOTONIC; 0: never */
};

/* A call that is answered later. */
struct pending_call {
	TAILQ_ENTRY(pending_call) entry;
	struct connection *connection;
	sd_bus_message *call;
	struct attachment
		*attachment; /* whose outcome is awaited now; NULL: a reload or a survey */
	const char *name;    /* of the policy that was called for; borrowed from call */
	struct manager_reload *reload;
	struct manager_survey *survey;
	enum state wanted; /* the state that means success */
};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct server *server;
	sd_bus *bus;
	uid_t uid;
	pid_t pid;
	enum access access;
	bool subscribed;
	bool doomed; /* freed soon, from the loop */
	TAILQ_HEAD(, pending_call) pending;
};

/* The vtable; its userdata is the connection. */
extern const sd_bus_vtable server_vtable[];

/* Sends an Event signal to each subscriber. */
void server_send_event(struct server *s, const struct attachment *a, const struct event *event);
void server_doom(struct connection *c);
void connection_forget_pending(struct connection *c);

/* Texts of files and of the kernel may not be UTF-8, D-Bus strings must be: a copy with '?' for other bytes. */
char *server_clean(const char *text);
int server_append_pair(sd_bus_message *m, const char *a, const char *b);

/* Appends one a{sv} of List, or with status of Status; what the kernel says now has its consequences soon after. */
int server_append_row(sd_bus_message *m, struct attachment *a, bool status);
/* Appends one a{sv} of Foreign. */
int server_append_foreign(sd_bus_message *m, const struct outcome_foreign *f);
/* Appends the fields of SIGNATURE_EVENT (not as a struct). */
int server_append_event(sd_bus_message *m, const char *policy, const struct event *event);
