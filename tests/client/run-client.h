/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real structopsctl (environment STRUCTOPSCTL), run against a fake server. */
#pragma once

#include <sys/types.h>

#include "tests/client/fake-server.h"
#include "tests/unit/test.h"

#define OUTPUT_MAX 16384

struct run {
	int status; /* 101: the program could not be started */
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

/* arguments: words with single blanks between them. */
struct run run_client_as(uid_t user, const char *socket, const char *arguments);
/* *state is the fake server. */
struct run run_client(void **state, const char *arguments);

/* For what has to be looked at while it runs. user 0: no change. */
pid_t start_client(const char *const *argv, int out, int err, uid_t user);
/* Its exit status. */
int wait_for(pid_t pid);
/* What stands in a file, from its beginning; closes it. */
void read_back(int fd, char text[OUTPUT_MAX]);

void assert_contains(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);

/* Defines a setup function that starts a fake server. */
#define FAKE_SERVER(name, manner)                   \
	static int name(void **state)               \
	{                                           \
		*state = fake_server_start(manner); \
		return 0;                           \
	}
int stop_fake_server(void **state);
#define WITH(server, test) cmocka_unit_test_setup_teardown(test, server, stop_fake_server)
