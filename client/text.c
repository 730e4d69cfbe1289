/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/text.h"

#include <inttypes.h>

#include "client/table.h"
#include "client/times.h"
#include "common/names.h"

#define KEY_WIDTH 11
#define VALUE_INDENT (KEY_WIDTH + 2)
#define LOG_INDENT 4

#define _cleanup_table_ _cleanup_(table_done)

static int finish(FILE *out, int result)
{
	if (result < 0)
		return result;
	return ferror(out) ? -EIO : 0;
}

/* "failed (load-failed)": the reason says why it is not attached; why it is matters to status only. */
static void add_state(struct table *t, const struct policy_row *row)
{
	enum colour colour = style_state_colour(row->state);
	char text[128];

	if (row->reason && !policy_row_is_attached(row))
		snprintf(text, sizeof(text), "%s (%s)", row->state, row->reason);
	else
		snprintf(text, sizeof(text), "%s", row->state);
	table_add(t, colour, text);
}

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

static void add_head(struct table *t, const char *const *titles)
{
	for (size_t i = 0; i < t->n_columns; i++)
		table_add(t, COLOUR_BOLD, titles[i]);
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
		return finish(out, 0);
	}
	add_head(&t, titles);
	for (size_t i = 0; i < rows->n; i++) {
		const struct policy_row *row = &rows->items[i];

		table_add(&t, style_state_colour(row->state), style_dot(style, row->state));
		table_add(&t, COLOUR_NONE, row->name);
		add_state(&t, row);
		table_add(&t, COLOUR_NONE, row->type);
		table_add(&t, COLOUR_NONE, row->map);
		table_add_id(&t, row->link_id);
		add_since(&t, row, now);
		add_restarts(&t, row);
		table_add(&t, COLOUR_NONE, row->description);
	}
	r = table_print(&t, out, style, 0);
	if (r == 0)
		print_summary(out, rows);
	return finish(out, r);
}

static void print_value(FILE *out, const struct style *style, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(out, "%*s%s ", KEY_WIDTH, key, *key ? ":" : " ");
	style_put(style, out, value, 0);
	fputc('\n', out);
}

/* One under the other, the key before the first. */
static void print_values(FILE *out, const struct style *style, const char *key,
			 const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_value(out, style, i == 0 ? key : "", values[i]);
}

/* When the state began: the kernel's own time where it is attached, else the last event's. */
static uint64_t state_since(const struct policy_row *row)
{
	const struct row_event *last = row->n_events > 0 ? &row->events[row->n_events - 1] : NULL;

	if (policy_row_is_attached(row) && row->attached_usec != 0)
		return row->attached_usec;
	return last && streq(last->to, row->state) ? last->time_usec : 0;
}

static void print_state(FILE *out, const struct style *style, const struct policy_row *row,
			uint64_t now)
{
	enum colour colour = style_state_colour(row->state);
	uint64_t since = state_since(row);
	char date[TIMES_MAX], ago[TIMES_MAX];

	fprintf(out, "%*s: %s%s%s", KEY_WIDTH, "State", style_on(style, colour), row->state,
		style_off(style, colour));
	if (row->reason)
		fprintf(out, " (%s)", row->reason);
	if (since != 0)
		fprintf(out, " since %s; %s", times_date(date, since), times_ago(ago, since, now));
	fputc('\n', out);
}

static void print_identity(FILE *out, const struct policy_row *row)
{
	char span[TIMES_MAX];

	if (row->type)
		fprintf(out, "%*s: %s\n", KEY_WIDTH, "Type", row->type);
	if (row->map) {
		fprintf(out, "%*s: %s", KEY_WIDTH, "Map", row->map);
		if (row->map_id != 0)
			fprintf(out, " (id %" PRIu32 ")", row->map_id);
		fputc('\n', out);
	}
	if (row->link_id != 0) {
		fprintf(out, "%*s: id %" PRIu32, KEY_WIDTH, "Link", row->link_id);
		if (row->attach_usec != 0)
			fprintf(out, " (loaded and attached in %s)",
				times_span(span, row->attach_usec));
		fputc('\n', out);
	}
}

static void print_object(FILE *out, const struct style *style, const struct policy_row *row)
{
	print_value(out, style, "Object", row->object);
	if (row->object && row->digest)
		fprintf(out, "%*s  sha256 %s\n", KEY_WIDTH, "", row->digest);
}

static void print_attempts(FILE *out, const struct policy_row *row, uint64_t now)
{
	char until[TIMES_MAX];

	fprintf(out, "%*s: %" PRIu32, KEY_WIDTH, "Restarts", row->restarts);
	if (row->next_attempt_usec != 0)
		fprintf(out, "; next attempt %s", times_until(until, row->next_attempt_usec, now));
	fputc('\n', out);
}

/* An operator that is NULL has the empty text. */
static const char *value_text(const char *value)
{
	if (!value)
		return "(unknown)";
	return *value ? value : "(none)";
}

static int print_overrides(FILE *out, const struct style *style, const struct policy_row *row)
{
	static const char *const titles[] = {"MEMBER", "WANTED", "ACTUAL", ""};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	if (row->n_fields == 0)
		return 0;
	add_head(&t, titles);
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct row_field *f = &row->fields[i];
		bool differs = f->actual && !streq(f->wanted, f->actual);

		table_add(&t, COLOUR_NONE, f->member);
		table_add(&t, COLOUR_NONE, value_text(f->wanted));
		table_add(&t, differs ? COLOUR_RED : COLOUR_NONE, value_text(f->actual));
		table_add(&t, COLOUR_RED, differs ? "differs" : "");
	}
	fprintf(out, "%*s:\n", KEY_WIDTH, "Overrides");
	return table_print(&t, out, style, VALUE_INDENT);
}

static int print_programs(FILE *out, const struct style *style, const struct policy_row *row)
{
	static const char *const titles[] = {"MEMBER", "PROGRAM", "ID"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	if (row->n_programs == 0)
		return 0;
	add_head(&t, titles);
	for (size_t i = 0; i < row->n_programs; i++) {
		table_add(&t, COLOUR_NONE, row->programs[i].member);
		table_add(&t, COLOUR_NONE, row->programs[i].name);
		table_add_id(&t, row->programs[i].id);
	}
	fprintf(out, "%*s:\n", KEY_WIDTH, "Programs");
	return table_print(&t, out, style, VALUE_INDENT);
}

static void print_verifier_log(FILE *out, const struct style *style, const char *log)
{
	if (!log || !*log)
		return;
	fputs("\nVerifier log, its last lines:\n", out);
	while (*log) {
		int length = (int)strcspn(log, "\n");
		_cleanup_(freep) char *line = strndup(log, (size_t)length);

		fprintf(out, "%*s", LOG_INDENT, "");
		style_put(style, out, line ?: "(out of memory)", 0);
		fputc('\n', out);
		log += length + (log[length] == '\n');
	}
}

static int print_events(FILE *out, const struct style *style, const struct policy_row *row)
{
	_cleanup_table_ struct table t = {.n_columns = 4};
	char stamp[TIMES_MAX], change[64];

	if (row->n_events == 0)
		return 0;
	for (size_t i = 0; i < row->n_events; i++) {
		const struct row_event *e = &row->events[i];

		snprintf(change, sizeof(change), "%s %s %s", e->from, style_arrow(style), e->to);
		table_add(&t, COLOUR_DIM, times_stamp(stamp, e->time_usec));
		table_add(&t, style_state_colour(e->to), change);
		table_add(&t, COLOUR_NONE, e->reason);
		table_add(&t, COLOUR_NONE, e->detail);
	}
	fputs("\nEvents, the last ones:\n", out);
	return table_print(&t, out, style, LOG_INDENT);
}

static int print_status(FILE *out, const struct style *style, const struct policy_row *row,
			uint64_t now)
{
	enum colour colour = style_state_colour(row->state);
	int r;

	fprintf(out, "%s%s%s %s", style_on(style, colour), style_dot(style, row->state),
		style_off(style, colour), row->name);
	if (row->description) {
		fputs(" - ", out);
		style_put(style, out, row->description, 0);
	}
	fputc('\n', out);
	print_state(out, style, row, now);
	print_value(out, style, "Detail", row->detail);
	print_identity(out, row);
	print_object(out, style, row);
	print_value(out, style, "Watch", row->watch);
	print_attempts(out, row, now);
	print_value(out, style, "Fallback", row->fallback);
	print_value(out, style, "Enabled", row->enabled ? "yes" : "no");
	print_values(out, style, "Files", row->files, row->n_files);
	print_values(out, style, "Notes", row->notes, row->n_notes);
	r = print_overrides(out, style, row);
	if (r == 0)
		r = print_programs(out, style, row);
	print_verifier_log(out, style, row->verifier_log);
	if (r == 0)
		r = print_events(out, style, row);
	return r;
}

int text_status(FILE *out, const struct style *style, const struct policy_rows *rows, uint64_t now)
{
	int r = 0;

	for (size_t i = 0; i < rows->n && r == 0; i++) {
		if (i > 0)
			fputc('\n', out);
		r = print_status(out, style, &rows->items[i], now);
	}
	return finish(out, r);
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
	return finish(out, 0);
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
	return finish(out, 0);
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
	return finish(out, 0);
}
