/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/client/run-client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

pid_t start_client(const char *const *argv, int out, int err, uid_t user)
{
	pid_t pid = fork();
	int program;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	setenv("TZ", "UTC", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	/* Opened before: the folder that it was built in may be closed to that user. */
	program = open(getenv("STRUCTOPSCTL"), O_RDONLY | O_CLOEXEC);
	if (user != 0 && setresuid(user, user, user) < 0)
		_exit(100);
	fexecve(program, (char *const *)argv, environ);
	_exit(101);
}

int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void read_back(int fd, char text[OUTPUT_MAX])
{
	ssize_t n = pread(fd, text, OUTPUT_MAX - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

/* Words are separated by single blanks. */
static void split(char *line, const char **argv, size_t max)
{
	size_t n = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(n + 1 < max);
		argv[n++] = word;
	}
	argv[n] = NULL;
}

struct run run_client_as(uid_t user, const char *socket, const char *arguments)
{
	_cleanup_(freep) char *line = NULL;
	const char *argv[16];
	struct run run;
	int out = memfd_create("out", 0), err = memfd_create("err", 0);

	assert_true(asprintf(&line, "structopsctl --socket %s %s", socket, arguments) > 0);
	split(line, argv, ARRAY_SIZE(argv));
	run.status = wait_for(start_client(argv, out, err, user));
	read_back(out, run.out);
	read_back(err, run.err);
	return run;
}

struct run run_client(void **state, const char *arguments)
{
	struct fake_server *server = *state;

	return run_client_as(0, server->socket, arguments);
}

void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

int stop_fake_server(void **state)
{
	fake_server_stop(*state);
	return 0;
}
