/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the host, below a folder that is "" on a real one: a test makes its own /proc and /sys. Paths begin with
 * a slash.
 */
#pragma once

#include "common/macro.h"

/* The file's text, at most 64 KiB, without blanks at its end. 0: *ret is the caller's; -errno; -ENOMEM. */
int root_read(const char *root, const char *path, char **ret);

/* One number. 0; -EBADMSG; -errno. */
int root_read_number(const char *root, const char *path, long long *ret);

bool root_has(const char *root, const char *path);

/* Where the symbolic link points, NULL where there is none. The caller frees. */
char *root_link(const char *root, const char *path);

/*
 * The names in a folder that end so ("": all), sorted, without dot files. 0: *ret is NULL-terminated and the caller's
 * (root_names_free()); -errno; -ENOMEM.
 */
int root_list(const char *root, const char *path, const char *suffix, char ***ret, size_t *ret_n);
void root_names_free(char **names);
DEFINE_CLEANUP(char **, root_names_free)
