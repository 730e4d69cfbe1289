/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/native/netns-fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DEFAULT "/proc/sys/net/ipv4/tcp_congestion_control"
#define OWN "/proc/self/ns/net"

static int home = -EBADF;

int netns_tests_possible(void)
{
	int r = kernel_tests_possible();

	if (r != 0)
		return r;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return print_message("skipped: no namespaces here: %s\n", strerror(errno)), 77;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/netns", 0755) < 0)
		return print_message("/run cannot be the test's own: %s\n", strerror(errno)), 1;
	home = open(OWN, O_RDONLY | O_CLOEXEC);
	return home < 0;
}

void netns_make(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(mount(OWN, path, NULL, MS_BIND, NULL), 0);
	netns_go_home();
}

void netns_go(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	close(fd);
}

void netns_go_home(void)
{
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
}

void netns_read(const char *setting, char *ret, size_t size)
{
	FILE *f = fopen(setting, "re");

	assert_non_null(f);
	assert_non_null(fgets(ret, (int)size, f));
	fclose(f);
	ret[strcspn(ret, "\n")] = '\0';
}

void netns_assert_default(const char *path, const char *name)
{
	char current[32];

	if (path)
		netns_go(path);
	netns_read(DEFAULT, current, sizeof(current));
	netns_go_home();
	assert_string_equal(current, name);
}

void netns_set_default(const char *path, const char *name)
{
	FILE *f;

	if (path)
		netns_go(path);
	f = fopen(DEFAULT, "we");
	assert_non_null(f);
	assert_true(fputs(name, f) >= 0);
	assert_int_equal(fclose(f), 0);
	netns_go_home();
}
