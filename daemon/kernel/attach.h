/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a loaded map to a live link, with or without something old that it takes the place of. */
#pragma once

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel.h"

/*
 * Attaches where nothing is attached. As the steps of an attempt: 0 with descriptors that are the caller's;
 * -EBADMSG with verdict and sentence in the outcome; -ENOMEM.
 */
int attach_fresh(struct attempt *a, struct kernel_handles *ret);

/*
 * Attaches in place of old (not consumed). Sets outcome.change: with -EBADMSG it is CHANGE_KEPT (ret->link_fd has
 * the old map's new link if it had to be linked again) or CHANGE_LOST.
 */
int attach_replacing(struct attempt *a, const struct kernel_handles *old,
		     struct kernel_handles *ret);

/* The part of attach_replacing() where old is taken off first, where no other way is open. */
int attach_swapping(struct attempt *a, const struct kernel_handles *old,
		    struct kernel_handles *ret);

/*
 * Gives the map its value, which the kernel checks, and nothing more; for maps that are to have a link (another would
 * be registered by it). 1; 0: it cannot be made here, attach_try() will; -EBADMSG: the kernel refuses it; -ENOMEM
 * (fill.c).
 */
int attach_fill(struct attempt *a);

/*
 * One try to link the map, which is filled then whatever happens: a link that the kernel refuses leaves a map that
 * can be linked later, or brought in by bpf_link_update(). 0 with a link that is the caller's; -errno.
 */
int attach_try(struct attempt *a, int *ret_link_fd);

/* The sentence for an error of attach_try(), with who is in the way (attach-error.c). -EBADMSG, -ENOMEM. */
int attach_explain(struct attempt *a, int error);

/* Whether the slot is held by somebody else than old, so that taking old off would not help. */
bool attach_taken_by_other(struct attempt *a, int error, const struct kernel_handles *old);

/* Finds and reads the object of a job, and looks at its ELF header. As the steps (kernel.c). */
int kernel_read_object(const struct kernel_job *job, struct outcome *o, struct object_file **ret);

usec_t monotonic_usec(void);
