/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sched_ext_ops and sched_ext_ops_cid: link and map tell nothing of whether the scheduler runs. What tells is
 * /sys/kernel/sched_ext and the exit record of the object. The functions are the hooks of these types (types.h).
 */
#pragma once

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel.h"

#define SCX_HOOKS                                                                         \
	.prepare = scx_prepare, .after_attach = scx_after_attach, .explain = scx_explain, \
	.alive = scx_alive, .place = scx_place, .place_holder = scx_place_holder,         \
	.uevent_place = scx_uevent_place, .enable_seq = scx_enable_seq

/*
 * What a loader must do for an object that was written for the kernel's own headers (scx-prepare.c): the kernel's
 * numbers into __SCX_ globals, hotplug_seq, and members that this kernel lacks set to zero. 0; -ENOMEM.
 */
int scx_prepare(struct attempt *a);

/* Notes outcome.device; -EBADMSG with VERDICT_DEAD and outcome.end where the scheduler does not run. */
int scx_after_attach(struct attempt *a, const struct kernel_handles *h);

/*
 * Of a sub-scheduler: -EBADMSG with VERDICT_NO_PARENT where none is above it, or VERDICT_REFUSED where its cgroup is not
 * there; -ENOMEM. 0: another error.
 */
int scx_explain(struct attempt *a, int error);

/* As kernel_alive(). outcome.enable_seq 0: not compared. */
int scx_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why);

/* "sched_ext_ops", "sched_ext_ops sub-4711": one scheduler for all, and one for each cgroup below it. */
char *scx_place(const struct attempt *a);
int scx_place_holder(const struct attempt *a, char **ret_name);
char *scx_uevent_place(const struct uevent *e);

/* How many schedulers were ever enabled; 0: this kernel has no sched_ext. */
uint64_t scx_enable_seq(void);

/* A file of sched_ext's folder without its last newline: its length; -errno, -EMSGSIZE. */
int scx_read(const char *name, char *buffer, size_t size);
/* 0; -errno; -EBADMSG: no number. */
int scx_read_number(const char *name, uint64_t *ret);

/* For tests on kernels without sched_ext: the folder that stands for /sys/kernel/sched_ext. Borrowed. */
void scx_set_folder(const char *path);
