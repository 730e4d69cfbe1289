/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macro.h"

/*
 * Opens a regular file; what is none is never waited for. what: for the sentences, such as "object". 0 with the
 * descriptor in *ret_fd, which is the caller's, and its size; -errno with *ret_error, a sentence that the caller frees.
 */
int regular_file_open(const char *what, const char *path, int *ret_fd, size_t *ret_size,
		      char **ret_error);

/* Exactly size bytes from an offset on. 0; -EIO: there are not as many; -errno. */
int read_exactly(int fd, size_t offset, void *ret, size_t size);
