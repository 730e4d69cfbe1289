/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that is known of a policy, in the manner of "systemctl status". */
#include <inttypes.h>

#include "client/exit-text.h"
#include "client/output.h"
#include "client/text-state.h"
#include "client/text.h"
#include "client/times.h"

#define KEY_WIDTH 11
#define VALUE_INDENT (KEY_WIDTH + 2)
#define LOG_INDENT 4

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
			 const struct texts *values)
{
	for (size_t i = 0; i < values->n; i++)
		print_value(out, style, i == 0 ? key : "", values->items[i]);
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
	enum colour colour = text_state_colour(row);
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

static void print_disagreements(FILE *out, const struct style *style, const struct policy_row *row)
{
	for (size_t i = 0; i < row->disagreements.n; i++) {
		fprintf(out, "%s%*s: ", style_on(style, COLOUR_RED), KEY_WIDTH, "Kernel says");
		style_put(style, out, row->disagreements.items[i], 0);
		fprintf(out, "%s\n", style_off(style, COLOUR_RED));
	}
}

/* In whose place it is attached, and until when. */
static void print_switch(FILE *out, const struct style *style, const struct policy_row *row,
			 uint64_t now)
{
	char date[TIMES_MAX], until[TIMES_MAX];

	if (!row->switched_from)
		return;
	fprintf(out, "%*s: ", KEY_WIDTH, "In place of");
	style_put(style, out, row->switched_from, 0);
	if (!row->goes_back)
		fputs(" until somebody switches back\n", out);
	else if (row->switch_ends_usec == 0)
		fputs(" until the daemon starts anew\n", out);
	else
		fprintf(out, " until %s; %s\n", times_date(date, row->switch_ends_usec),
			times_until(until, row->switch_ends_usec, now));
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

static void print_users(FILE *out, const struct policy_row *row)
{
	const char *besides = row->link_id != 0 ? " besides its link" : "";
	const char *s = row->users == 1 ? "" : "s";

	if (!row->users_known)
		return;
	fprintf(out, "%*s: ", KEY_WIDTH, "Used by");
	if (row->users == 0)
		fprintf(out, "nothing%s\n", besides);
	else
		fprintf(out, "%" PRIu32 " socket%s, namespace%s or qdisc%s%s\n", row->users, s, s,
			s, besides);
}

static void print_defaults(FILE *out, const struct style *style, const struct policy_row *row)
{
	for (size_t i = 0; i < row->n_defaults; i++) {
		const struct row_default *d = &row->defaults[i];

		fprintf(out, "%*s%s ", KEY_WIDTH, i == 0 ? "Default of" : "", i == 0 ? ":" : " ");
		style_put(style, out, *d->netns ? d->netns : "this network namespace", 0);
		fputs(" (before: ", out);
		style_put(style, out, *d->before ? d->before : "not known", 0);
		fputs(")\n", out);
	}
}

/* Why the kernel threw it out, or it left, the last time. */
static void print_exit(FILE *out, const struct style *style, const struct policy_row *row)
{
	const char *name = exit_kind_name(row->exit_kind);
	char code[EXIT_TEXT_MAX];

	if (row->exit_kind == 0)
		return;
	fprintf(out, "%*s: ", KEY_WIDTH, "Last exit");
	style_put(style, out, or_empty(row->exit_reason), 0);
	fprintf(out, "%s(kind %d%s%s)\n", *or_empty(row->exit_reason) ? " " : "", row->exit_kind,
		name ? ", " : "", or_empty(name));
	print_value(out, style, "", row->exit_message);
	if (row->exit_code != 0)
		fprintf(out, "%*scode %s\n", VALUE_INDENT, "",
			exit_code_text(code, row->exit_code));
	print_value(out, style, "", row->exit_file);
}

static int print_instances(FILE *out, const struct style *style, const struct policy_row *row,
			   const struct policy_rows *all)
{
	_cleanup_table_ struct table t = {.n_columns = 2};

	if (!row->is_template)
		return 0;
	for (size_t i = 0; i < all->n; i++) {
		if (!policy_row_is_instance_of(&all->items[i], row))
			continue;
		table_add(&t, COLOUR_NONE, all->items[i].name);
		text_add_state(&t, &all->items[i]);
	}
	fprintf(out, "%*s: %" PRIu32 "\n", KEY_WIDTH, "Instances", row->instances);
	return table_print(&t, out, style, VALUE_INDENT);
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
	table_add_head(&t, titles);
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
	table_add_head(&t, titles);
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

static void print_head(FILE *out, const struct style *style, const struct policy_row *row)
{
	enum colour colour = text_state_colour(row);

	fprintf(out, "%s%s%s %s", style_on(style, colour), style_dot(style, row->state),
		style_off(style, colour), row->name);
	if (row->description) {
		fputs(" - ", out);
		style_put(style, out, row->description, 0);
	}
	fputc('\n', out);
}

/* What it became in the kernel. */
static void print_attachment(FILE *out, const struct style *style, const struct policy_row *row)
{
	print_identity(out, row);
	print_value(out, style, "Device", row->device);
	print_users(out, row);
	print_defaults(out, style, row);
	print_object(out, style, row);
	print_value(out, style, "Watch", row->watch);
	print_value(out, style, "Kept", row->kept);
}

/* What it is to be, and what came of that. */
static int print_policy(FILE *out, const struct style *style, const struct policy_row *row,
			const struct policy_rows *all, uint64_t now)
{
	int r;

	print_attempts(out, row, now);
	print_exit(out, style, row);
	print_value(out, style, "Template", row->template);
	r = print_instances(out, style, row, all);
	print_value(out, style, "Fallback", row->fallback);
	print_value(out, style, "Enabled", row->enabled ? "yes" : "no");
	print_values(out, style, "Files", &row->files);
	print_values(out, style, "Notes", &row->notes);
	return r;
}

static int print_status(FILE *out, const struct style *style, const struct policy_row *row,
			const struct policy_rows *all, uint64_t now)
{
	int r;

	print_head(out, style, row);
	print_state(out, style, row, now);
	print_disagreements(out, style, row);
	print_value(out, style, "Detail", row->detail);
	print_switch(out, style, row, now);
	print_attachment(out, style, row);
	r = print_policy(out, style, row, all, now);
	if (r == 0)
		r = print_overrides(out, style, row);
	if (r == 0)
		r = print_programs(out, style, row);
	print_verifier_log(out, style, row->verifier_log);
	if (r == 0)
		r = print_events(out, style, row);
	return r;
}

int text_status(FILE *out, const struct style *style, const struct policy_rows *rows,
		const struct policy_rows *all, uint64_t now)
{
	int r = 0;

	for (size_t i = 0; i < rows->n && r == 0; i++) {
		if (i > 0)
			fputc('\n', out);
		r = print_status(out, style, &rows->items[i], all, now);
	}
	return output_result(out, r);
}
