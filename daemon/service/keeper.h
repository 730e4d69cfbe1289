/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps descriptors of attachments over the end of the daemon: in the service manager's fd store, or as pins in bpffs
 * (KeepLinks=). What goes wrong is logged here and is never fatal: an attachment that cannot be kept runs all the same.
 *
 * In the fd store each descriptor is "KIND.ID.NAME" (link.12.storage, map.57.storage), ID being the kernel's: so a
 * change adds what is new before it removes what is old, although they belong to one policy.
 */
#pragma once

#include "daemon/core/config.h"
#include "daemon/kernel/kernel.h"

#define KEEPER_PINS \
	"/sys/fs/bpf/structopsd" /* of the default runtime directory; others get a folder beside it */

enum keeper_where {
	KEEPER_NOWHERE,
	KEEPER_FDSTORE,
	KEEPER_PINNED,
};

struct keeper;

/*
 * KeepLinks=auto takes the fd store if the service manager offers one, and pins for what does not fit or where there is
 * none. It does if $NOTIFY_SOCKET is set and $FDSTORE (systemd 254 and newer) or $STRUCTOPSD_FDSTORE (set by our unit
 * for older ones) is the number of descriptors that fit. 0 or -ENOMEM.
 */
int keeper_new(enum keep_links mode, const char *runtime_dir, struct keeper **ret);
/* Closes what was received and not collected. What is kept stays kept. */
struct keeper *keeper_free(struct keeper *k);
DEFINE_CLEANUP(struct keeper *, keeper_free)

/*
 * Takes what the service manager passed to this process: its listening socket is *ret_socket, the caller's (-EBADF: it
 * passed none), descriptors of ours wait for keeper_collect(), what nobody knows is logged and dropped. Once, early.
 * 0; -EINVAL: more than one socket; other -errno.
 */
int keeper_receive(struct keeper *k, int *ret_socket);

/* What was kept under a name: at most one a name, living links before dead ones, newer before older. */
struct keeper_find {
	char *name;
	struct kernel_handles handles;
	struct adoption_find facts; /* of the handles; its name is that one */
};
/* *ret is the caller's (keeper_finds_free()). The names are kept on until keeper_store() or keeper_remove(). 0; -ENOMEM. */
int keeper_collect(struct keeper *k, struct keeper_find **ret, size_t *ret_n);
void keeper_finds_free(struct keeper_find *finds, size_t n);

/*
 * From now on these are what is kept under the name, and nothing else; NOT consumed. To be called after each change of a
 * descriptor, and once after an adoption (KeepLinks= may be another by now). Costs nothing where nothing changed.
 */
void keeper_store(struct keeper *k, const char *name, const struct kernel_handles *h);
void keeper_remove(struct keeper *k, const char *name);

enum keeper_where keeper_where(const struct keeper *k, const char *name);
/* For status: "fd store", "pin /sys/fs/bpf/structopsd/x", "not kept". The caller frees; NULL: out of memory. */
char *keeper_describe(const struct keeper *k, const char *name);
