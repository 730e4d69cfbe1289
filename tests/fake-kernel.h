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
	FAKE_DEAD,
	FAKE_NO_TYPE,
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

/* Whether the policy's links may be made again from the held map. Default: yes. */
void fake_kernel_set_relinkable(const char *policy, bool relinkable);
/* errno of the next kernel_relink() of the policy; 0: it works. */
void fake_kernel_fail_relink(const char *policy, int error);
void fake_kernel_hang_relink(const char *policy);
/* Whether links can be polled, for all. Default: yes. */
void fake_kernel_set_pollable(bool pollable);

/* The kernel says that a module was loaded; or that uevents were lost, as it does when they come too fast. */
void fake_kernel_load_module(void);
void fake_kernel_lose_uevents(void);

/* Another process detaches the policy's present link. */
void fake_kernel_detach_foreign(const char *policy);
/* Whether the policy has a link that is not detached and that somebody holds. */
bool fake_kernel_is_attached(const char *policy);

struct fake_counts {
	unsigned attaches, replaces, relinks, detaches;
};
struct fake_counts fake_kernel_counts(const char *policy);
