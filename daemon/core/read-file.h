/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration files and the folders they lie in. */
#pragma once

#include "daemon/core/messages.h"

#define READ_FILE_MAX (1024 * 1024) /* bytes */

/*
 * Reads a regular file whole; a NUL is put behind the text. 0: the text is the caller's; 1: the file is empty or a link
 * to /dev/null, nothing is written; -errno: it cannot be read, is no regular file (never waits for the writer of
 * a fifo) or too large, messages has a sentence that starts with the path; -ENOMEM.
 */
int read_file(const char *path, char **ret_text, size_t *ret_length, struct messages *messages);

/*
 * The names in a folder that end in suffix, hidden ones left out, in the order of strcmp(); NULL where there are none.
 * 0, -errno (-ENOENT: no such folder), -ENOMEM.
 */
int read_folder(const char *path, const char *suffix, char ***ret_names);
