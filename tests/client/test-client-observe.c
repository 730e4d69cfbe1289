/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* metrics, monitor --since, cat --merged and delta, as they are called. */
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "tests/client/run-client.h"

FAKE_SERVER(answering, FAKE_ANSWERS)
FAKE_SERVER(going, FAKE_ANSWERS_AND_GOES)
FAKE_SERVER(denying, FAKE_DENIES)

#define PAST "2023-11-14 22:13:20.000000 gentle: loading → failed (load-failed) refused\n"
#define PRESENT                                                                                  \
	"2023-11-14 22:13:20.000000 aimd: waiting → attached (link-detached) linked again in " \
	"180us [link 8]\n"

/* The server goes behind its event, so that each ends. */
static void monitor_shows_what_was_and_what_is(void **state)
{
	struct run run = run_client(state, "monitor --since 0");

	assert_int_equal(run.status, 6);
	assert_string_equal(run.out, PAST PRESENT);
}

static void monitor_from_a_number(void **state)
{
	assert_string_equal(run_client(state, "monitor --since 40").out, PRESENT);
}

static void monitor_chooses_by_state(void **state)
{
	assert_string_equal(run_client(state, "monitor --since 0 --state failed,invalid").out,
			    PAST);
}

static void monitor_chooses_by_policy(void **state)
{
	struct run run = run_client(state, "monitor --since 1h aimd other amid");

	assert_string_equal(run.out, PRESENT);
	assert_lacks(run.err, "\"aimd\"");
	assert_contains(run.err, "there is no policy \"other\" now; waiting for it to come\n");
	assert_contains(run.err, "\"amid\" now (did you mean aimd?); waiting for it to come\n");
}

static void monitor_refuses_what_it_does_not_understand(void **state)
{
	struct run run = run_client(state, "monitor --since yesterday");

	assert_int_equal(run.status, 2);
	assert_contains(run.err, "--since yesterday: expected the number of an event");
	run = run_client(state, "monitor --state faild");
	assert_int_equal(run.status, 2);
	assert_contains(run.err, "there is no state 'faild'");
	assert_int_equal(run_client(state, "list --since 0").status, 2);
	assert_int_equal(run_client(state, "list --merged").status, 2);
	assert_int_equal(run_client(state, "list --textfile /x").status, 2);
}

static void metrics_print_what_the_daemon_counted(void **state)
{
	struct run run = run_client(state, "metrics");

	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_contains(run.out, "structopsd_build_info{version=\"9.9\"} 1\n");
	assert_contains(run.out, "structopsd_start_timestamp_seconds 1700000000.000000\n");
	assert_contains(run.out, "structopsd_reloads_total{result=\"ok\"} 3\n");
	assert_contains(run.out, "structopsd_policy_info{policy=\"aimd\",kind=\"policy\",type="
				 "\"tcp_congestion_ops\",map=\"aimd\",");
	assert_contains(run.out, "_state{policy=\"aimd\",state=\"attached\"} 1\n");
	assert_contains(run.out, "_state{policy=\"aimd\",state=\"failed\"} 0\n");
	assert_contains(run.out, "_state_timestamp_seconds{policy=\"aimd\"} 1700000000.000005\n");
	assert_contains(run.out, "_restarts_total{policy=\"aimd\",reason=\"link-detached\"} 2\n");
	assert_contains(run.out, "_exits_total{policy=\"aimd\",kind=\"ERROR_STALL\"} 1\n");
	assert_contains(run.out, "_load_duration_seconds_sum{policy=\"aimd\"} 1.500000\n");
	assert_contains(run.out, "_load_duration_seconds_count{policy=\"aimd\"} 2\n");
	assert_contains(run.out, "\n# EOF\n");
	assert_int_equal(run_client(state, "--json metrics").status, 2);
}

static void metrics_without_a_daemon_say_so(void **state)
{
	struct run run = run_client_as(0, "/nobody/is/here", "metrics");

	assert_int_equal(run.status, 6);
	assert_contains(run.out, "\nstructopsd_up 0\n");
	assert_lacks(run.out, "structopsd_build_info{");
	assert_contains(run.err, "/nobody/is/here");
}

static void metrics_that_are_denied_are_none(void **state)
{
	struct run run = run_client(state, "metrics");

	assert_int_equal(run.status, 5);
	assert_string_equal(run.out, "");
}

static void read_file(const char *path, char text[OUTPUT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	read_back(fd, text);
}

/* Whole, readable for node_exporter, and nothing else stays in its folder. */
static void metrics_go_to_a_textfile(void **state)
{
	char folder[] = "/tmp/structopsd-metrics.XXXXXX", arguments[128], path[64];
	char text[OUTPUT_MAX];
	struct stat st;
	struct run run;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s.prom", folder);
	snprintf(arguments, sizeof(arguments), "metrics --textfile %s", path);
	for (int i = 0; i < 2; i++) {
		run = run_client(state, arguments);
		assert_int_equal(run.status, 0);
		assert_string_equal(run.out, "");
	}
	read_file(path, text);
	assert_contains(text, "# TYPE structopsd_reloads_total counter\n");
	assert_lacks(text, "# EOF");
	assert_lacks(text, "# UNIT");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	/* That nobody is there is written, too. */
	run = run_client_as(0, "/nobody/is/here", arguments);
	assert_int_equal(run.status, 6);
	read_file(path, text);
	assert_contains(text, "\nstructopsd_up 0\n");

	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	run = run_client(state, arguments);
	assert_int_equal(run.status, 1);
	assert_contains(run.err, "cannot be written: No such file or directory");
}

static void cat_shows_where_a_line_stands(void **state)
{
	struct run run = run_client(state, "cat --merged aimd");
	json_auto_t *root = NULL;
	json_t *line;

	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "[Policy]\nEnabled=no  ; /etc/a.policy:2\n");
	run = run_client(state, "cat --merged --json aimd");
	root = json_loads(run.out, 0, NULL);
	line = json_array_get(json_object_get(root, "lines"), 0);
	assert_string_equal(json_string_value(json_object_get(line, "key")), "Enabled");
	assert_int_equal(json_integer_value(json_object_get(line, "line")), 2);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *folder, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* Without a daemon. */
static void delta_compares_folders(void **state)
{
	char first[] = "/tmp/structopsd-delta1.XXXXXX", second[] = "/tmp/structopsd-delta2.XXXXXX";
	char arguments[256], wanted[256];
	struct run run;

	assert_true(mkdtemp(first) && mkdtemp(second));
	write_file(first, "a.policy", "x");
	write_file(second, "a.policy", "y");
	write_file(first, "b.policy", "");
	snprintf(arguments, sizeof(arguments), "delta --config /dev/null --policy-path %s:%s",
		 first, second);
	run = run_client_as(0, "/nobody/is/here", arguments);
	snprintf(wanted, sizeof(wanted),
		 "overridden  %s/a.policy → %s/a.policy\nmasked      %s/b.policy\n", first, second,
		 first);
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, wanted);
	strcat(arguments, " b");
	run = run_client_as(0, "/nobody/is/here", arguments);
	assert_contains(run.out, "masked");
	assert_lacks(run.out, "overridden");
	remove_file(first, "a.policy");
	remove_file(second, "a.policy");
	remove_file(first, "b.policy");
	run = run_client_as(0, "/nobody/is/here", arguments);
	assert_string_equal(run.out, "");
	assert_contains(run.err, "there is no policy \"b\" in the policy path\n");
	assert_int_equal(run.status, 4);
	write_file(first, "b.policy", "[Object]\nPath=x\n");
	run = run_client_as(0, "/nobody/is/here", arguments);
	assert_string_equal(run.out, "Nothing is overridden, extended or masked.\n");
	assert_int_equal(run.status, 0);
	strcat(arguments, "c");
	assert_contains(run_client_as(0, "/nobody/is/here", arguments).err,
			"\"bc\" in the policy path (did you mean b?)");
	remove_file(first, "b.policy");
	assert_true(rmdir(first) == 0 && rmdir(second) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(going, monitor_shows_what_was_and_what_is),
		WITH(going, monitor_from_a_number),
		WITH(going, monitor_chooses_by_state),
		WITH(going, monitor_chooses_by_policy),
		WITH(answering, monitor_refuses_what_it_does_not_understand),
		WITH(answering, metrics_print_what_the_daemon_counted),
		cmocka_unit_test(metrics_without_a_daemon_say_so),
		WITH(denying, metrics_that_are_denied_are_none),
		WITH(answering, metrics_go_to_a_textfile),
		WITH(answering, cat_shows_where_a_line_stands),
		cmocka_unit_test(delta_compares_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
