/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/top-view.h"

#define SCHEDULER_TYPES "sched_ext_ops"

static const struct policy_row *policy_of(const struct policy_rows *policies,
					  const struct meter_attachment *a)
{
	for (size_t i = 0; i < policies->n; i++)
		if (policies->items[i].map_id == a->map_id)
			return &policies->items[i];
	return NULL;
}

/* sysfs tells the name of the one that runs, and of nothing else which it is. */
static bool is_running_scheduler(const struct live_map *map, const struct scx_status *scx)
{
	const struct live_member *name = live_map_member(map, "name");

	return strncmp(map->type, SCHEDULER_TYPES, strlen(SCHEDULER_TYPES)) == 0 && name &&
	       streq_null(name->value, scx->scheduler);
}

static int fill_row(struct top_row *row, const struct meter_sample *before,
		    const struct meter_sample *now, const struct meter_attachment *a)
{
	*row = (struct top_row){
		.attachment = a,
		.rates = calloc(a->n_programs + 1, sizeof(*row->rates)),
		.is_scheduler = is_running_scheduler(a->map, &now->scx),
	};
	if (!row->rates)
		return -ENOMEM;
	for (size_t i = 0; i < a->n_programs; i++)
		row->rates[i] = rate_of_program(before, &a->programs[i]);
	row->total = rate_sum(row->rates, a->n_programs);
	return 0;
}

static bool is_shown(const struct top_view *view, const struct policy_row *policy)
{
	for (size_t i = 0; i < view->n_rows; i++)
		if (view->rows[i].policy == policy)
			return true;
	return false;
}

static const char *row_name(const struct top_row *row)
{
	return row->policy ? row->policy->name : row->attachment->map->name;
}

static int compare_rows(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	double share_x = rate_share(&x->total), share_y = rate_share(&y->total);

	if (!x->attachment != !y->attachment)
		return !x->attachment ? 1 : -1;
	if (share_x < share_y || share_x > share_y)
		return share_x < share_y ? 1 : -1;
	return strcmp(row_name(x), row_name(y));
}

static int fill(struct top_view *view, const struct policy_rows *policies)
{
	const struct meter_sample *now = view->now;

	view->rows = calloc(now->n_attachments + policies->n + 1, sizeof(*view->rows));
	if (!view->rows)
		return -ENOMEM;
	for (size_t i = 0; i < now->n_attachments; i++) {
		struct top_row *row = &view->rows[view->n_rows++];

		if (fill_row(row, view->before, now, &now->attachments[i]) < 0)
			return -ENOMEM;
		row->policy = policy_of(policies, &now->attachments[i]);
	}
	for (size_t i = 0; i < policies->n; i++)
		if (!is_shown(view, &policies->items[i]))
			view->rows[view->n_rows++] =
				(struct top_row){.policy = &policies->items[i]};
	qsort(view->rows, view->n_rows, sizeof(*view->rows), compare_rows);
	return 0;
}

int top_view_make(const struct meter_sample *before, const struct meter_sample *now,
		  const struct policy_rows *policies, struct top_view *ret)
{
	_cleanup_(top_view_done) struct top_view view = {.before = before, .now = now};
	int r = fill(&view, policies);

	if (r < 0)
		return r;
	*ret = view;
	view = (struct top_view){0};
	return 0;
}

void top_view_done(struct top_view *view)
{
	for (size_t i = 0; i < view->n_rows; i++)
		free(view->rows[i].rates);
	free(view->rows);
	*view = (struct top_view){0};
}

uint64_t top_view_interval_nsec(const struct top_view *view)
{
	return view->now->time_nsec - view->before->time_nsec;
}

double top_view_event_per_sec(const struct top_view *view, const struct scx_event *event)
{
	const struct scx_event *then = scx_status_event(&view->before->scx, event->name);
	uint64_t nsec = top_view_interval_nsec(view);

	/* Fewer: another scheduler has begun. */
	if (!then || nsec == 0 || event->count < then->count)
		return 0;
	return (double)(event->count - then->count) * 1e9 / (double)nsec;
}
