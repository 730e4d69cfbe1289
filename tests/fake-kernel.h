/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The second implementation of daemon/kernel/kernel.h: no root, no BPF, outcomes by script. A map is a memory
 * file with the policy's name in it, a link is a socket connected to the test, which is the kernel: when that
 * closes its end, or the link is shut down, EPOLLHUP is raised, as with a detached link. Scripts and counters live in
 * shared memory, since workers and the helper are other processes.
 */
#pragma once

#include "daemon/kernel/kernel.h"

enum fake_result {
	FAKE_ATTACHED, /* the default */
	FAKE_REFUSED,
	FAKE_BUSY,
	FAKE_DEAD, /* with the record of fake_kernel_set_end() */
	FAKE_NO_TYPE,
	FAKE_GONE,
	FAKE_NO_PARENT,
	FAKE_CRASH,   /* SIGSEGV */
	FAKE_HANG,    /* until killed */
	FAKE_GARBAGE, /* an outcome that cannot be encoded */
	/* Of a replacement (job->old); FAKE_ATTACHED means updated there. */
	FAKE_SWAPPED,
	FAKE_KEPT,
	FAKE_KEPT_RELINKED,
	FAKE_LOST,
	FAKE_UPDATED_AND_CRASHED,
};

/* Makes the scripts empty, the counters 0 and drops all links; dir is a folder of the test's. */
void fake_kernel_reset(const char *dir);
void fake_kernel_done(void);

/* The next results of kernel_attach() for that policy, in order; the last one goes on for ever. */
void fake_kernel_script(const char *policy, const enum fake_result *results, size_t n);
#define fake_kernel_script_all(policy, ...)                                 \
	fake_kernel_script(policy, (const enum fake_result[]){__VA_ARGS__}, \
			   ARRAY_SIZE(((const enum fake_result[]){__VA_ARGS__})))

/* What kernel_check() says: with a sentence VERDICT_REFUSED for that reason; NULL (the default): it fits. */
void fake_kernel_refuse_check(const char *policy, const char *sentence);
/* The worker of the next check of the policy crashes or hangs (FAKE_CRASH, FAKE_HANG), until told otherwise. */
void fake_kernel_misbehave_at_check(const char *policy, enum fake_result result);
/* Checks of the policy are not reported until this is taken back. */
void fake_kernel_hold_check(const char *policy, bool hold);
/* outcome.slot of the policy, checked or attached; NULL (the default): none, or FAKE_SLOT for a scheduler. */
void fake_kernel_set_slot(const char *policy, const char *slot);

/* Whether the policy's links may be made again from the held map. Default: yes. */
void fake_kernel_set_relinkable(const char *policy, bool relinkable);
/* errno of the next kernel_relink() of the policy; 0: it works. */
void fake_kernel_fail_relink(const char *policy, int error);
void fake_kernel_hang_relink(const char *policy);
/* From the next attach on it is registered without a link, and outlives who holds the map. */
void fake_kernel_set_linkless(const char *policy);
/* Whether links can be polled, for all. Default: yes. */
void fake_kernel_set_pollable(bool pollable);
/* Work of the policy (attach, detach) goes on to its end but is not reported until this is taken back. */
void fake_kernel_hold(const char *policy, bool hold);

/* A uevent of the kernel's; hid_id and hid_name may be NULL. */
void fake_kernel_uevent(const char *action, const char *devpath, const char *subsystem,
			const char *hid_id, const char *hid_name);
/* The kernel says that a module was loaded; or that uevents were lost, as it does when they come too fast. */
void fake_kernel_load_module(void);
void fake_kernel_lose_uevents(void);

/* Another process detaches the policy's present link. */
void fake_kernel_detach_foreign(const char *policy);
/* Whether the policy has a link that is not detached and that somebody holds. */
bool fake_kernel_is_attached(const char *policy);

/*
 * HID devices. Plugging makes one with the next id and sends its "add", unplugging sends "remove". A policy that sets a
 * field hid_id is attached to that device: VERDICT_GONE where there is none such, dead when it is unplugged.
 */
uint32_t fake_kernel_plug(uint32_t bus, uint32_t vendor, uint32_t product, const char *name);
void fake_kernel_unplug(uint32_t id);
/* Says "unbind" and "bind" of the device, as a driver that is changed does. */
void fake_kernel_rebind(uint32_t id);

/*
 * Schedulers: from the next attach on the policy takes the one slot of its kind (FAKE_SLOT), lives with
 * FAKE_SCHEDULER_DEVICE, cannot be linked again, and has an exit record if with_record.
 */
#define FAKE_SLOT "sched_ext_ops"
#define FAKE_SCHEDULER_DEVICE "/kernel/sched_ext/root"
void fake_kernel_set_scheduler(const char *policy, bool with_record);
/* The kernel begins to throw the policy's scheduler out: kernel_alive() is 2 until one of the following ends that. */
void fake_kernel_disable(const char *policy);
/* The kernel throws the policy's scheduler out: the record (NULL: none is written) is there, the uevent comes. */
void fake_kernel_exit(const char *policy, const struct exit_record *record);
/* The same, but the uevent is lost. */
void fake_kernel_exit_unseen(const char *policy, const struct exit_record *record);
/* The record of the next FAKE_DEAD, and of a link that is detached by another process. */
void fake_kernel_set_end(const char *policy, const struct exit_record *record);
/* A scheduler that no policy of ours attached takes the slot, or goes (with its uevent). */
void fake_kernel_foreign_scheduler(bool present);
/* Whether an attach of the policy has found the slot taken. */
bool fake_kernel_seen_taken(const char *policy);

/* From the next attach on it points a setting at itself that had this value; NULL: none any more. */
void fake_kernel_set_default(const char *policy, const char *former);
/* What kernel_users() says of the policy; negative: that errno. Default: 0. */
void fake_kernel_set_users(const char *policy, int users);
/* The policy's link gets a map that nobody told of: attached, but not as it was left. */
void fake_kernel_replace_unseen(const char *policy);
/* What kernel_survey() finds: one struct_ops of type fake_ops, held by this. */
void fake_kernel_set_foreign(const char *holder);

/*
 * Pins (tests/fake-kernel-keep.c) are descriptors of the test's. fail_pins: errno of each kernel_pin(), 0: they work.
 * has_pin: whether the policy has pins. spoil_pin: the link's pin becomes a file, or that of another policy; put_pin
 * makes a pin of a file under a name. lose_map_pin: the link's is still there.
 */
void fake_kernel_fail_pins(int error);
bool fake_kernel_has_pins(const char *policy);
void fake_kernel_spoil_pin(const char *policy, const char *other);
void fake_kernel_put_pin(const char *name);
void fake_kernel_lose_map_pin(const char *policy);
void fake_kernel_drop_pins(void);

struct fake_counts {
	unsigned attaches, replaces, relinks, detaches, checks;
	unsigned looks;              /* kernel_alive() */
	unsigned given_back;         /* settings, by kernel_detach() */
	unsigned inherited;          /* settings that the last attach found in kernel_job.before */
	uint64_t check_capabilities; /* of the worker of the last check: permitted ones */
	unsigned check_fds;          /* and how many descriptors it had */
	int sched_load, sched_relink, sched_detach; /* scheduling policy of whoever did it last */
};
struct fake_counts fake_kernel_counts(const char *policy);
/* How many of our maps the last kernel_survey() was told. */
unsigned fake_kernel_surveyed(void);
