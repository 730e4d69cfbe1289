/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Only what the kernel itself sends is believed: anybody with the right may send to a netlink socket, root to all. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/kernel/kernel.h"
#include "tests/native/kernel-fixture.h"

/* A device that each kernel has, and that tells of itself when asked to. */
#define LOOPBACK "/sys/class/net/lo/uevent"

static const char forged[] = "change@/devices/virtual/net/lo\0ACTION=change\0"
			     "DEVPATH=/devices/virtual/net/lo\0SUBSYSTEM=net\0SEQNUM=1";

static int open_uevents(void)
{
	int fd = kernel_uevent_open();

	assert_true(fd >= 0);
	return fd;
}

static void forge(uint32_t port, uint32_t groups)
{
	const struct sockaddr_nl to = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	assert_true(fd >= 0);
	assert_int_equal(
		sendto(fd, forged, sizeof(forged), 0, (const struct sockaddr *)&to, sizeof(to)),
		sizeof(forged));
	close(fd);
}

static uint32_t port_of(int fd)
{
	struct sockaddr_nl address;
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return address.nl_pid;
}

/* How many there are of the loopback device until nothing more has come. */
static unsigned count(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buffer[KERNEL_UEVENT_MAX];
	struct uevent e;
	unsigned n = 0;

	while (poll(&p, 1, 0) > 0)
		if (kernel_uevent_receive(fd, buffer, sizeof(buffer), &e) == 1)
			n += streq(e.devpath, "/devices/virtual/net/lo") &&
			     streq(e.action, "change") && streq(e.subsystem, "net");
	return n;
}

static void test_kernel_is_believed(void **state)
{
	_cleanup_(closep) int fd = open_uevents(), lo = open(LOOPBACK, O_WRONLY | O_CLOEXEC);

	if (lo < 0)
		skip();
	assert_int_equal(write(lo, "change", 6), 6);
	assert_int_equal(count(fd), 1);
}

static void test_others_are_not(void **state)
{
	_cleanup_(closep) int fd = open_uevents();
	struct pollfd p = {.fd = fd, .events = POLLIN};

	forge(port_of(fd), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(count(fd), 0);
	forge(0, 1);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(count(fd), 0);
}

static void test_nothing_there(void **state)
{
	_cleanup_(closep) int fd = open_uevents();
	char buffer[KERNEL_UEVENT_MAX];
	struct uevent e;
	int r;

	do /* others may come at any time */
		r = kernel_uevent_receive(fd, buffer, sizeof(buffer), &e);
	while (r >= 0);
	assert_int_equal(r, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_is_believed),
		cmocka_unit_test(test_others_are_not),
		cmocka_unit_test(test_nothing_there),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
