/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/metrics-row.h"

#include "common/protocol.h"

static int read_counts(sd_bus_message *m, void *row, void *member)
{
	struct metric_counts *counts = member;
	struct metric_count c = {0};
	int r = sd_bus_message_enter_container(m, 'a', "(st)");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(st)", &c.word, &c.n)) > 0) {
		struct metric_count *added = array_append(&counts->items, &counts->n,
							  sizeof(*added));

		if (!added)
			return -ENOMEM;
		*added = c;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_exits(sd_bus_message *m, void *row, void *member)
{
	struct metric_counts *counts = member;
	struct metric_count c = {0};
	int r = sd_bus_message_enter_container(m, 'a', "(it)");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(it)", &c.kind, &c.n)) > 0) {
		struct metric_count *added = array_append(&counts->items, &counts->n,
							  sizeof(*added));

		if (!added)
			return -ENOMEM;
		*added = c;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Only templates have it; how many are seen by the instances themselves. */
static int read_instances(sd_bus_message *m, void *userdata, void *member)
{
	struct metrics_row *row = userdata;

	row->is_template = true;
	return sd_bus_message_skip(m, "u");
}

static int read_runs(sd_bus_message *m, void *userdata, void *member)
{
	struct metrics_row *row = userdata;
	struct metric_run run;
	int r = sd_bus_message_enter_container(m, 'a', "(stt)");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(stt)", &run.program, &run.calls, &run.nsec)) > 0) {
		struct metric_run *added = array_append(&row->runs, &row->n_runs, sizeof(*added));

		if (!added)
			return -ENOMEM;
		*added = run;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_users(sd_bus_message *m, void *userdata, void *member)
{
	struct metrics_row *row = userdata;

	row->users_known = true;
	return sd_bus_message_read_basic(m, 'u', &row->users);
}

static int read_span(sd_bus_message *m, void *row, void *member)
{
	struct metric_span *span = member;

	return sd_bus_message_read(m, "(tt)", &span->n, &span->usec);
}

#define MEMBER(m) offsetof(struct metrics_row, m)

static const struct dictionary_key row_keys[] = {
	{KEY_NAME, "s", MEMBER(name)},
	{KEY_STATE, "s", MEMBER(state)},
	{KEY_TYPE, "s", MEMBER(type)},
	{KEY_MAP, "s", MEMBER(map)},
	{KEY_OBJECT, "s", MEMBER(object)},
	{KEY_TEMPLATE, "s", MEMBER(template)},
	{KEY_INSTANCES, "u", 0, read_instances},
	{KEY_DISAGREEMENTS, "as", MEMBER(disagreements)},
	{KEY_STATUS_USERS, "u", 0, read_users},
	{KEY_METRICS_SINCE, "t", MEMBER(since_usec)},
	{KEY_METRICS_DETACHMENTS, "a(st)", MEMBER(detachments), read_counts},
	{KEY_METRICS_FAILURES, "a(st)", MEMBER(failures), read_counts},
	{KEY_METRICS_RESTARTS, "a(st)", MEMBER(restarts), read_counts},
	{KEY_METRICS_EXITS, "a(it)", MEMBER(exits), read_exits},
	{KEY_METRICS_WORKER_FAILURES, "t", MEMBER(worker_failures)},
	{KEY_METRICS_LOAD, "(tt)", MEMBER(load), read_span},
	{KEY_METRICS_ATTACH, "(tt)", MEMBER(attach), read_span},
	{KEY_METRICS_UPDATE, "(tt)", MEMBER(update), read_span},
	{KEY_METRICS_GAP, "(tt)", MEMBER(gap), read_span},
	{KEY_METRICS_RUNS, "a(stt)", 0, read_runs},
};

static bool row_is_whole(const void *row)
{
	const struct metrics_row *r = row;

	return r->name && r->state;
}

static void row_done(void *row)
{
	struct metrics_row *r = row;

	free(r->disagreements.items);
	free(r->detachments.items);
	free(r->failures.items);
	free(r->restarts.items);
	free(r->exits.items);
	free(r->runs);
}

static const struct dictionary_form row_form = {
	.keys = row_keys,
	.n_keys = ARRAY_SIZE(row_keys),
	.row_size = sizeof(struct metrics_row),
	.is_whole = row_is_whole,
	.row_done = row_done,
};

static const struct dictionary_key daemon_keys[] = {
	{KEY_DAEMON_VERSION, "s", offsetof(struct metrics_daemon, version)},
	{KEY_DAEMON_STARTED, "t", offsetof(struct metrics_daemon, started_usec)},
	{KEY_DAEMON_RELOADS, "a(st)", offsetof(struct metrics_daemon, reloads), read_counts},
};

static bool daemon_is_whole(const void *daemon)
{
	return ((const struct metrics_daemon *)daemon)->version;
}

static void daemon_done(void *daemon)
{
	free(((struct metrics_daemon *)daemon)->reloads.items);
}

static const struct dictionary_form daemon_form = {
	.keys = daemon_keys,
	.n_keys = ARRAY_SIZE(daemon_keys),
	.row_size = sizeof(struct metrics_daemon),
	.is_whole = daemon_is_whole,
	.row_done = daemon_done,
};

int metrics_read(struct metrics *ret, sd_bus_message *answer)
{
	_cleanup_(metrics_done) struct metrics m = {0};
	int r = dictionary_read(&daemon_form, answer, &m.daemon);

	if (r >= 0)
		r = dictionary_read_rows(&row_form, answer, &m.rows, &m.n_rows);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct metrics){0};
	return 0;
}

void metrics_done(struct metrics *m)
{
	if (m->daemon.message)
		dictionary_done(&daemon_form, &m->daemon);
	dictionary_free_rows(&row_form, m->rows, m->n_rows);
	*m = (struct metrics){0};
}
