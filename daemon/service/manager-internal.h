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
	struct daemon_counters counters;
	TAILQ_HEAD(, manager_survey) surveys;
	TAILQ_HEAD(, manager_check) checks;
	TAILQ_HEAD(, manager_switch) switches;

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
	unsigned reloading;         /* reloads whose outcome is not known yet */
	struct reload *reload;      /* has read the policies and looks at objects; NULL: none */
	struct reload *reload_next; /* begins when that has come to its end; NULL: none */
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
 * Lets a worker look whether a policy (no template; consumed, also on failure) could be attached. callback comes once,
 * from the loop: refusal NULL: nothing in policy and object speaks against it, and outcome tells what kernel_check()
 * has found; else the sentence. forget takes the callback back before that; NULL: nothing is done.
 */
struct manager_check;
typedef void (*manager_checked_t)(void *userdata, const struct outcome *outcome,
				  const char *refusal);
int manager_check(struct manager *m, struct policy *policy, manager_checked_t callback,
		  void *userdata, struct manager_check **ret);
void manager_check_forget(struct manager_check *check);
/* After the workers. */
void manager_checks_free(struct manager *m);

/*
 * Reloads that are not carried out yet. go_on: what they wait for may have come. stop: they end with nothing changed.
 * free: after the workers; nobody is told.
 */
void manager_reload_go_on(struct manager *m);
void manager_reload_stop(struct manager *m);
void manager_reloads_free(struct manager *m);

/*
 * Switches. is_busy: one is under way that nothing may come between. changed: of each change of state; a switch ends
 * with the policy that it was for. forget: that policy is not gone back to any more. resume: after an adoption.
 * review: who went back, or was removed, is nobody's to go back to. free: after the workers, before the attachments.
 */
bool manager_switch_is_busy(const struct manager *m);
void manager_switch_changed(struct manager *m, struct attachment *a, const struct event *event);
void manager_switch_forget(struct manager *m, const struct attachment *former, const char *why);
void manager_switch_resume(struct manager *m);
void manager_switch_review(struct manager *m);
void manager_switches_free(struct manager *m);

/*
 * Templates. load: brings the instances of the devices that there are, when the template is started. changed: of each
 * change of state; instances go with their template. let_go: of those that wait for a device.
 */
/* Before an adoption: instances of the devices that there are, not started. */
void manager_template_prepare(struct manager *m, const struct attachment *t);
/* What the first event of such an instance says; the caller frees; NULL: out of memory. */
char *manager_template_matches(const struct attachment *a);
void manager_template_load(struct manager *m, struct attachment *t);
void manager_template_let_go(struct manager *m);
void manager_template_changed(struct manager *m, struct attachment *a, const struct event *event);
void manager_template_uevent(struct manager *m, const struct uevent *e);
void manager_template_uevents_lost(struct manager *m);
bool manager_is_instance_of(const struct attachment *a, const struct attachment *t);

/* Listens to the kernel's uevents: modules that bring a type, devices, schedulers. */
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
