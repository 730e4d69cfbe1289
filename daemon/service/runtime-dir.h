/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runtime directory: made, checked, and locked for one daemon. */
#pragma once

#include "common/macro.h"

/*
 * Makes path (0755, its parents must exist) and takes its lock, which is held as long as *ret_lock_fd is open.
 * 0; -errno with *ret_error, a sentence that the caller frees: not a directory, not ours, read-only, full, or
 * another daemon has it (-EBUSY).
 */
int runtime_dir_lock(const char *path, int *ret_lock_fd, char **ret_error);
