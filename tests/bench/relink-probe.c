/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relink-probe ROUNDS NAME:MAP_ID…: detaches each algorithm's link from outside, over and over and in turn, and looks
 * from outside how long its name is away: the same instrument for whoever brings it back. Prints "NAME µs" a round,
 * from the end of the detachment (it waits for RCU, and wakes whoever polls the link just before it ends) until a
 * socket finds the name again.
 */
#include <bpf/bpf.h>
#include <err.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/macro.h"

#define ROUND_PAUSE_NSEC 20000000 /* for whoever relinked to come to rest */
#define TIMEOUT_USEC 5000000.0

struct target {
	const char *name;
	uint32_t map_id;
};

static double now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* With CAP_NET_ADMIN the kernel would run modprobe for each name that it does not find. */
static void drop_net_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		err(1, "capget");
	data[0].effective &= ~(1U << CAP_NET_ADMIN);
	if (syscall(SYS_capset, &header, data) < 0)
		err(1, "capset");
}

/* A name that only CAP_NET_ADMIN may use is there all the same. */
static bool is_available(int socket_fd, const char *name)
{
	int r = setsockopt(socket_fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));

	return r == 0 || errno == EPERM;
}

/* A descriptor of the link that has the map now. */
static int open_link_of(uint32_t map_id)
{
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = {0};
		uint32_t length = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_link_get_info_by_fd(fd, &info, &length) == 0 &&
		    info.type == BPF_LINK_TYPE_STRUCT_OPS && info.struct_ops.map_id == map_id)
			return fd;
		close(fd);
	}
	errx(1, "no link has map %u: it is not attached", map_id);
}

static double measure(int socket_fd, const struct target *target)
{
	int link_fd = open_link_of(target->map_id);
	double start, waited = 0;

	if (bpf_link_detach(link_fd) < 0)
		err(1, "the link of %s cannot be detached", target->name);
	start = now_usec();
	while (!is_available(socket_fd, target->name)) {
		waited = now_usec() - start;
		if (waited > TIMEOUT_USEC)
			errx(1, "%s was not attached again", target->name);
	}
	waited = now_usec() - start;
	close(link_fd);
	return waited;
}

static struct target parse_target(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		errx(2, "%s is not NAME:MAP_ID", text);
	*colon = '\0';
	return (struct target){.name = text, .map_id = (uint32_t)strtoul(colon + 1, NULL, 10)};
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = ROUND_PAUSE_NSEC};
	int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct target targets[8];
	int n = argc - 2;

	if (n < 1 || n > (int)ARRAY_SIZE(targets))
		errx(2, "usage: relink-probe ROUNDS NAME:MAP_ID…");
	if (socket_fd < 0)
		err(1, "socket");
	for (int i = 0; i < n; i++)
		targets[i] = parse_target(argv[i + 2]);
	drop_net_admin();

	for (long round = strtol(argv[1], NULL, 10); round > 0; round--) {
		for (int i = 0; i < n; i++) {
			printf("%s %.1f\n", targets[i].name, measure(socket_fd, &targets[i]));
			nanosleep(&pause, NULL);
		}
	}
	return 0;
}
