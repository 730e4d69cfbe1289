/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's inside, for manager.c and the files manager-….c only. */
#pragma once

#include "daemon/service/helper.h"
#include "daemon/service/keeper.h"
#include "daemon/service/manager.h"
#include "daemon/service/policy-watch.h"
#include "daemon/service/state-dir.h"

struct manager {
	sd_event *event;
	const struct config *config;
	struct worker_pool *pool;
	struct helper *helper;
	struct attachment_host host;
	int uevent_fd;
	sd_event_source *uevent_source;
	uint64_t last_seq;
	uint64_t places_freed;
	TAILQ_HEAD(, manager_survey) surveys;

	struct attachment **attachments; /* ordered by name */
	size_t n_attachments;

	struct keeper *keeper;
	struct state_dir *state_dir;
	sd_event_source *keep_source; /* deferred: what must outlive the daemon is written down */
	bool adopting; /* attachments are put where they were; what follows of that comes later */

	struct manager_observer observer;
	sd_event_source
		*tidy_source; /* deferred: frees what was removed, tells the service manager */
	bool ready;           /* READY=1 was sent */
	bool stopping;
	bool leaving; /* stopping, and everything is left as it is */
	int socket;   /* from the service manager, until it is taken; -EBADF: none */
	struct policy_watch *policy_watch;
	unsigned reloading; /* reloads whose outcome is not known yet */
};

int manager_add(struct manager *m, const char *name, struct policy *policy,
		struct attachment **ret);
/* Soon, from the loop: attachments that were removed are freed, STATUS= and READY= are sent. */
void manager_tidy_soon(struct manager *m);

/*
 * The passage from one daemon to the next. adopt: starts with what the last one left, and with nothing where there was
 * none. keep: something about it changed. keep_all_now: before the process ends and leaves all to the next.
 */
int manager_adopt(struct manager *m);
int manager_keep_init(struct manager *m);
void manager_keep(struct manager *m, struct attachment *a);
void manager_keep_all_now(struct manager *m);
void manager_forget(struct manager *m, const struct attachment *a);
void manager_forget_all(struct manager *m);

/* What the attachments' host does about a policy that failed, is attached again, or finds its slot taken. */
void manager_fallback_changed(struct manager *m, struct attachment *a, const struct event *event);
bool manager_fallback_make_room(struct manager *m, struct attachment *a);
/* After an adoption: who has failed gets its fallback, if that is not there. */
void manager_fallback_review(struct manager *m);

/*
 * Slots. review: lets whoever waits for a place that is free now try again, and tells the others who has it. changed:
 * of each change of state. find_map: who has attached that map, or NULL.
 */
void manager_slot_review(struct manager *m);
void manager_slot_changed(struct manager *m, const struct event *event);
void manager_slot_uevent(struct manager *m, const struct uevent *e);
void manager_slot_uevents_lost(struct manager *m);
const struct attachment *manager_slot_find_map(const struct manager *m, uint32_t map_id);

/* After the workers: what is left of surveys. */
void manager_surveys_free(struct manager *m);

/*
 * Templates. load: brings the instances of the devices that there are, when the template is started. changed: of each
 * change of state; instances go with their template. let_go: of those that wait for a device. each: the instances
 * whose devices are there.
 */
/* Before an adoption: instances of the devices that there are, not started. */
void manager_template_prepare(struct manager *m);
void manager_template_load(struct manager *m, struct attachment *t);
void manager_template_let_go(struct manager *m);
void manager_template_changed(struct manager *m, struct attachment *a, const struct event *event);
void manager_template_uevent(struct manager *m, const struct uevent *e);
void manager_template_uevents_lost(struct manager *m);
void manager_template_each(struct manager *m, const struct attachment *t,
			   void (*verb)(struct attachment *a));
bool manager_is_instance_of(const struct attachment *a, const struct attachment *t);

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
