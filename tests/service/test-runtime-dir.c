/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock of a runtime directory: one daemon at a time, and none while workers of a killed one are still at work. */
#include <signal.h>
#include <sys/wait.h>

#include "daemon/service/runtime-dir.h"
#include "tests/unit/scratch.h"

#define SHORT (20 * USEC_PER_MSEC)
#define LONG (30 * USEC_PER_SEC)

static int lock(struct scratch *s, usec_t patience, char **ret_error)
{
	int fd, r = runtime_dir_lock(s->path, patience, &fd, ret_error);

	return r < 0 ? r : fd;
}

static void assert_refused(struct scratch *s, usec_t patience, const char *part)
{
	char *error = NULL;

	assert_int_equal(lock(s, patience, &error), -EBUSY);
	if (!strstr(error, part))
		fail_msg("\"%s\" does not have \"%s\"", error, part);
	free(error);
}

static void assert_free(struct scratch *s, usec_t patience)
{
	char *error = NULL;
	int fd = lock(s, patience, &error);

	assert_null(error);
	assert_true(fd >= 0);
	close(fd);
}

static void test_one_at_a_time(void **state)
{
	struct scratch *s = *state;
	char *error = NULL, text[64];
	int fd = lock(s, SHORT, &error);

	assert_true(fd >= 0);
	snprintf(text, sizeof(text), "another structopsd (pid %d) uses", getpid());
	assert_refused(s, LONG, text); /* which is said at once */
	close(fd);
	assert_free(s, SHORT);
}

/* A daemon that takes the lock, leaves a worker behind, which sleeps until it is killed, and ends. */
static void __attribute__((noreturn)) be_daemon(struct scratch *s, int report)
{
	char *error = NULL;
	pid_t worker;

	if (lock(s, SHORT, &error) < 0)
		_exit(1);
	worker = fork();
	if (worker == 0) {
		alarm(60); /* should the test be gone by then */
		pause();
		_exit(0);
	}
	_exit(write(report, &worker, sizeof(worker)) != sizeof(worker));
}

static pid_t leave_worker(struct scratch *s, pid_t *ret_daemon)
{
	pid_t worker = 0;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*ret_daemon = fork();
	if (*ret_daemon == 0)
		be_daemon(s, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &worker, sizeof(worker)), sizeof(worker));
	/* Until it has ended, which leaves a zombie. */
	assert_int_equal(waitid(P_PID, (id_t)*ret_daemon, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	close(ends[0]);
	return worker;
}

static void test_workers_are_waited_for(void **state)
{
	struct scratch *s = *state;
	pid_t daemon, worker = leave_worker(s, &daemon), killer;

	assert_refused(s, SHORT, "is gone, but not all of its workers, for 20ms now");
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	assert_refused(s, SHORT, "is gone, but not all of its workers, for 20ms now");
	killer = fork();
	if (killer == 0) {
		usleep(SHORT);
		_exit(kill(worker, SIGKILL));
	}
	assert_free(s, LONG);
	assert_int_equal(waitpid(killer, NULL, 0), killer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_at_a_time, scratch_setup,
						scratch_teardown),
		cmocka_unit_test_setup_teardown(test_workers_are_waited_for, scratch_setup,
						scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
