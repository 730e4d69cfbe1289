/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runtime directory: made, checked, and locked for one daemon. */
#pragma once

#include "daemon/core/timespan.h"

/*
 * Makes path (0755, its parents must exist) and takes its lock, which is held as long as *ret_lock_fd is open anywhere:
 * by the children of this daemon, too (process_share()). For a worker of a daemon that was killed ends only after the
 * system call that it is in, and that may attach, update or detach something: such workers are waited for, at most for
 * patience. 0; -errno with *ret_error, a sentence that the caller frees: not a directory, not ours, read-only, full, or
 * another daemon, or a worker that does not end, has it (-EBUSY).
 */
int runtime_dir_lock(const char *path, usec_t patience, int *ret_lock_fd, char **ret_error);
