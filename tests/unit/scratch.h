/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of a test's own, gone with all that is in it at the end. Everything here asserts that it works. */
#pragma once

#include "tests/unit/test.h"

struct scratch {
	char path[64];
};

/* A cmocka setup and teardown: *state is a struct scratch *. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The caller frees. */
char *scratch_path(const struct scratch *s, const char *name);
/* Makes the folders above it too. */
void scratch_write(const struct scratch *s, const char *name, const void *content, size_t length);
void scratch_text(const struct scratch *s, const char *name, const char *text);
void scratch_folder(const struct scratch *s, const char *name);
void scratch_link(const struct scratch *s, const char *name, const char *target);
