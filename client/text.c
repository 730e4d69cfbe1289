/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/text.h"

#include <inttypes.h>

#include "client/output.h"
#include "client/text-state.h"
#include "client/times.h"
#include "common/names.h"

#define FOREIGN_INDENT 2 /* below the names, which have a mark in front */

static void add_since(struct table *t, const struct policy_row *row, uint64_t now)
{
	char text[TIMES_MAX + 8] = "-", until[TIMES_MAX];

	if (row->attached_usec != 0)
		times_ago(text, row->attached_usec, now);
	else if (row->next_attempt_usec != 0)
		snprintf(text, sizeof(text), "next %s",
			 times_until(until, row->next_attempt_usec, now));
	table_add(t, COLOUR_NONE, text);
}

static void add_restarts(struct table *t, const struct policy_row *row)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, row->restarts);
	table_add(t, COLOUR_NONE, text);
}

/* "aimd: the kernel says: …", below the table, where there is room for sentences. */
static void print_disagreements(FILE *out, const struct style *style,
				const struct policy_rows *rows)
{
	const char *before = "\n";

	for (size_t i = 0; i < rows->n; i++) {
		const struct policy_row *row = &rows->items[i];

		for (size_t k = 0; k < row->disagreements.n; k++) {
			fprintf(out, "%s%s%s: the kernel says: ", before,
				style_on(style, COLOUR_RED), row->name);
			style_put(style, out, row->disagreements.items[k], 0);
			fprintf(out, "%s\n", style_off(style, COLOUR_RED));
			before = "";
		}
	}
}

static void print_summary(FILE *out, const struct policy_rows *rows)
{
	size_t counts[_STATE_MAX] = {0};
	const char *separator = ": ";

	for (size_t i = 0; i < rows->n; i++) {
		enum state state = state_from_string(rows->items[i].state);

		if (state >= 0)
			counts[state]++;
	}
	fprintf(out, "\n%zu %s", rows->n, rows->n == 1 ? "policy" : "policies");
	for (enum state s = 0; s < _STATE_MAX; s++) {
		if (counts[s] == 0)
			continue;
		fprintf(out, "%s%zu %s", separator, counts[s], state_to_string(s));
		separator = ", ";
	}
	fputs(".\n", out);
}

int text_list(FILE *out, const struct style *style, const struct policy_rows *rows, uint64_t now)
{
	static const char *const titles[] = {"",     "NAME",  "STATE",    "TYPE",       "MAP",
					     "LINK", "SINCE", "RESTARTS", "DESCRIPTION"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles), .marked = true};
	int r;

	if (rows->n == 0) {
		fputs("No policies. Write /etc/structopsd/policies.d/NAME.policy, then: "
		      "structopsctl reload\n",
		      out);
		return output_result(out, 0);
	}
	table_add_head(&t, titles);
	for (size_t i = 0; i < rows->n; i++) {
		const struct policy_row *row = &rows->items[i];

		table_add(&t, text_state_colour(row), style_dot(style, row->state));
		table_add(&t, COLOUR_NONE, row->name);
		text_add_state(&t, row);
		table_add(&t, COLOUR_NONE, row->type);
		table_add(&t, COLOUR_NONE, row->map);
		table_add_id(&t, row->link_id);
		add_since(&t, row, now);
		add_restarts(&t, row);
		table_add(&t, COLOUR_NONE, row->description);
	}
	r = table_print(&t, out, style, 0);
	if (r == 0) {
		print_disagreements(out, style, rows);
		print_summary(out, rows);
	}
	return output_result(out, r);
}

/* A line a holder: names of processes and paths of pins are long, and none may be cut off by the others. */
static void add_foreign(struct table *t, const struct foreign_row *row)
{
	table_add(t, COLOUR_NONE, row->type);
	table_add(t, COLOUR_NONE, row->map);
	table_add_id(t, row->map_id);
	table_add_id(t, row->link_id);
	table_add(t, COLOUR_NONE, row->holders.n > 0 ? row->holders.items[0] : NULL);
	for (size_t i = 1; i < row->holders.n; i++) {
		for (size_t column = 1; column < t->n_columns; column++)
			table_add(t, COLOUR_NONE, "");
		table_add(t, COLOUR_NONE, row->holders.items[i]);
	}
}

int text_foreign(FILE *out, const struct style *style, const struct foreign_rows *rows)
{
	static const char *const titles[] = {"TYPE", "MAP", "MAP-ID", "LINK", "HELD BY"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	if (rows->n == 0) {
		fputs("\nAttached by others: nothing.\n", out);
		return output_result(out, 0);
	}
	table_add_head(&t, titles);
	for (size_t i = 0; i < rows->n; i++)
		add_foreign(&t, &rows->items[i]);
	fputs("\nAttached by others:\n", out);
	return output_result(out, table_print(&t, out, style, FOREIGN_INDENT));
}

int text_event(FILE *out, const struct style *style, const struct row_event *e)
{
	enum colour colour = style_state_colour(e->to);
	char stamp[TIMES_MAX];

	fprintf(out, "%s%s%s %s: %s %s %s%s%s (%s)", style_on(style, COLOUR_DIM),
		times_stamp(stamp, e->time_usec), style_off(style, COLOUR_DIM), e->policy, e->from,
		style_arrow(style), style_on(style, colour), e->to, style_off(style, colour),
		e->reason);
	if (*e->detail) {
		fputc(' ', out);
		style_put(style, out, e->detail, 0);
	}
	if (e->link_id != 0)
		fprintf(out, " [link %" PRIu32 "]", e->link_id);
	fputc('\n', out);
	return output_result(out, 0);
}

int text_results(FILE *out, FILE *err, const struct result *results, size_t n)
{
	static const struct style plain = STYLE_PLAIN;

	for (size_t i = 0; i < n; i++) {
		FILE *to = results[i].done ? out : err;

		if (*results[i].name)
			fprintf(to, "%s: ", results[i].name);
		style_put(&plain, to, results[i].detail, 0);
		fputc('\n', to);
	}
	return output_result(out, 0);
}

int text_files(FILE *out, const struct style *style, const struct policy_file *files, size_t n)
{
	if (n == 0)
		fputs("# No file: the policy is masked.\n", out);
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(files[i].content);

		fprintf(out, "%s%s# %s%s\n", i > 0 ? "\n" : "", style_on(style, COLOUR_DIM),
			files[i].path, style_off(style, COLOUR_DIM));
		fputs(files[i].content, out);
		if (length > 0 && files[i].content[length - 1] != '\n')
			fputc('\n', out);
	}
	return output_result(out, 0);
}
