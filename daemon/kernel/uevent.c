/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own uevents, before udev has seen them: netlink, multicast group 1. */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "daemon/kernel/kernel.h"

#define KERNEL_GROUP 1
#define RECEIVE_BUFFER (256 * 1024)

int kernel_uevent_open(void)
{
	static const int receive_buffer = RECEIVE_BUFFER;
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	_cleanup_(closep) int fd = -EBADF;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int kernel_uevent_receive(int fd, char *buffer, size_t size, struct uevent *ret)
{
	struct sockaddr_nl sender = {0};
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {
		.msg_name = &sender,
		.msg_namelen = sizeof(sender),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return -errno;
	/* Anybody may send to a netlink socket; only the kernel's port is 0, and only it sends to the group. */
	if (sender.nl_pid != 0 || sender.nl_groups != KERNEL_GROUP ||
	    (message.msg_flags & MSG_TRUNC))
		return 0;
	return uevent_parse(buffer, (size_t)n, ret) == 0;
}
