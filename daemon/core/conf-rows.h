/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys as rows of a table: what policies and structopsd.conf have in common. A row says where a key stands, how its
 * text is read, which member it goes to and what it is when nobody sets it.
 */
#pragma once

#include "daemon/core/ini.h"
#include "daemon/core/messages.h"

/* Whose value is read, and where complaints go. */
struct conf_place {
	const struct ini_item *item;
	struct messages *messages;
};

/* Notes "file:line: [section] key: …" ("[section]: …" at a header). 0 when noted, or -ENOMEM. */
int conf_error(const struct conf_place *at, const char *format, ...) _printf_(2, 3);
/* The same for what is found only after all files were read. */
int conf_error_at(struct messages *messages, const char *file, unsigned line, const char *section,
		  const char *key, const char *format, ...) _printf_(6, 7);

/*
 * Reads value into the member. Returns 0 also when the value is wrong: that is noted by conf_error() then and the
 * member stays as it was. -ENOMEM. value is "" only where the row's initial is.
 */
typedef int (*conf_parser_t)(const struct conf_place *at, const char *value, void *member);

struct conf_row {
	const char *section;
	const char *key; /* NULL: the section's keys are free, its assignments never come here */
	conf_parser_t parse;
	size_t offset;
	const char *initial; /* the default, as one would write it; NULL: "" */
};

struct conf_table {
	const struct conf_row *rows; /* those of a section side by side */
	size_t n_rows;
};
#define CONF_TABLE(r) ((struct conf_table){.rows = (r), .n_rows = ARRAY_SIZE(r)})

/* Puts the defaults into target. 0 or -ENOMEM. */
int conf_set_defaults(struct conf_table table, void *target);

/* Whether a row has this section; notes an error at the header if not. 1, 0, -ENOMEM. */
int conf_check_section(struct conf_table table, const struct conf_place *at);

/*
 * Does the assignment, an empty one puts the default back. *ret_row is the key's row, NULL where there is none
 * (which is noted). 0 or -ENOMEM.
 */
int conf_assign(struct conf_table table, const struct conf_place *at, void *target,
		const struct conf_row **ret_row);

/* Parsers for rows: bool, unsigned, usec_t (at most CONF_TIMESPAN_MAX), char * ("" is NULL). */
#define CONF_TIMESPAN_MAX (365 * USEC_PER_DAY)
int conf_parse_bool(const struct conf_place *at, const char *value, void *member);
int conf_parse_unsigned(const struct conf_place *at, const char *value, void *member);
int conf_parse_timespan(const struct conf_place *at, const char *value, void *member);
int conf_parse_text(const struct conf_place *at, const char *value, void *member);
