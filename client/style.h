/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How text looks: colours, glyphs, width. A value, so that the tests choose it and main() alone asks the terminal. */
#pragma once

#include "common/macro.h"

enum colour {
	COLOUR_NONE,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_DIM,
	COLOUR_BOLD,
	_COLOUR_MAX,
};

struct style {
	bool colour;
	bool utf8;    /* else plain ASCII glyphs */
	size_t width; /* columns; 0: lines are never cut */
};
#define STYLE_PLAIN ((struct style){.utf8 = true})

/* What stdout can show: colour only on a terminal, and neither with NO_COLOR nor TERM=dumb. */
struct style style_of_stdout(bool allow_colour);

/* The escape sequences, "" where there is no colour. */
const char *style_on(const struct style *style, enum colour colour);
const char *style_off(const struct style *style, enum colour colour);

/* The dot in front of a policy: full where something is (or was) going on, hollow when inactive. */
const char *style_dot(const struct style *style, const char *state);
enum colour style_state_colour(const char *state);
const char *style_arrow(const struct style *style);

/* Columns that the text takes: one for each UTF-8 character. */
size_t style_columns(const char *text);

/*
 * Writes text, cut to max columns with an ellipsis (0: never cut). Control characters become "?": what a policy
 * file contains must not steer the terminal.
 */
void style_put(const struct style *style, FILE *out, const char *text, size_t max);
