/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_survey(): what of struct_ops is attached and not ours. */
#include <bpf/bpf.h>

#include "daemon/kernel/holders.h"
#include "daemon/kernel/kernel-btf.h"
#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"
#include "daemon/kernel/map-value.h"

#define HOLDERS_NAMED_MAX 16

struct survey {
	const uint32_t *ours;
	size_t n_ours;
	struct outcome *outcome;
};

static bool is_ours(const struct survey *s, uint32_t map_id)
{
	for (size_t i = 0; i < s->n_ours; i++)
		if (s->ours[i] == map_id)
			return true;
	return false;
}

/* A type that cannot be found out stays NULL. */
static int add(const struct survey *s, int map_fd, const struct bpf_map_info *info,
	       uint32_t link_id)
{
	struct outcome_foreign *f = outcome_add_foreign(s->outcome);

	if (!f)
		return -ENOMEM;
	f->map_id = info->id;
	f->link_id = link_id;
	f->map = strndup(info->name, sizeof(info->name));
	if (!f->map || kernel_type_of_map(map_fd, &f->type) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

/* What is gone by the time that it is looked at is not attached. */
static int look_at_link(const struct survey *s, uint32_t id)
{
	_cleanup_(closep) int fd = bpf_link_get_fd_by_id(id), map_fd = -EBADF;
	struct bpf_link_info link;
	struct bpf_map_info map;

	if (fd < 0 || link_info(fd, &link) < 0 || link.type != BPF_LINK_TYPE_STRUCT_OPS ||
	    link.struct_ops.map_id == 0 || is_ours(s, link.struct_ops.map_id))
		return 0;
	map_fd = bpf_map_get_fd_by_id(link.struct_ops.map_id);
	if (map_fd < 0 || map_info(map_fd, &map) < 0)
		return 0;
	return add(s, map_fd, &map, id);
}

/* Those with a link were found by it. */
static int look_at_map(const struct survey *s, uint32_t id)
{
	_cleanup_(closep) int fd = is_ours(s, id) ? -EBADF : bpf_map_get_fd_by_id(id);
	struct bpf_map_info map;
	struct map_head head;
	int r;

	if (fd < 0 || map_info(fd, &map) < 0 || map.type != BPF_MAP_TYPE_STRUCT_OPS)
		return 0;
	r = map_head(fd, &map, &head);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return head.state == MAP_STATE_INUSE ? add(s, fd, &map, 0) : 0;
}

static int for_each_id(const struct survey *s, int (*next_id)(uint32_t, uint32_t *),
		       int (*look_at)(const struct survey *, uint32_t))
{
	uint32_t id = 0;

	while (next_id(id, &id) == 0) {
		int r = look_at(s, id);

		if (r < 0)
			return r;
	}
	return errno == ENOENT ? 0 : -errno;
}

int kernel_survey(const uint32_t *ours, size_t n_ours, struct outcome *ret)
{
	const struct survey s = {.ours = ours, .n_ours = n_ours, .outcome = ret};
	int r;

	r = for_each_id(&s, bpf_link_get_next_id, look_at_link);
	if (r < 0)
		return r;
	r = for_each_id(&s, bpf_map_get_next_id, look_at_map);
	if (r < 0)
		return r;
	/* The parent is the daemon, whose workers do this: what it holds of others' it was handed for a task. */
	return holders_find(ret->foreign, ret->n_foreign, HOLDERS_NAMED_MAX, getppid());
}
