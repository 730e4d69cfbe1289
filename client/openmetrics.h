/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was counted as Prometheus reads it. Names and units follow its rules: base units (seconds), counters end in
 * _total, and what they count from begins with the daemon (structopsd_start_timestamp_seconds).
 */
#pragma once

#include "client/metrics-row.h"

enum exposition {
	EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0, ends with "# EOF" */
	EXPOSITION_TEXT, /* Prometheus' own text format 0.0.4, which node_exporter's textfile collector reads */
};

/* Without a daemon it says that much. 0; -EIO. */
int openmetrics_print(FILE *out, const struct metrics *m, enum exposition form);
