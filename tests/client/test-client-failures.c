/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What structopsctl says and exits with when the daemon is not there, refuses, goes away, or is something else. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/client/run-client.h"

#define NOBODY 65534

FAKE_SERVER(answering, FAKE_ANSWERS)
FAKE_SERVER(going, FAKE_ANSWERS_AND_GOES)
FAKE_SERVER(denying, FAKE_DENIES)
FAKE_SERVER(refusing, FAKE_REFUSES)
FAKE_SERVER(silent, FAKE_IS_SILENT)
FAKE_SERVER(babbling, FAKE_BABBLES)
FAKE_SERVER(dying, FAKE_DIES)
FAKE_SERVER(foreign, FAKE_IS_FOREIGN)

static void monitor_ends_with_the_daemon(void **state)
{
	struct run run = run_client(state, "monitor");

	assert_int_equal(run.status, 6);
	assert_contains(run.out, "aimd: waiting → attached");
	assert_contains(run.err, "is gone");
}

static void denied_calls_exit_5(void **state)
{
	struct run run = run_client(state, "list");

	assert_int_equal(run.status, 5);
	assert_string_equal(run.err, "structopsctl: managing is for root and for ManageGroup=\n");
	assert_int_equal(run_client(state, "status aimd").status, 5);
	assert_int_equal(run_client(state, "attach aimd").status, 5);
	assert_int_equal(run_client(state, "monitor").status, 5);
}

static void a_refused_connection_exits_5(void **state)
{
	struct run run = run_client(state, "list");

	assert_int_equal(run.status, 5);
	assert_contains(run.err, "may neither view nor manage (ViewGroup=, ManageGroup= in");
}

static void a_socket_that_is_not_ours_exits_5(void **state)
{
	struct fake_server *server = *state;
	struct run run;

	if (geteuid() != 0)
		skip(); /* cannot become another user */
	assert_int_equal(chmod(server->folder, 0755), 0);
	assert_int_equal(chmod(server->socket, 0600), 0);
	run = run_client_as(NOBODY, server->socket, "list");
	assert_int_equal(run.status, 5);
	assert_contains(run.err, "this user may not connect to /tmp/structopsctl-test-");
}

static void a_daemon_that_dies_exits_6(void **state)
{
	struct run run = run_client(state, "attach aimd");

	assert_int_equal(run.status, 6);
	assert_contains(run.err, "closed the connection before it answered");
}

static void a_daemon_that_dies_under_a_query_exits_6(void **state)
{
	struct run run = run_client(state, "status aimd");

	assert_int_equal(run.status, 6);
	assert_contains(run.err, "aimd: the daemon on ");
}

static void a_silent_daemon_is_given_up(void **state)
{
	struct run run = run_client(state, "list");

	assert_int_equal(run.status, 1);
	assert_contains(run.err, "did not answer within 10 s");
}

static void noise_is_no_daemon_of_ours(void **state)
{
	struct run run = run_client(state, "list");

	assert_int_equal(run.status, 1);
	assert_contains(run.err, "is that structopsd's socket?");
}

static void another_version_is_named(void **state)
{
	struct run run = run_client(state, "list");

	assert_int_equal(run.status, 1);
	assert_contains(run.err, "another version than this structopsctl");
}

static void no_daemon_exits_6(void **state)
{
	struct run run = run_client_as(0, "/tmp/structopsctl-test-nothing/bus", "list");

	assert_int_equal(run.status, 6);
	assert_string_equal(
		run.err, "structopsctl: no daemon listens on /tmp/structopsctl-test-nothing/bus: "
			 "is structopsd running? See: systemctl status structopsd\n");
}

static void a_long_socket_path_is_a_usage_error(void **state)
{
	char path[200];
	struct run run;

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	run = run_client_as(0, path, "list");
	assert_int_equal(run.status, 2);
	assert_contains(run.err, "199 bytes, at most 107 can be");
}

static void a_full_disk_is_told(void **state)
{
	struct fake_server *server = *state;
	/* What fits into a buffer, and what does not. */
	static const char *const verbs[] = {"list", "metrics"};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		const char *argv[] = {"structopsctl", "--socket", server->socket, verbs[i], NULL};
		int full = open("/dev/full", O_WRONLY), err = memfd_create("err", 0);
		char text[OUTPUT_MAX];

		assert_int_equal(wait_for(start_client(argv, full, err, 0)), 1);
		read_back(err, text);
		assert_string_equal(
			text, "structopsctl: cannot write the output: No space left on device\n");
		close(full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(answering, a_socket_that_is_not_ours_exits_5),
		WITH(answering, a_full_disk_is_told),
		WITH(going, monitor_ends_with_the_daemon),
		WITH(denying, denied_calls_exit_5),
		WITH(refusing, a_refused_connection_exits_5),
		WITH(dying, a_daemon_that_dies_exits_6),
		WITH(dying, a_daemon_that_dies_under_a_query_exits_6),
		WITH(silent, a_silent_daemon_is_given_up),
		WITH(babbling, noise_is_no_daemon_of_ours),
		WITH(foreign, another_version_is_named),
		cmocka_unit_test(no_daemon_exits_6),
		cmocka_unit_test(a_long_socket_path_is_a_usage_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
