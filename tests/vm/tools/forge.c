// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * forge ACTION DEVPATH KEY=VALUE…: a uevent that the kernel never sent, to everybody who listens: to the group of the
 * kernel's uevents, and to each socket by its own address. Says what became of each:
 *
 *   group ok|ERROR
 *   port N ok|ERROR
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TEXT_MAX 2048

static size_t compose(int argc, char *argv[], char text[TEXT_MAX])
{
	size_t used = snprintf(text, TEXT_MAX, "%s@%s", argv[1], argv[2]) + 1;

	used += snprintf(text + used, TEXT_MAX - used, "ACTION=%s", argv[1]) + 1;
	used += snprintf(text + used, TEXT_MAX - used, "DEVPATH=%s", argv[2]) + 1;
	for (int i = 3; i < argc; i++)
		used += snprintf(text + used, TEXT_MAX - used, "%s", argv[i]) + 1;
	return used;
}

static const char *send_to(int fd, __u32 port, __u32 groups, const char *text, size_t size)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};

	if (sendto(fd, text, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return strerrorname_np(errno);
	return "ok";
}

int main(int argc, char *argv[])
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	char text[TEXT_MAX], line[256];
	unsigned int protocol, port;
	FILE *sockets;
	size_t size;

	if (argc < 3 || fd < 0)
		return 2;
	size = compose(argc, argv, text);
	printf("group %s\n", send_to(fd, 0, 1, text, size));
	sockets = fopen("/proc/net/netlink", "r");
	if (!sockets)
		return 1;
	while (fgets(line, sizeof(line), sockets)) {
		if (sscanf(line, "%*s %u %u", &protocol, &port) == 2 &&
		    protocol == NETLINK_KOBJECT_UEVENT && port != 0)
			printf("port %u %s\n", port, send_to(fd, port, 0, text, size));
	}
	fclose(sockets);
	return 0;
}
