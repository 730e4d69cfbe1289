/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The manager: all attachments, the event loop's shared parts (workers, helper), start, reload and stop. The bus
 * server stands above it and is told of changes by an observer.
 */
#pragma once

#include "daemon/core/config.h"
#include "daemon/core/policy-files.h"
#include "daemon/service/attachment.h"

struct manager;
struct manager_reload;
struct manager_survey;

struct manager_observer {
	/* Each change of state of each attachment. */
	void (*changed)(void *userdata, struct attachment *a, const struct event *event);
	void *userdata;
};

/* config is borrowed for the manager's life. */
int manager_new(sd_event *event, const struct config *config, struct manager **ret);
struct manager *manager_free(struct manager *m);
DEFINE_CLEANUP(struct manager *, manager_free)

void manager_observe(struct manager *m, const struct manager_observer *observer);

/*
 * Reads the policies, takes up what the last daemon left, starts what is enabled. READY=1 goes out when each has come to
 * an outcome.
 */
int manager_start(struct manager *m);

/* The listening socket that the service manager passed to this process, the caller's; -EBADF: none. Once. */
int manager_take_socket(struct manager *m);

/* Detaches all; the event loop ends with status 0 when nothing is attached any more. Twice: it ends at once. */
void manager_stop(struct manager *m);
/*
 * Leaves everything to the next daemon (KeepLinks=): the event loop ends with status 0 as soon as nothing is half way
 * from one map to another. manager_stop() may still come, and is what counts then; after it nothing is left.
 */
void manager_leave(struct manager *m);
bool manager_is_stopping(const struct manager *m);

const struct config *manager_config(const struct manager *m);
const struct daemon_counters *manager_counters(const struct manager *m);

/* In the order of the names. */
size_t manager_count(const struct manager *m);
struct attachment *manager_get(const struct manager *m, size_t i);
struct attachment *manager_find(const struct manager *m, const char *name);

/*
 * What a verb does with an attachment, of a template with all its instances. True: under way or done; wait with
 * attachment_wait(). False: refused, *ret_sentence (static or the attachment's) says why.
 */
bool manager_attach(struct manager *m, struct attachment *a, const char **ret_sentence);
bool manager_detach(struct manager *m, struct attachment *a, const char **ret_sentence);
bool manager_restart(struct manager *m, struct attachment *a, const char **ret_sentence);
void manager_reset_failed(struct manager *m, struct attachment *a);

/* It, or of a template one of its instances, whose outcome is not known yet; NULL: all are. */
struct attachment *manager_find_busy(const struct manager *m, struct attachment *a);
/* Whether a verb reached the state that it is for; of a template: all its instances, too. */
bool manager_is_as_wanted(const struct manager *m, const struct attachment *a, enum state wanted);

/* A line of what a reload did: the policy's name ("" for a file's message) and a sentence. */
struct reload_line {
	char *name;
	bool ok;
	char *text;
};

/* done: everything that changed has come to an outcome (ok), or nothing was changed because of the lines. */
typedef void (*manager_reloaded_t)(void *userdata, bool ok, const struct reload_line *lines,
				   size_t n);

/*
 * Reads all policies again and makes the differences true. All or nothing: where one file does not parse, or one
 * object that would be loaded does not fit its policy, nothing is changed and the lines say why. While objects are
 * looked at the next reload waits, and is one for all who ask for it meanwhile: what a caller is told is true for what
 * was on disk when it called, or later. callback may be NULL; it may come before the function returns.
 * *ret_reload (may be NULL) lets the caller take the callback back; it is NULL when the callback has come already.
 */
int manager_reload(struct manager *m, manager_reloaded_t callback, void *userdata,
		   struct manager_reload **ret_reload);
void manager_reload_forget(struct manager_reload *reload);

/* error NULL: outcome.foreign has what others have attached; else a sentence says why that is not known. */
typedef void (*manager_surveyed_t)(void *userdata, const struct outcome *outcome,
				   const char *error);

/* Lets a worker look for it. callback comes once, from the loop. *ret lets the caller take it back before that. */
int manager_survey(struct manager *m, manager_surveyed_t callback, void *userdata,
		   struct manager_survey **ret);
void manager_survey_forget(struct manager_survey *survey);

/* Until when a switch holds: a time (CLOCK_MONOTONIC), or one of these. */
#define SWITCH_UNTIL_RESTART 0        /* of the daemon */
#define SWITCH_FOR_GOOD USEC_INFINITY /* until somebody switches back */

struct manager_switch;
/* done: the policy is attached in the other one's place; else sentence says what is instead, and why. */
typedef void (*manager_switched_t)(void *userdata, bool done, const char *sentence);

/*
 * Puts a policy in place of whichever of ours has the same slot (outcome.slot). Where that fails, the other one goes on.
 * ends: see above, of SWITCH_… or later than now. callback (may be NULL) may come before the function returns, then
 * *ret is NULL; else *ret lets the caller take it back. 0 or -ENOMEM.
 */
int manager_switch(struct manager *m, struct attachment *a, usec_t ends,
		   manager_switched_t callback, void *userdata, struct manager_switch **ret);
/* Puts the policy back in whose place a was put. As above. */
int manager_switch_back(struct manager *m, struct attachment *a, manager_switched_t callback,
			void *userdata, struct manager_switch **ret);
void manager_switch_disown(struct manager_switch *s);
