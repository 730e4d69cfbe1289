/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdarg.h>

#include "daemon/core/boolean.h"
#include "daemon/core/conf-rows.h"
#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/core/timespan.h"

_printf_(6, 0) static int add_error(struct messages *messages, const char *file, unsigned line,
				    const char *section, const char *key, const char *format,
				    va_list args)
{
	_cleanup_(freep) char *text = sentence_va(format, args);

	if (!text)
		return -ENOMEM;
	return messages_add(messages, "%s:%u: [%s]%s%s: %s", file, line, section, key ? " " : "",
			    or_empty(key), text);
}

int conf_error(const struct conf_place *at, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = add_error(at->messages, at->item->file, at->item->line, at->item->section,
		      at->item->key, format, args);
	va_end(args);
	return r;
}

int conf_error_at(struct messages *messages, const char *file, unsigned line, const char *section,
		  const char *key, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = add_error(messages, file, line, section, key, format, args);
	va_end(args);
	return r;
}

int conf_set_defaults(struct conf_table table, void *target)
{
	for (size_t i = 0; i < table.n_rows; i++) {
		const struct conf_row *row = &table.rows[i];
		int r;

		if (!row->key)
			continue;
		r = row->parse(NULL, or_empty(row->initial), (char *)target + row->offset);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The word of row i that may have been meant; NULL: that row has none. */
typedef const char *(*conf_word_t)(struct conf_table table, size_t i, const struct conf_place *at);

static const char *section_word(struct conf_table table, size_t i, const struct conf_place *at)
{
	bool first = i == 0 || !streq(table.rows[i].section, table.rows[i - 1].section);

	return first ? table.rows[i].section : NULL;
}

static const char *key_word(struct conf_table table, size_t i, const struct conf_place *at)
{
	return streq(table.rows[i].section, at->item->section) ? table.rows[i].key : NULL;
}

/* "A", "A or B", "A, B or C": what goes before the i-th of n words. */
static const char *list_separator(size_t i, size_t n)
{
	return i == 0 ? "" : i + 1 == n ? " or " : ", ";
}

static int list_words(struct conf_table table, const struct conf_place *at, conf_word_t word,
		      const char *open, const char *close, char **ret)
{
	_cleanup_(freep) char *list = NULL;
	size_t size, n = 0, n_listed = 0;
	FILE *f;

	for (size_t i = 0; i < table.n_rows; i++)
		n += word(table, i, at) != NULL;
	f = open_memstream(&list, &size);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < table.n_rows; i++)
		if (word(table, i, at))
			fprintf(f, "%s%s%s%s", list_separator(n_listed++, n), open,
				word(table, i, at), close);
	if (fclose(f) != 0)
		return -ENOMEM;
	*ret = TAKE_PTR(list);
	return 0;
}

static struct nearest nearest_word(struct conf_table table, const struct conf_place *at,
				   conf_word_t word, const char *wanted)
{
	struct nearest nearest = NEAREST(wanted);

	for (size_t i = 0; i < table.n_rows; i++)
		if (word(table, i, at))
			nearest_offer(&nearest, word(table, i, at));
	return nearest;
}

int conf_check_section(struct conf_table table, const struct conf_place *at)
{
	_cleanup_(freep) char *known = NULL;
	struct nearest nearest;
	int r;

	for (size_t i = 0; i < table.n_rows; i++)
		if (streq(table.rows[i].section, at->item->section))
			return 1;
	nearest = nearest_word(table, at, section_word, at->item->section);
	r = list_words(table, at, section_word, "[", "]", &known);
	if (r < 0)
		return r;
	return conf_error(at, "unknown section" NEAREST_FORMAT ", expected %s",
			  NEAREST_ARGS(nearest), known);
}

static const struct conf_row *find_key(struct conf_table table, const char *section,
				       const char *key)
{
	for (size_t i = 0; i < table.n_rows; i++) {
		const struct conf_row *row = &table.rows[i];

		if (row->key && streq(row->key, key) && (!section || streq(row->section, section)))
			return row;
	}
	return NULL;
}

static int unknown_key(struct conf_table table, const struct conf_place *at)
{
	const struct conf_row *elsewhere = find_key(table, NULL, at->item->key);
	_cleanup_(freep) char *known = NULL;
	struct nearest nearest;
	int r;

	if (elsewhere)
		return conf_error(at, "wrong section, expected it in [%s]", elsewhere->section);
	nearest = nearest_word(table, at, key_word, at->item->key);
	r = list_words(table, at, key_word, "", "", &known);
	if (r < 0)
		return r;
	return conf_error(at, "unknown key" NEAREST_FORMAT ", expected %s", NEAREST_ARGS(nearest),
			  known);
}

int conf_assign(struct conf_table table, const struct conf_place *at, void *target,
		const struct conf_row **ret_row)
{
	const struct ini_item *item = at->item;
	const struct conf_row *row = find_key(table, item->section, item->key);

	*ret_row = row;
	if (!row)
		return unknown_key(table, at);
	if (item->op != '=')
		return conf_error(at, "\"%c=\" is only for fields and globals, expected \"=\"",
				  item->op);
	return row->parse(at, *item->value ? item->value : or_empty(row->initial),
			  (char *)target + row->offset);
}

int conf_parse_bool(const struct conf_place *at, const char *value, void *member)
{
	if (boolean_parse(value, member) < 0)
		return conf_error(at, "\"%s\" is no boolean, expected yes or no", value);
	return 0;
}

int conf_parse_unsigned(const struct conf_place *at, const char *value, void *member)
{
	unsigned long number;

	errno = 0;
	number = strtoul(value, NULL, 10);
	if (value[strspn(value, "0123456789")] != '\0' || errno != 0 || number > UINT_MAX)
		return conf_error(at, "\"%s\" is no count, expected a whole number from 0 to %u",
				  value, UINT_MAX);
	*(unsigned *)member = (unsigned)number;
	return 0;
}

int conf_parse_timespan(const struct conf_place *at, const char *value, void *member)
{
	char longest[TIMESPAN_MAX];
	usec_t span;
	int r = timespan_parse(value, &span);

	if (r == -EINVAL)
		return conf_error(at,
				  "\"%s\" is no time span, expected such as 100ms, 5s or 1min 30s",
				  value);
	/* So that deadlines, now plus a span, never wrap. */
	if (r < 0 || span > CONF_TIMESPAN_MAX)
		return conf_error(at, "%s is too long, expected at most %s", value,
				  timespan_format(longest, CONF_TIMESPAN_MAX));
	*(usec_t *)member = span;
	return 0;
}

int conf_parse_text(const struct conf_place *at, const char *value, void *member)
{
	char **text = member;
	char *copy = NULL;

	if (*value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*text);
	*text = copy;
	return 0;
}
