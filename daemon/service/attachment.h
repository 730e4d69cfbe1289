/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An attachment: one policy, what the kernel holds because of it, and its history. It drives the state machine:
 * it carries out what machine_step() says and feeds back what comes of it. attachment_step() is the only
 * function that changes the state.
 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/core/adoption.h"
#include "daemon/core/counters.h"
#include "daemon/core/event-ring.h"
#include "daemon/core/machine.h"
#include "daemon/kernel/kernel.h"
#include "daemon/service/worker.h"

struct attachment;
struct helper;

/* Called once when the state is no longer busy, or (settled false) when the attachment goes away. */
typedef void (*attachment_settled_t)(void *userdata, struct attachment *a, bool settled);

struct attachment_waiter {
	TAILQ_ENTRY(attachment_waiter) entry;
	attachment_settled_t callback;
	void *userdata;
};

/* What an attachment needs of the manager above it; given once, at construction. */
struct attachment_host {
	sd_event *event;
	struct worker_pool *pool;
	struct helper *helper;
	char *const *object_path;
	const char *runtime_dir;
	uint64_t *last_seq;
	/* Counts what may have made a place free, or brought a parent (manager-slot.c). */
	const uint64_t *places_freed;
	/* Each change of state, in order. */
	void (*changed)(void *userdata, struct attachment *a, const struct event *event);
	/* The kernel says that the slot is taken: true if the host makes room and calls attachment_load_again(). */
	bool (*make_room)(void *userdata, struct attachment *a);
	/* Work that no state tells of has ended: attachment_is_at_rest() may have become true. */
	void (*rested)(void *userdata);
	/* Who of ours has attached the map of that id; NULL: nobody. */
	const struct attachment *(*find_map)(void *userdata, uint32_t map_id);
	/* By what it outlives the daemon, a sentence; the caller frees; NULL: out of memory. */
	char *(*describe_kept)(void *userdata, const struct attachment *a);
	/* A template was started: the host brings its instances. */
	void (*load_template)(void *userdata, struct attachment *a);
	void *userdata;
};

/* What a waiting attachment waits for where no time brings the next attempt. */
enum awaited {
	AWAITED_NOTHING,
	AWAITED_TYPE,   /* a module that brings the struct_ops type */
	AWAITED_DEVICE, /* the device that it is for */
	AWAITED_PLACE,  /* the end of whoever has its type's only place (manager-slot.c) */
	AWAITED_PARENT, /* the scheduler that it was a part of */
};

struct attachment {
	const struct attachment_host *host;
	char *name;
	struct policy *policy; /* NULL: the file does not parse, or is gone */
	struct fingerprint object_print,
		whole_print; /* of policy; without one: of what was adopted */
	bool enabled;        /* likewise */
	struct machine machine;

	struct kernel_handles handles;
	struct outcome outcome;   /* of what is attached, or of the last attempt where nothing is */
	usec_t attached_realtime; /* 0: not attached */
	usec_t changed_realtime;  /* since when it is in its state; 0: from the beginning */

	struct worker *worker;
	bool stale; /* the change to policy failed: what is attached is the former one */
	bool relinking;
	bool device_removed; /* the kernel said so while work was under way */
	bool giving_back; /* it ended, and a worker gives back what was pointed at it (outcome.defaults) */

	sd_event_source *watch_source; /* EPOLLHUP of the link, or the timer of watch_poll */
	bool watch_poll; /* this kernel's links cannot be polled: look every few seconds */
	bool keep_soon;  /* something changed that the next daemon must know (manager-adopt.c) */
	sd_event_source *deadline_source; /* back-off */
	sd_event_source *check_source;    /* attachment_check(), soon */

	struct event_ring events;
	struct counters counters; /* since this daemon knows it */
	TAILQ_HEAD(, attachment_waiter) waiters;

	char *fallback_for; /* attached because that policy failed; NULL otherwise */
	bool no_fallback;   /* it is just failing, and another policy goes on in its place */
	bool queues_again; /* it waited for its place before it became a fallback, and will again */
	bool place_foreign; /* AWAITED_PLACE: no policy has it, and no end of the holder was seen yet */
	bool removed; /* the policy (of an instance: the device) is gone: free it when it is inactive */
	uint64_t places_freed; /* host->places_freed when the last load began */

	/* A switch is under way (attachment-switch.c): this one is loaded in place of that one, or gives its place to it. */
	struct attachment *takes_from, *gives_to;
	struct machine before_switch; /* of takes_from */
	usec_t switch_wanted;         /* likewise: its switch_ends if all goes well */
	char *switched_from;          /* attached in place of that policy; NULL: of none */
	usec_t switch_ends; /* when that one is put back: CLOCK_MONOTONIC, or SWITCH_… of manager.h */
	sd_event_source *switch_source; /* that time; the manager's */

	char *template; /* of an instance: the name of the policy that it is one of; NULL: it is none */
	struct hid_device device; /* of an instance */
	size_t n_instances;       /* of a template */
	/* What attachment_detail() says instead: of a template, AWAITED_PLACE, off since the last daemon; NULL: the last event. */
	char *situation;
};

/* policy is consumed, also on failure; NULL for one that does not parse. */
int attachment_new(const struct attachment_host *host, const char *name, struct policy *policy,
		   struct attachment **ret);
struct attachment *attachment_free(struct attachment *a);
DEFINE_CLEANUP(struct attachment *, attachment_free)

/* Wanted, not wanted, wanted anew. detail (NULL: a default sentence) goes into the event. */
void attachment_start(struct attachment *a, enum reason reason, const char *detail);
void attachment_stop(struct attachment *a, enum reason reason, const char *detail);
void attachment_replace(struct attachment *a, enum reason reason, const char *detail);
void attachment_reset_failed(struct attachment *a);
/* Only for an attachment that was never started: its file does not parse, detail says why. */
void attachment_set_invalid(struct attachment *a, enum reason reason, const char *detail);
/* After make_room(): the same attempt once more. */
void attachment_load_again(struct attachment *a);

/*
 * Loads a and puts it in place of former, which is attached, with one worker: either a is attached, or former goes on
 * (or was lost and tries again by its own rules). a must be neither busy nor attached. ends: switch_ends.
 */
void attachment_take_place(struct attachment *a, struct attachment *former, usec_t ends);
/* a is in place of former (or, if that was in place of another one, of that one, which may be a itself: then of none). */
void attachment_note_switch(struct attachment *a, struct attachment *former, usec_t ends);
void attachment_forget_switch(struct attachment *a);

enum awaited attachment_awaits(const struct attachment *a);
/* What it waits for may have come: it tries again. Nothing happens if it waits for something else. */
void attachment_has_come(struct attachment *a, enum awaited what, enum reason reason,
			 const char *detail);

/* Asks the kernel whether it still uses what is attached; if not, that is the end of the attachment. */
void attachment_check(struct attachment *a);
/* The same from the loop: for those who must not see the state change. */
void attachment_check_soon(struct attachment *a);
/* The kernel says that a device is removed; nothing happens if it is not that of the attachment. */
void attachment_device_removed(struct attachment *a, const char *devpath);
/* AWAITED_PLACE: that policy has it now. */
void attachment_place_passed_on(struct attachment *a, const char *holder);

/* What the next daemon needs to know of it; everything borrowed. */
void attachment_record(const struct attachment *a, struct state_record *ret);
/*
 * Before anything else happens to it: puts it where the last daemon left it. What is taken over of the record (its
 * outcome) is moved out of it; find (NULL: nothing is there any more) corrects it; handles (NULL: none) are consumed.
 * machine NULL: only what is remembered, it is off.
 */
void attachment_restore(struct attachment *a, const struct machine *machine,
			struct state_record *record, const struct adoption_find *find,
			struct kernel_handles *handles, const char *detail);
/* After all have been restored: it goes on. ended: it was detached meanwhile. */
void attachment_resume(struct attachment *a, bool ended);

/* Puts another policy in place; the caller then starts, stops or replaces. Consumed. */
void attachment_set_policy(struct attachment *a, struct policy *policy);

/* The callback comes at once where the state is not busy. -ENOMEM: it does not come. */
int attachment_wait(struct attachment *a, attachment_settled_t callback, void *userdata);
/* Takes back every attachment_wait() of this userdata. */
void attachment_unwait(struct attachment *a, void *userdata);

/*
 * The file that a worker writes what libbpf and the verifier say into; its folder is made. The caller frees; NULL: out
 * of memory.
 */
char *attachment_log_path(const struct attachment *a);
/* Of one that is freed for good: nobody can ask for it any more, and an instance's name never comes again. */
void attachment_remove_log(const struct attachment *a);
/* The last event's sentence, or the situation that it is in; "" where there was none. */
const char *attachment_detail(const struct attachment *a);
bool attachment_is_attached(const struct attachment *a);
/* It attaches nothing itself but has instances (manager-template.c). */
bool attachment_is_template(const struct attachment *a);
/* Nothing is attached and no work is under way: it may be freed. */
bool attachment_is_at_rest(const struct attachment *a);
