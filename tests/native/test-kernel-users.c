/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who goes on with a map besides its link. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/native/kernel-fixture.h"

static void run_named(void **state, struct run *run, const char *name)
{
	run_policy(state, run, NULL, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n", name);
}

static int open_socket(const char *algorithm)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm,
				    (socklen_t)strlen(algorithm)),
			 0);
	return fd;
}

/* Each socket is one; descriptors, pins and the attachment itself are none. */
static void count_sockets(const struct kernel_handles *h, const char *name)
{
	int sockets[3];

	assert_int_equal(kernel_users(h), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		sockets[i] = open_socket(name);
		assert_int_equal(kernel_users(h), i + 1);
	}
	/* Off, and they go on. */
	assert_int_equal(kernel_detach(h, NULL, NULL), 0);
	assert_int_equal(kernel_users(h), 3);
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		close(sockets[i]);
	assert_int_equal(kernel_users(h), 0);
}

static void test_link(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, tcp_name(name, "usr"));
	assert_attached(&run);
	count_sockets(&run.handles, name);
}

/* A registration without a link counts for one, too. */
static void test_linkless(void **state)
{
	struct kernel_handles h = KERNEL_HANDLES_NULL;
	char name[TCP_NAME_SIZE];

	h.map_fd = kernel_register_plain(state, tcp_name(name, "usl"));
	assert_true(tcp_is_registered(name));
	count_sockets(&h, name);
	kernel_handles_close(&h);
}

static void test_wrong_descriptors(void **state)
{
	struct kernel_handles none = KERNEL_HANDLES_NULL;
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, tcp_name(name, "usw"));
	none.map_fd = run.handles.link_fd;
	assert_true(kernel_users(&none) < 0);
	none.map_fd = -EBADF;
	assert_true(kernel_users(&none) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define KERNEL_TEST(t) cmocka_unit_test_setup_teardown(t, kernel_setup, kernel_teardown)
		KERNEL_TEST(test_link),
		KERNEL_TEST(test_linkless),
		KERNEL_TEST(test_wrong_descriptors),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
