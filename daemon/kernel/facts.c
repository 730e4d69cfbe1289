/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What descriptors are that an earlier daemon left. Nothing is believed but what the kernel says of them now. */
#include <bpf/bpf.h>

#include "daemon/kernel/kernel-btf.h"
#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"
#include "daemon/kernel/map-value.h"

enum kind {
	KIND_OTHER,
	KIND_LINK,
	KIND_MAP,
};

/* BPF_OBJ_GET_INFO_BY_FD does not tell: it fills whatever struct the object has. The file's name does. */
static enum kind kind_of(int fd)
{
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return KIND_OTHER;
	target[n] = '\0';
	if (streq(target, "anon_inode:bpf-map"))
		return KIND_MAP;
	return streq(target, "anon_inode:bpf_link") || streq(target, "anon_inode:bpf-link")
		       ? KIND_LINK
		       : KIND_OTHER;
}

static bool is_struct_ops_link(int fd)
{
	struct bpf_link_info info;

	return kind_of(fd) == KIND_LINK && link_info(fd, &info) == 0 &&
	       info.type == BPF_LINK_TYPE_STRUCT_OPS;
}

static bool is_struct_ops_map(int fd)
{
	struct bpf_map_info info;

	return kind_of(fd) == KIND_MAP && map_info(fd, &info) == 0 &&
	       info.type == BPF_MAP_TYPE_STRUCT_OPS;
}

static bool is_data_map(int fd)
{
	struct bpf_map_info info;

	return kind_of(fd) == KIND_MAP && map_info(fd, &info) == 0 &&
	       info.type == BPF_MAP_TYPE_ARRAY;
}

uint32_t kernel_object_id(int fd)
{
	struct bpf_link_info link;
	struct bpf_map_info map;

	switch (kind_of(fd)) {
	case KIND_LINK:
		return link_info(fd, &link) == 0 ? link.id : 0;
	case KIND_MAP:
		return map_info(fd, &map) == 0 ? map.id : 0;
	case KIND_OTHER:
		break;
	}
	return 0;
}

static void close_others(struct kernel_handles *h, struct messages *notes)
{
	const struct {
		int *fd;
		bool (*is_right)(int fd);
		const char *wanted;
	} places[] = {
		{&h->link_fd, is_struct_ops_link, "struct_ops link"},
		{&h->map_fd, is_struct_ops_map, "struct_ops map"},
		{&h->record_fd, is_data_map, "data map (exit record)"},
		{&h->dump_fd, is_data_map, "data map (exit dump)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (*places[i].fd < 0 || places[i].is_right(*places[i].fd))
			continue;
		/* Without memory it is closed without a word. */
		(void)messages_add(notes, "what was kept as its %s is none: let go",
				   places[i].wanted);
		*places[i].fd = safe_close(*places[i].fd);
	}
}

/* Walking through BTF costs more than a millisecond, and most maps of a machine are of one or two types. */
static void read_type(int map_fd, const struct bpf_map_info *info, char to[ADOPTION_TYPE_MAX])
{
	static struct {
		uint32_t btf_id, type_id;
		char name[ADOPTION_TYPE_MAX];
	} last;
	_cleanup_(freep) char *name = NULL;

	if (*last.name && last.btf_id == info->btf_vmlinux_id &&
	    last.type_id == info->btf_vmlinux_value_type_id) {
		strcpy(to, last.name);
		return;
	}
	if (kernel_type_of_map(map_fd, &name) < 0)
		return;
	last.btf_id = info->btf_vmlinux_id;
	last.type_id = info->btf_vmlinux_value_type_id;
	snprintf(last.name, sizeof(last.name), "%s", name);
	strcpy(to, last.name);
}

/* The map that counts is the one that the link has; somebody may have updated it. */
static void hold_map_of_link(struct kernel_handles *h, uint32_t map_id)
{
	struct bpf_map_info info;
	int fd;

	if (h->map_fd >= 0 && map_info(h->map_fd, &info) == 0 && info.id == map_id)
		return;
	fd = bpf_map_get_fd_by_id(map_id);
	if (fd < 0)
		return;
	safe_close(h->map_fd);
	h->map_fd = fd;
}

static void tell_map(const struct kernel_handles *h, struct adoption_find *ret)
{
	struct bpf_map_info info;

	if (h->map_fd < 0 || map_info(h->map_fd, &info) < 0)
		return;
	ret->map_id = info.id;
	snprintf(ret->map, sizeof(ret->map), "%s", info.name);
	read_type(h->map_fd, &info, ret->type);
}

void kernel_find_facts(struct kernel_handles *h, struct adoption_find *ret,
		       struct messages *ret_notes)
{
	struct adoption_find find = {.name = ret->name};
	struct bpf_link_info link;
	uint32_t map_id = 0;

	close_others(h, ret_notes);
	find.is_struct_ops = h->link_fd >= 0 || h->map_fd >= 0;
	find.alive = find.is_struct_ops && kernel_state(h, &map_id) == 1;
	if (h->link_fd >= 0 && link_info(h->link_fd, &link) == 0)
		find.link_id = link.id;
	if (find.alive)
		hold_map_of_link(h, map_id);
	tell_map(h, &find);
	*ret = find;
}

int kernel_reopen(const struct outcome *o, struct kernel_handles *ret)
{
	struct kernel_handles h = KERNEL_HANDLES_NULL;

	if (o->link_id)
		h.link_fd = bpf_link_get_fd_by_id(o->link_id);
	if (o->map_id)
		h.map_fd = bpf_map_get_fd_by_id(o->map_id);
	if (h.link_fd < 0 && h.map_fd < 0)
		return 0;
	*ret = h;
	return 1;
}
