/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "client/output.h"
#include "client/table.h"
#include "client/text-state.h"
#include "client/times.h"
#include "client/top-view.h"
#include "common/sentence.h"

static void add_empty(struct table *t, int n)
{
	while (n-- > 0)
		table_add(t, COLOUR_NONE, "");
}

static char *average_text(double nsec)
{
	if (nsec < 10e3)
		return sentence("%6.0fns", nsec);
	if (nsec < 10e6)
		return sentence("%6.1fus", nsec / 1e3);
	return sentence("%6.1fms", nsec / 1e6);
}

static void add_rate(struct table *t, const struct rate *r)
{
	if (r->span_nsec == 0) {
		table_add(t, COLOUR_NONE, "        -");
		table_add(t, COLOUR_NONE, "       -");
		table_add(t, COLOUR_NONE, "      -");
		return;
	}
	table_add_taken(t, COLOUR_NONE, sentence("%9.1f", rate_calls_per_sec(r)));
	if (r->calls > 0)
		table_add_taken(t, COLOUR_NONE, average_text(rate_average_nsec(r)));
	else
		table_add(t, COLOUR_NONE, "       -");
	table_add_taken(t, COLOUR_NONE, sentence("%6.2f%%", rate_share(r) * 100));
}

static char *attachment_text(const struct meter_attachment *a)
{
	if (a->link_id == 0)
		return sentence("%s %s, map %" PRIu32, a->map->type, a->map->name, a->map_id);
	return sentence("%s %s, map %" PRIu32 ", link %" PRIu32, a->map->type, a->map->name,
			a->map_id, a->link_id);
}

static void add_attachment(struct table *t, const struct top_row *row)
{
	static const struct rate none = {0};

	table_add(t, COLOUR_BOLD, row->policy ? row->policy->name : "(no policy)");
	if (row->policy) {
		text_add_state(t, row->policy);
		table_add_taken(t, COLOUR_NONE, sentence("%" PRIu32, row->policy->restarts));
	} else {
		table_add(t, COLOUR_NONE, NULL);
		table_add(t, COLOUR_NONE, NULL);
	}
	add_rate(t, row->attachment ? &row->total : &none);
	if (row->attachment)
		table_add_taken(t, COLOUR_NONE, attachment_text(row->attachment));
	else
		table_add(t, COLOUR_NONE, row->policy->type);
}

static char *members_text(const struct meter_program *p)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < p->n_members; i++)
		fprintf(f, "%s%s", i == 0 ? "  " : ", ", p->members[i]);
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}

static void add_program(struct table *t, const struct meter_program *p, const struct rate *r)
{
	table_add_taken(t, COLOUR_NONE, members_text(p));
	add_empty(t, 2);
	add_rate(t, r);
	table_add_taken(t, COLOUR_NONE, sentence("%s, program %" PRIu32, p->name ?: "?", p->id));
}

/* A scheduler has some twenty; most have never happened. */
static void add_events(struct table *t, const struct top_view *view)
{
	const struct scx_status *scx = &view->now->scx;

	for (size_t i = 0; i < scx->n_events; i++) {
		const struct scx_event *e = &scx->events[i];

		if (e->count == 0)
			continue;
		table_add_taken(t, COLOUR_NONE, sentence("  %s", e->name));
		add_empty(t, 2);
		table_add_taken(t, COLOUR_NONE, sentence("%9.1f", top_view_event_per_sec(view, e)));
		add_empty(t, 2);
		table_add_taken(t, COLOUR_NONE, sentence("%" PRIu64 " in all", e->count));
	}
}

static void print_head(FILE *out, const struct style *style, const struct top_view *view)
{
	const struct meter_sample *now = view->now;
	char stamp[TIMES_MAX], span[TIMES_MAX];

	fprintf(out, "%s, %s: %zu attached", times_date(stamp, view->time_usec),
		times_span(span, top_view_interval_nsec(view) / 1000), now->n_attachments);
	if (now->scx.state)
		fprintf(out, "; sched_ext %s", now->scx.state);
	if (now->scx.scheduler) {
		fputs(" (", out);
		style_put(style, out, now->scx.scheduler, 0);
		fputc(')', out);
	}
	if (view->problem) {
		fputs("; ", out);
		style_put(style, out, view->problem, 0);
	}
	fputs("\n\n", out);
}

int text_top(FILE *out, const struct style *style, const struct top_view *view)
{
	static const char *const titles[] = {"NAME",     "STATE",   "RESTARTS", "  CALLS/S",
					     " AVERAGE", "    CPU", "WHAT"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	print_head(out, style, view);
	table_add_head(&t, titles);
	for (size_t i = 0; i < view->n_rows; i++) {
		const struct top_row *row = &view->rows[i];

		add_attachment(&t, row);
		for (size_t k = 0; row->attachment && k < row->attachment->n_programs; k++)
			add_program(&t, &row->attachment->programs[k], &row->rates[k]);
		if (row->is_scheduler)
			add_events(&t, view);
	}
	return output_result(out, table_print(&t, out, style, 0));
}
