/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/policy-output.h"

#include "client/json-tools.h"
#include "client/output.h"
#include "common/sentence.h"

/* Where the comments begin; a longer line gets its comment behind two blanks. */
#define COMMENT_COLUMN_MAX 48

static enum colour colour_of(enum delta_kind kind)
{
	switch (kind) {
	case DELTA_MASKED:
	case DELTA_UNUSED:
		return COLOUR_RED;
	case DELTA_OVERRIDDEN:
		return COLOUR_YELLOW;
	case DELTA_EXTENDED:
		return COLOUR_GREEN;
	default:
		return COLOUR_DIM;
	}
}

static void put_delta(FILE *out, const struct style *style, const struct delta *d)
{
	enum colour colour = colour_of(d->kind);

	fprintf(out, "%s%-10s%s  ", style_on(style, colour), delta_kind_to_string(d->kind),
		style_off(style, colour));
	style_put(style, out, d->by ? d->by : d->path, 0);
	if (d->by && d->path) {
		fprintf(out, " %s ", style_arrow(style));
		style_put(style, out, d->path, 0);
	}
	fputc('\n', out);
}

int text_deltas(FILE *out, const struct style *style, const struct deltas *deltas)
{
	for (size_t i = 0; i < deltas->n; i++)
		put_delta(out, style, &deltas->items[i]);
	if (deltas->n == 0)
		fputs("Nothing is overridden, extended or masked.\n", out);
	return output_result(out, 0);
}

static json_t *make_delta(const void *items, size_t i)
{
	const struct delta *d = &((const struct delta *)items)[i];

	return json_pack("{s:s, s:s, s:s?, s:s?}", "kind", delta_kind_to_string(d->kind), "policy",
			 d->policy, "by", d->by, "path", d->path);
}

int json_deltas(FILE *out, const struct deltas *deltas)
{
	return json_print(out,
			  json_pack("{s:i, s:o}", "schema", JSON_SCHEMA, "deltas",
				    json_array_of(deltas->items, deltas->n, make_delta)),
			  JSON_INDENT(2));
}

/* As people write it: blanks where values are computed. */
static char *text_of(const struct merged_line *line)
{
	bool is_key = line->op == OVERRIDE_SET && !policy_section_is_free(line->section);
	const char *blank = is_key ? "" : " ";

	return sentence("%s%s%s%s%s", line->key, blank, override_op_to_string(line->op), blank,
			line->value);
}

static int find_column(const struct merged_policy *m, size_t *ret)
{
	size_t column = 0;

	for (size_t i = 0; i < m->n; i++) {
		_cleanup_(freep) char *text = text_of(&m->lines[i]);

		if (!text)
			return -ENOMEM;
		if (style_columns(text) <= COMMENT_COLUMN_MAX)
			column = MAX(column, style_columns(text));
	}
	*ret = column;
	return 0;
}

static int put_merged(FILE *out, const struct style *style, const struct merged_line *line,
		      size_t column)
{
	_cleanup_(freep) char *text = text_of(line);
	size_t columns;

	if (!text)
		return -ENOMEM;
	columns = style_columns(text);
	style_put(style, out, text, 0);
	fprintf(out, "%*s  %s; ", (int)(columns < column ? column - columns : 0), "",
		style_on(style, COLOUR_DIM));
	style_put(style, out, line->file, 0);
	fprintf(out, ":%u%s\n", line->line, style_off(style, COLOUR_DIM));
	return 0;
}

int text_merged(FILE *out, const struct style *style, const struct merged_policy *m)
{
	const char *section = "";
	size_t column;
	int r = find_column(m, &column);

	for (size_t i = 0; r == 0 && i < m->n; i++) {
		if (!streq(m->lines[i].section, section)) {
			section = m->lines[i].section;
			fprintf(out, "%s%s[%s]%s\n", i > 0 ? "\n" : "",
				style_on(style, COLOUR_BOLD), section,
				style_off(style, COLOUR_BOLD));
		}
		r = put_merged(out, style, &m->lines[i], column);
	}
	if (m->n == 0)
		fputs("; No line is in force.\n", out);
	return output_result(out, r);
}

static json_t *make_merged(const void *items, size_t i)
{
	const struct merged_line *l = &((const struct merged_line *)items)[i];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "section", l->section, "key", l->key,
			 "op", override_op_to_string(l->op), "value", l->value, "file", l->file,
			 "line", (int)l->line);
}

int json_merged(FILE *out, const char *name, const struct merged_policy *m)
{
	return json_print(out,
			  json_pack("{s:i, s:s, s:o}", "schema", JSON_SCHEMA, "name", name, "lines",
				    json_array_of(m->lines, m->n, make_merged)),
			  JSON_INDENT(2));
}
