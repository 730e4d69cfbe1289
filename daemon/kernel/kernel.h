/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between the daemon and the kernel: everything that is ever asked of bpf() goes through here, and
 * tests/fake-kernel.c is the second implementation. No function here logs: sentences go into the outcome.
 *
 * Every function may block (the verifier, one global struct_ops mutex, RCU) and is therefore called in a worker or
 * in the helper, never in the event loop; kernel_state() and kernel_link_can_poll() alone are quick.
 */
#pragma once

#include "daemon/core/outcome.h"
#include "daemon/core/policy.h"
#include "daemon/core/uevent.h"

/* Descriptors of an attachment, owned by whoever has the struct. -EBADF: none. */
struct kernel_handles {
	int map_fd; /* the struct_ops map */
	int link_fd; /* its link; -EBADF with a map that is attached without one (outcome.linkless) */
};
#define KERNEL_HANDLES_NULL ((struct kernel_handles){.map_fd = -EBADF, .link_fd = -EBADF})

void kernel_handles_close(struct kernel_handles *h);

struct kernel_job {
	const struct policy *policy;
	char *const *object_path; /* folders for a relative Path=; NULL-terminated */
	const struct kernel_handles
		*old; /* what runs now and is to be replaced; NULL: nothing runs. Not consumed */
};

/*
 * Finds, checks, hashes, opens and loads the object, writes the overrides, attaches, reads back. Always fills
 * *ret_outcome (the caller's, outcome_done()). *ret_handles has descriptors when something of the new policy is
 * attached, or when the old map was linked again after a failed swap (CHANGE_KEPT with another link: then it has
 * only a link_fd and map_fd is -EBADF; the old map stays the caller's).
 * With CHANGE_UPDATED link_fd is -EBADF too: the caller's old link goes on, with the new map.
 * Returns 0, or -ENOMEM when not even the outcome could be written.
 */
int kernel_attach(const struct kernel_job *job, struct outcome *ret_outcome,
		  struct kernel_handles *ret_handles);

/* Links a loaded map again. 0 with a link that is the caller's; -errno. */
int kernel_relink(int map_fd, int *ret_link_fd, uint32_t *ret_link_id);

/* Takes it off, whoever else holds it. Waits for RCU. 0 also if it was off already. */
int kernel_detach(const struct kernel_handles *h);

/* 1: attached, with the map of that id (ret_map_id may be NULL); 0: detached; -errno. */
int kernel_state(const struct kernel_handles *h, uint32_t *ret_map_id);

/*
 * The kernel's uevents. open: a descriptor to poll for EPOLLIN, the caller's; -errno. receive: 1 with *ret borrowed
 * from buffer; 0: nothing for us; -EAGAIN; -ENOBUFS: some were lost; other -errno. Neither blocks.
 */
#define KERNEL_UEVENT_MAX 8192
int kernel_uevent_open(void);
int kernel_uevent_receive(int fd, char *buffer, size_t size, struct uevent *ret);

/* Whether the kernel tells of a detachment by EPOLLHUP (Linux 6.11 and newer). */
bool kernel_link_can_poll(int link_fd);
