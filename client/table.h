/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text in aligned columns. Running out of memory while filling is kept and told by table_print(). */
#pragma once

#include "client/style.h"

struct table {
	size_t n_columns;
	bool marked; /* the first column is a mark: one blank behind it instead of two */
	struct cell {
		char *text;
		enum colour colour;
	} * cells;
	size_t n_cells;
	bool failed;
};

/* The next cell, from left to right and from top to bottom; the text is copied, NULL becomes "-". */
void table_add(struct table *t, enum colour colour, const char *text);
/* The text is freed; "" becomes "-". NULL: out of memory. */
void table_add_taken(struct table *t, enum colour colour, char *text);
void table_add_head(struct table *t, const char *const *titles); /* n_columns of them */
void table_add_id(struct table *t, uint32_t id);                 /* 0: "-" */

/*
 * Each line is indented, and the last column cut to what is left of the style's width. No line ends with blanks. 0
 * or -ENOMEM.
 */
int table_print(const struct table *t, FILE *out, const struct style *style, size_t indent);

void table_done(struct table *t);
#define _cleanup_table_ _cleanup_(table_done)
