// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hold [OPTIONS] OBJECT [MAP]: attaches one struct_ops map with plain libbpf and says what happens to it:
 *
 *   attached link=ID map=ID usec=CLOCK_MONOTONIC
 *   hup link=ID map=ID usec=CLOCK_MONOTONIC       map=0: the kernel has let go of it
 *
 *   updated link=ID map=ID usec=CLOCK_MONOTONIC   with -u: the link was moved to map OTHER at once
 *
 * After a hang-up it links the same map again, -n RELINKS times (default 0), and ends after the last one. It is what
 * the tests of the bed use, and the bare listener that the daemon's times are compared with.
 *
 *   -f MEMBER=VALUE     changes a member of the map: a number, a text, a program of the object, or nothing for none
 *   -g GLOBAL=VALUE     changes a global variable, GLOBAL[INDEX]=VALUE one element of it. Both may be repeated
 *   -l LINK             attaches nothing, but moves somebody else's link to the map ("updated"), and holds that
 *   -z                  leaves the __SCX_… globals of a sched_ext object at zero
 */
#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "set.h"
#include "tell.h"

static void tell(const char *what, int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (bpf_link_get_info_by_fd(link_fd, &info, &size))
		die("link info", errno);
	printf("%s link=%u map=%u usec=%lld\n", what, info.id, info.struct_ops.map_id, now_usec());
	fflush(stdout);
}

/* Whether a member of MAP, as it stands now, points to PROGRAM. Pointers in the image are aligned. */
static bool refers_to(struct bpf_map *map, const struct bpf_program *program)
{
	size_t size, i;
	void **image = bpf_map__initial_value(map, &size);

	for (i = 0; i < size / sizeof(*image); i++)
		if (image[i] == program)
			return true;
	return false;
}

static struct bpf_map *choose_map(struct bpf_object *object, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(
		map, object) if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
				 (!name || !strcmp(bpf_map__name(map), name))) return map;
	die("no such map", ENOENT);
	return NULL;
}

/* other may be NULL */
static void load_only(struct bpf_object *object, struct bpf_map *wanted, struct bpf_map *other)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, object) if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
		bpf_map__set_autocreate(map, map == wanted || map == other);
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(
		program, refers_to(wanted, program) || (other && refers_to(other, program)));
	err = bpf_object__load(object);
	if (err)
		die("load", -err);
}

static int wait_for_hup(int link_fd)
{
	struct epoll_event event = {.events = 0};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, link_fd, &event))
		die("epoll", errno);
	while (epoll_wait(epoll_fd, &event, 1, -1) < 0)
		if (errno != EINTR)
			die("epoll_wait", errno);
	close(epoll_fd);
	return event.events & EPOLLHUP;
}

#define CHANGES_MAX 16
struct options {
	const char *object, *map, *other;
	char *members[CHANGES_MAX], *globals[CHANGES_MAX];
	size_t n_members, n_globals;
	long relinks;
	__u32 usurped;
	bool zero_enums;
};

static bool parse_options(int argc, char *argv[], struct options *o)
{
	int option;

	while ((option = getopt(argc, argv, "n:u:f:g:l:z")) != -1) {
		if (option == 'n')
			o->relinks = strtol(optarg, NULL, 10);
		else if (option == 'u')
			o->other = optarg;
		else if (option == 'f' && o->n_members < CHANGES_MAX)
			o->members[o->n_members++] = optarg;
		else if (option == 'g' && o->n_globals < CHANGES_MAX)
			o->globals[o->n_globals++] = optarg;
		else if (option == 'l')
			o->usurped = strtoul(optarg, NULL, 10);
		else if (option == 'z')
			o->zero_enums = true;
		else
			return false;
	}
	if (optind >= argc)
		return false;
	o->object = argv[optind];
	o->map = argv[optind + 1];
	return true;
}

static void change(struct bpf_object *object, struct bpf_map *map, const struct options *o)
{
	if (!o->zero_enums)
		fill_scx_enums(object);
	for (size_t i = 0; i < o->n_members; i++)
		set_member(object, map, o->members[i]);
	for (size_t i = 0; i < o->n_globals; i++)
		set_global(object, o->globals[i]);
}

static void usurp(struct bpf_map *map, __u32 link_id)
{
	int fd = bpf_link_get_fd_by_id(link_id);

	if (fd < 0)
		die("link", errno);
	/* libbpf fills a map on the way to a link of its own, which the kernel refuses: there is one of that name. */
	if (bpf_map__attach_struct_ops(map))
		die("attached", EPROTO);
	if (bpf_link_update(fd, bpf_map__fd(map), NULL))
		die("update", errno);
	tell("updated", fd);
	pause();
}

static void follow(struct bpf_map *map, int fd, long relinks)
{
	while (wait_for_hup(fd)) {
		tell("hup", fd);
		if (relinks-- == 0)
			return;
		close(fd);
		fd = bpf_link_create(bpf_map__fd(map), 0, BPF_STRUCT_OPS, NULL);
		if (fd < 0)
			die("attach again", errno);
		tell("attached", fd);
	}
	die("no hang-up", EPROTO);
}

int main(int argc, char *argv[])
{
	struct options options = {0};
	struct bpf_object *object;
	struct bpf_link *link;
	struct bpf_map *map, *other;

	if (!parse_options(argc, argv, &options))
		return 2;
	object = bpf_object__open_file(options.object, NULL);
	if (!object)
		die(options.object, errno);
	map = choose_map(object, options.map);
	other = options.other ? choose_map(object, options.other) : NULL;
	change(object, map, &options);
	load_only(object, map, other);
	if (options.usurped)
		usurp(map, options.usurped);
	link = bpf_map__attach_struct_ops(map);
	if (!link)
		die("attach", errno);

	if (!(bpf_map__map_flags(map) & BPF_F_LINK)) {
		printf("attached link=0 usec=%lld\n", now_usec());
		fflush(stdout);
		pause();
		return 0;
	}
	tell("attached", bpf_link__fd(link));
	if (other) {
		if (bpf_link__update_map(link, other))
			die("update", errno);
		tell("updated", bpf_link__fd(link));
	}
	follow(map, bpf_link__fd(link), options.relinks);
	return 0;
}
