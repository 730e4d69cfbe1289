/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Member paths of overrides: "limits.max[2]" = member limits, member max, element 2. */
#pragma once

#include "common/macro.h"

#define MEMBER_NAME_MAX 128 /* with its NUL */

struct path_step {
	bool is_index;
	char name[MEMBER_NAME_MAX]; /* is_index: empty */
	size_t index;
};

/*
 * Takes the next step off *cursor, which stands at the start of a path or where the last call left it. 1: *ret has
 * the step; 0: the end; -EINVAL: no path ("a..b", "a[x]", "a[01]", "1a", a name that is too long). Between the steps
 * *cursor stands at the '.' or '[' of the next one, so that a path may not start with these only path_is_valid() sees.
 */
int path_next(const char **cursor, struct path_step *ret);

/* Bytes of the C identifier that text starts with; 0: none. */
size_t identifier_length(const char *text);

/* Whether the whole text is a path. "[1]" and ".a" are none. */
bool path_is_valid(const char *text);
