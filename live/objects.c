/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/objects.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "inspect/btf-type.h"

static int link_info(int fd, struct bpf_link_info *info)
{
	uint32_t size = sizeof(*info);

	/* A detached link leaves map_id as it was. */
	memset(info, 0, size);
	return bpf_link_get_info_by_fd(fd, info, &size) < 0 ? -errno : 0;
}

int live_link_find(uint32_t id, struct live_link *ret)
{
	_cleanup_(closep) int fd = bpf_link_get_fd_by_id(id);
	struct bpf_link_info info;
	int r;

	if (fd < 0)
		return -errno;
	r = link_info(fd, &info);
	if (r < 0)
		return r;
	if (info.type != BPF_LINK_TYPE_STRUCT_OPS)
		return -EMEDIUMTYPE;
	*ret = (struct live_link){.id = id, .map_id = info.struct_ops.map_id};
	return 0;
}

static int append(void *items, size_t *n, const void *item, size_t size)
{
	void **array = items;
	char *grown = reallocarray(*array, *n + 1, size);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + *n * size, item, size);
	*array = grown;
	(*n)++;
	return 0;
}

int live_links(struct live_link **ret, size_t *ret_n)
{
	_cleanup_(freep) struct live_link *links = NULL;
	struct live_link link;
	uint32_t id = 0;
	size_t n = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		/* One that is gone by now, or of another type, is none of ours. */
		if (live_link_find(id, &link) < 0)
			continue;
		if (append(&links, &n, &link, sizeof(link)) < 0)
			return -ENOMEM;
	}
	if (errno != ENOENT)
		return -errno;
	*ret = TAKE_PTR(links);
	*ret_n = n;
	return 0;
}

static bool is_struct_ops_map(uint32_t id)
{
	_cleanup_(closep) int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return fd >= 0 && bpf_map_get_info_by_fd(fd, &info, &size) == 0 &&
	       info.type == BPF_MAP_TYPE_STRUCT_OPS;
}

int live_map_ids(uint32_t **ret, size_t *ret_n)
{
	_cleanup_(freep) uint32_t *ids = NULL;
	uint32_t id = 0;
	size_t n = 0;

	while (bpf_map_get_next_id(id, &id) == 0) {
		if (!is_struct_ops_map(id))
			continue;
		if (append(&ids, &n, &id, sizeof(id)) < 0)
			return -ENOMEM;
	}
	if (errno != ENOENT)
		return -errno;
	*ret = TAKE_PTR(ids);
	*ret_n = n;
	return 0;
}

int live_program_open(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

/* The name of its function in the BTF that it was loaded with. NULL: it has none. */
static char *name_by_btf(int fd, uint32_t btf_id)
{
	struct bpf_func_info function = {0};
	struct bpf_prog_info info = {
		.nr_func_info = 1,
		.func_info_rec_size = sizeof(function),
		.func_info = (uint64_t)(uintptr_t)&function,
	};
	uint32_t size = sizeof(info);
	const struct btf_type *t = NULL;
	char *name = NULL;
	struct btf *btf;

	if (btf_id == 0 || bpf_prog_get_info_by_fd(fd, &info, &size) < 0 || info.nr_func_info == 0)
		return NULL;
	btf = btf__load_from_kernel_by_id(btf_id);
	if (btf)
		t = btf__type_by_id(btf, function.type_id);
	if (t && btf_is_func(t))
		name = btf_name_copy(btf, t->name_off);
	btf__free(btf);
	return name;
}

char *live_program_name(uint32_t id)
{
	_cleanup_(closep) int fd = live_program_open(id);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	char *name;

	if (fd < 0 || bpf_prog_get_info_by_fd(fd, &info, &size) < 0)
		return NULL;
	name = name_by_btf(fd, info.btf_id);
	return name ?: name_copy(info.name);
}
