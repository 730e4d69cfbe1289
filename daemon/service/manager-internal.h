/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's inside, for manager.c, manager-reload.c and manager-fallback.c only. */
#pragma once

#include "daemon/service/helper.h"
#include "daemon/service/manager.h"

struct manager {
	sd_event *event;
	const struct config *config;
	struct worker_pool *pool;
	struct helper *helper;
	struct attachment_host host;
	int uevent_fd;
	sd_event_source *uevent_source;
	uint64_t last_seq;

	struct attachment **attachments; /* ordered by name */
	size_t n_attachments;

	struct manager_observer observer;
	sd_event_source
		*tidy_source; /* deferred: frees what was removed, tells the service manager */
	bool ready;           /* READY=1 was sent */
	bool stopping;
	unsigned reloading; /* reloads whose outcome is not known yet */
};

int manager_add(struct manager *m, const char *name, struct policy *policy,
		struct attachment **ret);
/* Soon, from the loop: attachments that were removed are freed, STATUS= and READY= are sent. */
void manager_tidy_soon(struct manager *m);

/* What the attachments' host does about a policy that failed, is attached again, or finds its slot taken. */
void manager_fallback_changed(struct manager *m, struct attachment *a, const struct event *event);
bool manager_fallback_make_room(struct manager *m, struct attachment *a);

/* Listens to the kernel's uevents: a module that is loaded may bring a type that is waited for. */
int manager_watch_uevents(struct manager *m);

/* Reads all files; sets with errors get a NULL policy and their sentences in errors. */
struct policy_set {
	char *name;
	struct policy *policy; /* NULL: it does not parse */
	struct messages errors;
};
struct policy_sets {
	struct policy_set *sets;
	size_t n;
};
int policy_sets_read(const struct config *config, struct policy_sets *ret);
void policy_sets_done(struct policy_sets *s);
