/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relink-bare OBJECT NAME: the least that can attach a map again after a detachment, and so what the daemon is measured
 * against: wait in epoll for the link, link the map again, watch the new link. Prints the map's id; runs until killed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <sys/epoll.h>

#include "common/macro.h"

static struct bpf_map *only_map(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			return map;
	}
	errx(1, "the object has no struct_ops map");
}

/* The object's own name ends with its struct: 16 bytes at the end of what libbpf shows. */
static void set_name(struct bpf_map *map, const char *name)
{
	size_t size;
	char *image = bpf_map__initial_value(map, &size);

	if (!image || size < 16 || strlen(name) >= 16)
		errx(1, "%s does not fit", name);
	snprintf(image + size - 16, 16, "%s", name);
}

static void watch(int epoll_fd, int link_fd)
{
	struct epoll_event event = {.events = 0, .data.fd = link_fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, link_fd, &event) < 0)
		err(1, "epoll_ctl");
}

static int link_map(int map_fd)
{
	int fd = bpf_link_create(map_fd, 0, BPF_STRUCT_OPS, NULL);

	if (fd < 0)
		err(1, "bpf_link_create");
	return fd;
}

static void relink_forever(int map_fd, int epoll_fd)
{
	for (;;) {
		struct epoll_event event;
		int link_fd;

		if (epoll_wait(epoll_fd, &event, 1, -1) != 1)
			continue;
		link_fd = link_map(map_fd);
		watch(epoll_fd, link_fd);
		close(event.data.fd);
	}
}

int main(int argc, char **argv)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	struct bpf_object *object;
	struct bpf_link *link;
	struct bpf_map *map;
	int epoll_fd;

	if (argc != 3)
		errx(2, "usage: relink-bare OBJECT NAME");
	object = bpf_object__open(argv[1]);
	if (!object)
		err(1, "%s", argv[1]);
	map = only_map(object);
	set_name(map, argv[2]);
	if (bpf_object__load(object) < 0)
		err(1, "%s does not load", argv[1]);

	/* libbpf's attach fills the map; its link is let go, and all that follow are made as the daemon makes them. */
	link = bpf_map__attach_struct_ops(map);
	if (!link || bpf_map_get_info_by_fd(bpf_map__fd(map), &info, &length) < 0)
		err(1, "%s cannot be attached", argv[2]);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		err(1, "epoll_create1");
	watch(epoll_fd, bpf_link__fd(link));
	printf("%u\n", info.id);
	fflush(stdout);
	relink_forever(bpf_map__fd(map), epoll_fd);
}
