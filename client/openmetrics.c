/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/openmetrics.h"

#include <inttypes.h>

#include "client/exit-text.h"
#include "client/output.h"
#include "common/names.h"
#include "daemon/core/timespan.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

struct label {
	const char *name, *value;
};

/* One family while it is printed. */
struct family {
	FILE *out;
	const struct metrics *m;
	const char *name; /* as in a sample, but for _sum and _count */
};

/* As both formats want it: backslash, quote and newline only. */
static void put_value(FILE *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
}

/* The head of a sample: name, labels (until one without a name; NULL values are left out), a blank. */
static void put_sample(const struct family *f, const char *suffix, const struct label *labels)
{
	const char *before = "{";

	fprintf(f->out, "%s%s", f->name, suffix);
	for (; labels->name; labels++) {
		if (!labels->value)
			continue;
		fprintf(f->out, "%s%s=\"", before, labels->name);
		put_value(f->out, labels->value);
		fputc('"', f->out);
		before = ",";
	}
	fputs(*before == ',' ? "} " : " ", f->out);
}

#define LABELS(...) ((const struct label[]){__VA_ARGS__, {NULL}})
#define NO_LABELS ((const struct label[]){{NULL}})

static void put_number(const struct family *f, uint64_t number, const struct label *labels)
{
	put_sample(f, "", labels);
	fprintf(f->out, "%" PRIu64 "\n", number);
}

static void put_seconds(const struct family *f, const char *suffix, uint64_t usec,
			const struct label *labels)
{
	put_sample(f, suffix, labels);
	fprintf(f->out, "%" PRIu64 ".%06" PRIu64 "\n", usec / USEC_PER_SEC, usec % USEC_PER_SEC);
}

static void put_span(const struct family *f, const struct metrics_row *row,
		     const struct metric_span *span)
{
	const struct label *labels = LABELS({"policy", row->name});

	put_seconds(f, "_sum", span->usec, labels);
	put_sample(f, "_count", labels);
	fprintf(f->out, "%" PRIu64 "\n", span->n);
}

/* The daemon. */

static void up(const struct family *f)
{
	put_number(f, f->m->daemon.message != NULL, NO_LABELS);
}

static void build_info(const struct family *f)
{
	if (f->m->daemon.message)
		put_number(f, 1, LABELS({"version", f->m->daemon.version}));
}

static void started(const struct family *f)
{
	if (f->m->daemon.message)
		put_seconds(f, "", f->m->daemon.started_usec, NO_LABELS);
}

static void reloads(const struct family *f)
{
	const struct metric_counts *counts = &f->m->daemon.reloads;

	for (size_t i = 0; i < counts->n; i++)
		put_number(f, counts->items[i].n, LABELS({"result", counts->items[i].word}));
}

/* Each policy. */

static void policy_info(const struct family *f, const struct metrics_row *row)
{
	const char *kind = row->is_template ? "template" : row->template ? "instance" : "policy";

	put_number(f, 1,
		   LABELS({"policy", row->name}, {"kind", kind}, {"type", row->type},
			  {"map", row->map}, {"object", row->object}, {"template", row->template}));
}

/* All states of each, so that a change is seen as one 1 that becomes 0 and another 0 that becomes 1. */
static void policy_state(const struct family *f, const struct metrics_row *row)
{
	for (enum state s = 0; s < _STATE_MAX; s++)
		put_number(f, s == state_from_string(row->state),
			   LABELS({"policy", row->name}, {"state", state_to_string(s)}));
}

static void policy_since(const struct family *f, const struct metrics_row *row)
{
	if (row->since_usec != 0)
		put_seconds(f, "", row->since_usec, LABELS({"policy", row->name}));
}

static void policy_disagreements(const struct family *f, const struct metrics_row *row)
{
	put_number(f, row->disagreements.n, LABELS({"policy", row->name}));
}

static void policy_users(const struct family *f, const struct metrics_row *row)
{
	if (row->users_known)
		put_number(f, row->users, LABELS({"policy", row->name}));
}

static uint64_t count_of(const struct metric_counts *counts, const char *word)
{
	for (size_t i = 0; i < counts->n; i++)
		if (streq(counts->items[i].word, word))
			return counts->items[i].n;
	return 0;
}

static bool is_among(const enum reason *reasons, const char *word)
{
	for (; *reasons != _REASON_MAX; reasons++)
		if (streq(reason_to_string(*reasons), word))
			return true;
	return false;
}

/* always: also at 0, since an increase is seen only of what was there before; ends with _REASON_MAX. */
static void put_reasons(const struct family *f, const struct metrics_row *row,
			const struct metric_counts *counts, const enum reason *always)
{
	for (const enum reason *r = always; *r != _REASON_MAX; r++)
		put_number(f, count_of(counts, reason_to_string(*r)),
			   LABELS({"policy", row->name}, {"reason", reason_to_string(*r)}));
	for (size_t i = 0; i < counts->n; i++)
		if (!is_among(always, counts->items[i].word))
			put_number(
				f, counts->items[i].n,
				LABELS({"policy", row->name}, {"reason", counts->items[i].word}));
}

static void policy_detachments(const struct family *f, const struct metrics_row *row)
{
	static const enum reason always[] = {REASON_LINK_DETACHED, REASON_KERNEL_EXIT, _REASON_MAX};

	put_reasons(f, row, &row->detachments, always);
}

static void policy_failures(const struct family *f, const struct metrics_row *row)
{
	static const enum reason always[] = {REASON_LOAD_FAILED, REASON_ATTACH_FAILED, _REASON_MAX};

	put_reasons(f, row, &row->failures, always);
}

static void policy_restarts(const struct family *f, const struct metrics_row *row)
{
	static const enum reason always[] = {REASON_LINK_DETACHED, REASON_KERNEL_EXIT,
					     REASON_ATTACH_FAILED, _REASON_MAX};

	put_reasons(f, row, &row->restarts, always);
}

static void policy_exits(const struct family *f, const struct metrics_row *row)
{
	for (size_t i = 0; i < row->exits.n; i++) {
		const struct metric_count *exit = &row->exits.items[i];
		const char *name = exit_kind_name(exit->kind);
		char number[16];

		snprintf(number, sizeof(number), "%d", exit->kind);
		put_number(f, exit->n,
			   LABELS({"policy", row->name},
				  {"kind", exit->kind == 0 ? "other" : name ?: number}));
	}
}

static void policy_worker_failures(const struct family *f, const struct metrics_row *row)
{
	put_number(f, row->worker_failures, LABELS({"policy", row->name}));
}

static void policy_load(const struct family *f, const struct metrics_row *row)
{
	put_span(f, row, &row->load);
}

static void policy_attach(const struct family *f, const struct metrics_row *row)
{
	put_span(f, row, &row->attach);
}

static void policy_update(const struct family *f, const struct metrics_row *row)
{
	put_span(f, row, &row->update);
}

static void policy_gap(const struct family *f, const struct metrics_row *row)
{
	put_span(f, row, &row->gap);
}

static void policy_runs(const struct family *f, const struct metrics_row *row)
{
	for (size_t i = 0; i < row->n_runs; i++)
		put_number(f, row->runs[i].calls,
			   LABELS({"policy", row->name}, {"program", row->runs[i].program}));
}

static void policy_run_seconds(const struct family *f, const struct metrics_row *row)
{
	for (size_t i = 0; i < row->n_runs; i++) {
		const struct metric_run *run = &row->runs[i];

		put_sample(f, "", LABELS({"policy", row->name}, {"program", run->program}));
		fprintf(f->out, "%" PRIu64 ".%09" PRIu64 "\n", run->nsec / NSEC_PER_SEC,
			run->nsec % NSEC_PER_SEC);
	}
}

/* The families: tests/check-metrics reads their names here for the dashboard and the alert rules. */
static const struct {
	const char *name; /* of a sample, but for _sum and _count */
	const char *type;
	const char *unit; /* "": none */
	const char *help;
	void (*put)(const struct family *f);
	void (*put_policy)(const struct family *f, const struct metrics_row *row);
} families[] = {
	{"structopsd_up", "gauge", "", "Whether the daemon answers.", up},
	{"structopsd_build_info", "info", "", "The daemon's version.", build_info},
	{"structopsd_start_timestamp_seconds", "gauge", "seconds",
	 "When the daemon was started: its counters begin there.", started},
	{"structopsd_reloads_total", "counter", "", "Reloads of the policies, by result.", reloads},
	{"structopsd_policy_info", "info", "", "What a policy attaches.",
	 .put_policy = policy_info},
	{"structopsd_policy_state", "gauge", "", "Whether a policy is in this state.",
	 .put_policy = policy_state},
	{"structopsd_policy_state_timestamp_seconds", "gauge", "seconds",
	 "Since when a policy is in its state.", .put_policy = policy_since},
	{"structopsd_policy_disagreements", "gauge", "",
	 "In how many ways the kernel contradicts what the daemon believes.",
	 .put_policy = policy_disagreements},
	{"structopsd_policy_users", "gauge", "",
	 "Sockets, network namespaces and qdiscs that use the map besides its link.",
	 .put_policy = policy_users},
	{"structopsd_detachments_total", "counter", "",
	 "Attachments that ended and nobody asked the daemon, by reason.",
	 .put_policy = policy_detachments},
	{"structopsd_failed_attempts_total", "counter", "",
	 "Attempts to attach, or to bring a change in, that failed, by reason.",
	 .put_policy = policy_failures},
	{"structopsd_restarts_total", "counter", "",
	 "Automatic attempts to attach again, by what made them necessary.",
	 .put_policy = policy_restarts},
	{"structopsd_exits_total", "counter", "",
	 "Exits that the kernel reported, by kind (enum scx_exit_kind).",
	 .put_policy = policy_exits},
	{"structopsd_worker_failures_total", "counter", "",
	 "Workers that crashed, hung or could not be started.",
	 .put_policy = policy_worker_failures},
	{"structopsd_load_duration_seconds", "summary", "seconds",
	 "How long loads took, the kernel's verifier included.", .put_policy = policy_load},
	{"structopsd_attach_duration_seconds", "summary", "seconds",
	 "How long attaching took where nothing was attached before.", .put_policy = policy_attach},
	{"structopsd_update_duration_seconds", "summary", "seconds",
	 "How long a changed form took to replace the former one, once it was loaded.",
	 .put_policy = policy_update},
	{"structopsd_update_gap_seconds", "summary", "seconds",
	 "For how long nothing was attached meanwhile.", .put_policy = policy_gap},
	{"structopsd_program_runs_total", "counter", "",
	 "Runs of a program, where the kernel counts them (kernel.bpf_stats_enabled).",
	 .put_policy = policy_runs},
	{"structopsd_program_run_seconds_total", "counter", "seconds",
	 "How long the runs of a program took together.", .put_policy = policy_run_seconds},
};

/* OpenMetrics names a family without the suffix that its type gives the samples. */
static int family_length(const char *name, const char *type)
{
	size_t suffix = streq(type, "counter") ? strlen("_total")
			: streq(type, "info")  ? strlen("_info")
					       : 0;

	return (int)(strlen(name) - suffix);
}

/* Prometheus' text format has neither infos nor units. */
static void put_head(FILE *out, size_t i, enum exposition form)
{
	const char *name = families[i].name, *type = families[i].type;
	int length;

	if (form == EXPOSITION_TEXT) {
		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, families[i].help, name,
			streq(type, "info") ? "gauge" : type);
		return;
	}
	length = family_length(name, type);
	fprintf(out, "# TYPE %.*s %s\n", length, name, type);
	if (*families[i].unit)
		fprintf(out, "# UNIT %.*s %s\n", length, name, families[i].unit);
	fprintf(out, "# HELP %.*s %s\n", length, name, families[i].help);
}

int openmetrics_print(FILE *out, const struct metrics *m, enum exposition form)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct family f = {.out = out, .m = m, .name = families[i].name};

		put_head(out, i, form);
		if (families[i].put)
			families[i].put(&f);
		for (size_t k = 0; families[i].put_policy && k < m->n_rows; k++)
			families[i].put_policy(&f, &m->rows[k]);
	}
	if (form == EXPOSITION_OPENMETRICS)
		fputs("# EOF\n", out);
	return output_result(out, 0);
}
