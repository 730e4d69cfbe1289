// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * uevents [LINK-ID…]: a bare listener, which the daemon's times are compared with. A line for each of the kernel's
 * uevents, and for the end of each link:
 *
 *   listening
 *   USEC ACTION DEVPATH KEY=VALUE …
 *   USEC hup LINK-ID
 *
 * USEC is CLOCK_MONOTONIC, read before anything else is done.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tell.h"

#define LINKS_MAX 15

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_uevents(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	int size = 16 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		die("uevents");
	return fd;
}

static void print_field(const char *field)
{
	if (strncmp(field, "ACTION=", 7) != 0 && strncmp(field, "DEVPATH=", 8) != 0)
		printf(" %s", field);
}

/* "ACTION@DEVPATH", then KEY=VALUE, a NUL behind each */
static void print_uevent(long long usec, char *text, size_t size)
{
	char *at = strchr(text, '@'), *end = text + size;

	if (!at)
		return;
	*at = '\0';
	printf("%lld %s %s", usec, text, at + 1);
	for (char *field = at + 1 + strlen(at + 1) + 1; field < end; field += strlen(field) + 1)
		print_field(field);
	printf("\n");
}

static void receive(int fd)
{
	char buffer[8192];
	ssize_t size = recv(fd, buffer, sizeof(buffer) - 1, 0);
	long long usec = now_usec();

	if (size < 0 && errno == ENOBUFS)
		printf("%lld lost -\n", usec);
	else if (size < 0)
		die("recv");
	buffer[size < 0 ? 0 : size] = '\0';
	print_uevent(usec, buffer, size < 0 ? 0 : size);
}

int main(int argc, char *argv[])
{
	struct pollfd fds[1 + LINKS_MAX] = {{.fd = open_uevents(), .events = POLLIN}};

	if (argc - 1 > LINKS_MAX)
		return 2;
	for (int i = 1; i < argc; i++) {
		fds[i].fd = bpf_link_get_fd_by_id(strtoul(argv[i], NULL, 10));
		if (fds[i].fd < 0)
			die(argv[i]);
	}
	be_prompt();
	printf("listening\n");
	for (;;) {
		if (poll(fds, argc, -1) < 0 && errno != EINTR)
			die("poll");
		for (int i = 1; i < argc; i++) {
			if (!(fds[i].revents & POLLHUP))
				continue;
			printf("%lld hup %s\n", now_usec(), argv[i]);
			close(fds[i].fd);
			fds[i].fd = -1;
		}
		if (fds[0].revents & POLLIN)
			receive(fds[0].fd);
	}
}
