/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/table.h"

#include <inttypes.h>

static bool make_room(struct table *t)
{
	/* Doubles whenever the count is a power of two. */
	if ((t->n_cells & (t->n_cells - 1)) == 0) {
		size_t wanted = t->n_cells ? 2 * t->n_cells : 1;
		struct cell *cells = reallocarray(t->cells, wanted, sizeof(*cells));

		if (!cells)
			return false;
		t->cells = cells;
	}
	return true;
}

void table_add(struct table *t, enum colour colour, const char *text)
{
	struct cell cell = {.colour = colour};

	if (!t->failed)
		cell.text = strdup(text ?: "-");
	if (!cell.text || !make_room(t)) {
		free(cell.text);
		t->failed = true;
		return;
	}
	t->cells[t->n_cells++] = cell;
}

void table_add_taken(struct table *t, enum colour colour, char *text)
{
	if (text)
		table_add(t, colour, *text ? text : "-");
	else
		t->failed = true;
	free(text);
}

void table_add_head(struct table *t, const char *const *titles)
{
	for (size_t i = 0; i < t->n_columns; i++)
		table_add(t, COLOUR_BOLD, titles[i]);
}

void table_add_id(struct table *t, uint32_t id)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, id);
	table_add(t, COLOUR_NONE, id != 0 ? text : NULL);
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < t->n_cells; i += t->n_columns)
		width = MAX(width, style_columns(t->cells[i].text));
	return width;
}

static void print_cell(const struct cell *cell, FILE *out, const struct style *style, size_t max)
{
	fputs(style_on(style, cell->colour), out);
	style_put(style, out, cell->text, max);
	fputs(style_off(style, cell->colour), out);
}

static void print_row(const struct table *t, const struct cell *row, const size_t *widths,
		      FILE *out, const struct style *style, size_t indent)
{
	size_t used = indent;
	size_t last = t->n_columns - 1;
	size_t room;

	while (last > 0 && !*row[last].text)
		last--;
	fprintf(out, "%*s", (int)indent, "");
	for (size_t i = 0; i < last; i++) {
		size_t gap = t->marked && i == 0 ? 1 : 2;
		size_t fill = widths[i] - style_columns(row[i].text) + gap;

		print_cell(&row[i], out, style, 0);
		fprintf(out, "%*s", (int)fill, "");
		used += widths[i] + gap;
	}
	/* On a terminal too narrow for anything the line wraps rather than losing the column. */
	room = last == t->n_columns - 1 && style->width > used ? style->width - used : 0;
	print_cell(&row[last], out, style, room);
	fputc('\n', out);
}

int table_print(const struct table *t, FILE *out, const struct style *style, size_t indent)
{
	_cleanup_(freep) size_t *widths = calloc(t->n_columns, sizeof(*widths));

	if (t->failed || !widths)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = column_width(t, i);
	for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
		print_row(t, &t->cells[i], widths, out, style, indent);
	return 0;
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
	*t = (struct table){0};
}
