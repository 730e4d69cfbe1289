/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints metrics of a daemon that never was, with everything that can be there: for tests/check-metrics. */
#include "client/openmetrics.h"

static struct metric_count reasons[] = {{.word = "link-detached", .n = 3},
					{.word = "device-gone", .n = 1}};
static struct metric_count exits[] = {
	{.kind = 1026, .n = 2}, {.kind = 0, .n = 1}, {.kind = 77, .n = 4}};
static struct metric_count reloads[] = {{.word = "ok", .n = 5}, {.word = "refused", .n = 1}};

static struct metric_run runs[] = {{"ssthresh", 7, UINT64_C(12000000345)}, {"cong_avoid", 0, 0}};

static struct metrics_row rows[] = {
	{
		.name = "aimd",
		.state = "attached",
		.type = "tcp_congestion_ops",
		.map = "aimd",
		.object = "/a \"quoted\" \\ path\nof two lines {é}, with=all.o",
		.since_usec = UINT64_C(1700000000000001),
		.users_known = true,
		.detachments = {reasons, ARRAY_SIZE(reasons)},
		.restarts = {reasons, 1},
		.worker_failures = UINT64_MAX,
		.load = {2, 1500000},
		.attach = {1, 7},
		.runs = runs,
		.n_runs = ARRAY_SIZE(runs),
	},
	{.name = "keys", .state = "waiting", .is_template = true},
	{.name = "keys@0003-1209-0001.0001", .state = "of-a-newer-daemon", .template = "keys"},
	{.name = "sched", .state = "failed", .exits = {exits, ARRAY_SIZE(exits)}},
};

int main(int argc, char **argv)
{
	static sd_bus_message *const there = (sd_bus_message *)&there;
	struct metrics m = {
		.daemon = {.message = there,
			   .version = "0.1.0",
			   .started_usec = UINT64_C(1700000000000000),
			   .reloads = {reloads, ARRAY_SIZE(reloads)}},
		.rows = rows,
		.n_rows = ARRAY_SIZE(rows),
	};

	if (argc == 3 && streq(argv[2], "nobody"))
		m = (struct metrics){0};
	return openmetrics_print(stdout, &m,
				 streq(argv[1], "openmetrics") ? EXPOSITION_OPENMETRICS
							       : EXPOSITION_TEXT) == 0
		       ? 0
		       : 1;
}
