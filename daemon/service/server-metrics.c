/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metrics: what was counted, of the daemon and of each policy. */
#include "common/protocol.h"
#include "daemon/service/server-row.h"

static void row_count(struct row *row, const char *key, uint64_t count)
{
	row_do(row, sd_bus_message_append(row->m, "{sv}", key, "t", count));
}

static void row_by_reason(struct row *row, const char *key, const uint64_t counts[_REASON_MAX])
{
	row_open(row, key, "a(st)");
	for (enum reason reason = 0; reason < _REASON_MAX; reason++)
		if (counts[reason] > 0)
			row_do(row, sd_bus_message_append(row->m, "(st)", reason_to_string(reason),
							  counts[reason]));
	row_close(row);
}

static void row_exits(struct row *row, const struct counters *c)
{
	row_open(row, KEY_METRICS_EXITS, "a(it)");
	for (size_t i = 0; i < c->n_exits; i++)
		row_do(row, sd_bus_message_append(row->m, "(it)", c->exits[i].kind, c->exits[i].n));
	row_close(row);
}

static void row_span(struct row *row, const char *key, const struct span_counter *span)
{
	row_do(row, sd_bus_message_append(row->m, "{sv}", key, "(tt)", span->n, span->sum));
}

/* One program may be several operators. */
static bool is_first_of_its_id(const struct outcome *o, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (o->programs[k].id == o->programs[i].id)
			return false;
	return o->programs[i].id != 0;
}

static void row_runs(struct row *row, const struct attachment *a)
{
	const struct outcome *o = &a->outcome;
	uint64_t calls, nsec;

	if (!attachment_is_attached(a) || !kernel_counts_runs())
		return;
	row_open(row, KEY_METRICS_RUNS, "a(stt)");
	for (size_t i = 0; i < o->n_programs; i++)
		if (is_first_of_its_id(o, i) &&
		    kernel_program_runs(o->programs[i].id, &calls, &nsec) == 0)
			row_do(row, sd_bus_message_append(row->m, "(stt)", o->programs[i].name,
							  calls, nsec));
	row_close(row);
}

void row_metrics(struct row *row, const struct attachment *a)
{
	const struct counters *c = &a->counters;

	/* An adoption is an event, but no change of what is attached. */
	row_time(row, KEY_METRICS_SINCE, a->attached_realtime ?: a->changed_realtime);
	row_users(row, a);
	row_by_reason(row, KEY_METRICS_DETACHMENTS, c->detachments);
	row_by_reason(row, KEY_METRICS_FAILURES, c->failures);
	row_by_reason(row, KEY_METRICS_RESTARTS, c->restarts);
	row_exits(row, c);
	row_count(row, KEY_METRICS_WORKER_FAILURES, c->worker_failures);
	row_span(row, KEY_METRICS_LOAD, &c->load);
	row_span(row, KEY_METRICS_ATTACH, &c->attach);
	row_span(row, KEY_METRICS_UPDATE, &c->update);
	row_span(row, KEY_METRICS_GAP, &c->gap);
	row_runs(row, a);
}

static int append_daemon(sd_bus_message *m, const struct daemon_counters *c)
{
	struct row row = {.m = m};

	row_do(&row, sd_bus_message_open_container(m, 'a', "{sv}"));
	row_text(&row, KEY_DAEMON_VERSION, STRUCTOPSD_VERSION);
	row_time(&row, KEY_DAEMON_STARTED, c->started);
	row_open(&row, KEY_DAEMON_RELOADS, "a(st)");
	for (enum reload_result result = 0; result < _RELOAD_RESULT_MAX; result++)
		row_do(&row, sd_bus_message_append(m, "(st)", reload_result_to_string(result),
						   c->reloads[result]));
	row_close(&row);
	row_do(&row, sd_bus_message_close_container(m));
	return MIN(row.error, 0);
}

int server_method_metrics(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct connection *c = userdata;
	struct manager *m = c->server->manager;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = append_daemon(reply, manager_counters(m));
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "a{sv}");
	for (size_t i = 0; r >= 0 && i < manager_count(m); i++)
		r = server_append_row(reply, manager_get(m, i), ROW_METRICS);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
