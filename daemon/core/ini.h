/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * INI text to (section, key, operator, value, line), by inih with a reader of our own in front: inih as
 * distributions build it knows no line numbers, cuts lines at 200 bytes and sections at 50, and takes an indented
 * line for a continuation. The reader counts lines, strips blanks and comments ("; …" after a blank, "#" or ";"
 * at the start of a line), refuses long lines, NUL bytes and bytes that are not UTF-8, and keeps values and section
 * names, which inih's buffers would cut.
 */
#pragma once

#include "daemon/core/messages.h"

#define INI_LINE_MAX 4096 /* bytes, without the newline */
#define INI_KEY_MAX 192   /* bytes; with "=" and the newline it fits inih's line of 200 */
/* A file with more is given up, so that a binary cannot fill the memory. */
#define INI_ERRORS_MAX 100

struct ini_item {
	const char *section; /* blanks around it removed, those within it made one space */
	const char *key; /* NULL: the section's header itself, which has no value and no operator */
	const char *value; /* "" where nothing stands behind the '=' */
	char op;           /* '=', or '|' and '&' for "key |= value" and "key &= value" */
	const char *file;
	unsigned line;
	unsigned section_line; /* where the section's header stands */
};

/*
 * Called for each header and each assignment. Returns 0; what is wrong is the handler's to note. Negative ends the
 * parsing.
 */
typedef int (*ini_handler_t)(void *userdata, const struct ini_item *item);

/*
 * 0; -EBADMSG: some lines were no INI, messages has "file:line: …" for each and the handler got the others
 * (after a bad header: from the next header on); -ENOMEM; or the handler's negative value.
 */
int ini_parse_text(const char *file, const char *text, size_t length, ini_handler_t handler,
		   void *userdata, struct messages *messages);
