/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the functions under test write. */
#pragma once

#include "tests/unit/test.h"

struct capture {
	FILE *file;
	char *text;
	size_t size;
};

static inline FILE *capture_open(struct capture *c)
{
	c->file = open_memstream(&c->text, &c->size);
	assert_non_null(c->file);
	return c->file;
}

/* Closes it. */
static inline void assert_captured(struct capture *c, const char *wanted)
{
	fclose(c->file);
	assert_string_equal(c->text, wanted);
	free(c->text);
}
