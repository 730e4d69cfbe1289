/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json-tools.h"
#include "client/top-view.h"

/* Null where there is nothing to compare with. */
static json_t *rate_or_null(const struct rate *r, double (*f)(const struct rate *r))
{
	return r->span_nsec ? json_real(f(r)) : json_null();
}

static json_t *average_or_null(const struct rate *r)
{
	return r->calls ? json_real(rate_average_nsec(r)) : json_null();
}

static json_t *run_object(const void *items, size_t i)
{
	const struct top_row *row = items;
	const struct meter_program *p = &row->attachment->programs[i];
	const struct rate *r = &row->rates[i];

	return json_pack("{s:o, s:s?, s:I, s:I, s:o, s:o, s:o}", "members",
			 json_array_of(p->members, p->n_members, json_make_text), "name", p->name,
			 "id", (json_int_t)p->id, "calls", (json_int_t)p->calls, "calls_per_sec",
			 rate_or_null(r, rate_calls_per_sec), "average_nsec", average_or_null(r),
			 "cpu_share", rate_or_null(r, rate_share));
}

static json_t *runs(const struct top_row *row)
{
	return json_array_of(row, row->attachment ? row->attachment->n_programs : 0, run_object);
}

static json_t *scx_event_object(const void *items, size_t i)
{
	const struct top_view *view = items;
	const struct scx_event *e = &view->now->scx.events[i];

	return json_pack("{s:s, s:I, s:f}", "name", e->name, "count", (json_int_t)e->count,
			 "per_sec", top_view_event_per_sec(view, e));
}

static json_t *events_or_null(const struct top_view *view, const struct top_row *row)
{
	if (!row->is_scheduler)
		return json_null();
	return json_array_of(view, view->now->scx.n_events, scx_event_object);
}

static json_t *restarts_or_null(const struct policy_row *policy)
{
	return policy ? json_integer(policy->restarts) : json_null();
}

static json_t *attachment_object(const void *items, size_t i)
{
	const struct top_view *view = items;
	const struct top_row *row = &view->rows[i];
	static const struct meter_attachment none = {0};
	const struct meter_attachment *a = row->attachment ?: &none;
	const struct policy_row *policy = row->policy;

	return json_pack(
		"{s:s?, s:s?, s:o, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "policy",
		policy ? policy->name : NULL, "state", policy ? policy->state : NULL, "restarts",
		restarts_or_null(policy), "type", a->map ? a->map->type : policy->type, "map",
		a->map ? a->map->name : NULL, "map_id", json_number_or_null(a->map_id), "link_id",
		json_number_or_null(a->link_id), "calls_per_sec",
		rate_or_null(&row->total, rate_calls_per_sec), "average_nsec",
		average_or_null(&row->total), "cpu_share", rate_or_null(&row->total, rate_share),
		"programs", runs(row), "events", events_or_null(view, row));
}

int json_top(FILE *out, const struct top_view *view)
{
	json_t *root;

	root = json_pack("{s:i, s:I, s:I, s:s?, s:o}", "schema", JSON_SCHEMA, "time_usec",
			 (json_int_t)view->time_usec, "interval_usec",
			 (json_int_t)(top_view_interval_nsec(view) / 1000), "daemon", view->problem,
			 "attachments", json_array_of(view, view->n_rows, attachment_object));
	return json_print(out, root, JSON_COMPACT);
}
