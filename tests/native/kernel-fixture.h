/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drives kernel_attach() on the running kernel. Everything it makes hangs on descriptors of the test's own process,
 * so nothing survives it, whichever assertion fails; names carry the process id, so that runs do not collide.
 */
#pragma once

#include "daemon/kernel/kernel.h"
#include "tests/unit/scratch.h"

#define TCP_NAME_SIZE 16

/* One attempt and what came of it. */
struct run {
	struct outcome outcome;
	struct kernel_handles handles;
};
#define RUN_NULL ((struct run){.handles = KERNEL_HANDLES_NULL})
void run_done(struct run *run);
#define _run_ _cleanup_(run_done)

/* cmocka: scratch is a folder, which is also the second folder of ObjectPath. Teardown finds leaked descriptors. */
int kernel_setup(void **state);
int kernel_teardown(void **state);
struct scratch *kernel_scratch(void **state);
/* What is registered without a link outlives its descriptors: the teardown takes it off. map_fd is not consumed. */
void kernel_unregister_later(void **state, int map_fd);

/* A TCP algorithm without a link (map "plain"), until the teardown. The map's descriptor is the caller's. */
int kernel_register_plain(void **state, const char *tcp);

/* A name for TCP that is this test's own: "t_<pid>_<tag>". */
const char *tcp_name(char buffer[TCP_NAME_SIZE], const char *tag);
bool tcp_is_registered(const char *name);

/* Parsed; a mistake in it fails the test. The caller frees. */
struct policy *policy_of_text(const char *format, va_list args) _printf_(1, 0);
/* Parses a policy and attaches it; with old it takes the place of what that has. */
void run_policy(void **state, struct run *run, const struct run *old, const char *format, ...)
	_printf_(4, 5);

/* All of these fail the test with the whole sentence. */
void assert_attached(const struct run *run);
void assert_verdict(const struct run *run, enum verdict verdict, const char *part_of_detail);
void assert_note(const struct run *run, const char *part);
void assert_no_note(const struct run *run, const char *part);
/* member as in outcome_field; both wanted and actual are this. */
void assert_field(const struct run *run, const char *member, const char *value);
/* NULL: the operator is not set. */
void assert_program(const struct run *run, const char *member, const char *name);

/* The tests' objects, as built. The caller frees. */
char *object_path(const char *name);

/* main() of a test that needs root and BTF: 77 with the reason where they are missing. */
int kernel_tests_possible(void);

/* kernel_state() and kernel_detach() of a link alone. */
static inline int link_state(int link_fd)
{
	return kernel_state(&(struct kernel_handles){.map_fd = -EBADF, .link_fd = link_fd}, NULL);
}

static inline int link_detach(int link_fd)
{
	return kernel_detach(&(struct kernel_handles){.map_fd = -EBADF, .link_fd = link_fd}, NULL,
			     NULL);
}
