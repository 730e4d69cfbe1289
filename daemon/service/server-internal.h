/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's inside, for server.c (connections), server-api.c (methods) and the other files server-….c only. */
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
	/* Whose outcome is awaited now; NULL: that of a reload, a survey or a switch. */
	struct attachment *attachment;
	const char *name; /* of the policy that was called for; borrowed from call */
	struct manager_reload *reload;
	struct manager_survey *survey;
	struct manager_switch *switching;
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

/* Who may, and whom: each sets *ret_error and returns what the method returns. */
bool server_may_manage(const struct connection *c);
int server_deny(sd_bus_error *ret_error);
int server_no_such_policy(const struct connection *c, const char *name, sd_bus_error *ret_error);
/* The attachment that is to be changed; NULL: *ret is what the method returns. */
struct attachment *server_find_for_change(const struct connection *c, const char *name, int *ret,
					  sd_bus_error *ret_error);

/* Answers that come later. new: NULL: out of memory. answer_failed: the client is closed, since it would wait for ever. */
struct pending_call *server_pending_new(struct connection *c, sd_bus_message *call);
void server_pending_free(struct pending_call *p);
void server_answer_failed(struct connection *c, int error);
int server_reply_verdict(sd_bus_message *call, bool done, const char *text);

/* The vtable; its userdata is the connection. */
extern const sd_bus_vtable server_vtable[];

/* Sends an Event signal to each subscriber. */
void server_send_event(struct server *s, const struct attachment *a, const struct event *event);
void server_doom(struct connection *c);
void connection_forget_pending(struct connection *c);

/* Texts of files and of the kernel may not be UTF-8, D-Bus strings must be: a copy with '?' for other bytes. */
char *server_clean(const char *text);
int server_append_pair(sd_bus_message *m, const char *a, const char *b);

/* Methods that stand in files of their own: server-switch.c, server-metrics.c, server-history.c, server-log.c. */
int server_method_switch(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int server_method_switch_back(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int server_method_metrics(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int server_method_follow(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int server_method_log(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);

/* From now on the connection gets events. 0; negative: there are too many that do, *ret_error says so. */
int server_subscribe(struct connection *c, sd_bus_error *ret_error);

/* The method that it is an answer of. */
enum row_extent {
	ROW_LIST,
	ROW_STATUS,
	ROW_METRICS,
};

/* Appends one a{sv}; what the kernel says now has its consequences soon after. */
int server_append_row(sd_bus_message *m, struct attachment *a, enum row_extent extent);
/* Appends one a{sv} of Foreign. */
int server_append_foreign(sd_bus_message *m, const struct outcome_foreign *f);
/* Appends the fields of SIGNATURE_EVENT (not as a struct). */
int server_append_event(sd_bus_message *m, const char *policy, const struct event *event);
