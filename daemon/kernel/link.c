/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bpf/bpf.h>
#include <sys/epoll.h>

#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"

void kernel_handles_close(struct kernel_handles *h)
{
	h->link_fd = safe_close(h->link_fd);
	h->map_fd = safe_close(h->map_fd);
}

int link_info(int link_fd, struct bpf_link_info *ret)
{
	/* Zeroed: after a detachment the kernel does not write map_id at all. */
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_link_get_info_by_fd(link_fd, &info, &size) < 0)
		return -errno;
	*ret = info;
	return 0;
}

int kernel_relink(int map_fd, int *ret_link_fd, uint32_t *ret_link_id)
{
	_cleanup_(closep) int fd = -EBADF;
	struct bpf_link_info info;
	int r;

	fd = bpf_link_create(map_fd, 0, BPF_STRUCT_OPS, NULL);
	if (fd < 0)
		return -errno;
	r = link_info(fd, &info);
	if (r < 0)
		return r;
	*ret_link_fd = TAKE_FD(fd);
	*ret_link_id = info.id;
	return 0;
}

/* Without a link it is the map's one element that is registered. */
static int unregister_map(int map_fd)
{
	uint32_t key = 0;

	if (bpf_map_delete_elem(map_fd, &key) == 0)
		return 0;
	/* Never registered, or on its way out already. */
	return errno == ENOENT || errno == EINPROGRESS ? 0 : -errno;
}

int kernel_detach(const struct kernel_handles *h)
{
	if (h->link_fd < 0)
		return unregister_map(h->map_fd);
	return bpf_link_detach(h->link_fd) < 0 ? -errno : 0;
}

/* The head of each value: struct bpf_struct_ops_common_value, the same in all kernels so far. */
struct value_head {
	uint32_t refcnt;
	uint32_t state;
};
#define STATE_INUSE 1 /* enum bpf_struct_ops_state: registered, without a link */

static int map_state(int map_fd, uint32_t *ret_map_id)
{
	_cleanup_(freep) struct value_head *value = NULL;
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), key = 0;

	if (bpf_map_get_info_by_fd(map_fd, &info, &size) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_STRUCT_OPS || info.value_size < sizeof(*value))
		return -EINVAL;
	value = calloc(1, info.value_size);
	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &key, value) < 0)
		return -errno;
	if (ret_map_id)
		*ret_map_id = info.id;
	return value->state == STATE_INUSE;
}

int kernel_state(const struct kernel_handles *h, uint32_t *ret_map_id)
{
	struct bpf_link_info info;
	int r;

	if (h->link_fd < 0)
		return map_state(h->map_fd, ret_map_id);
	r = link_info(h->link_fd, &info);
	if (r < 0)
		return r;
	if (info.type != BPF_LINK_TYPE_STRUCT_OPS)
		return -EINVAL;
	if (ret_map_id)
		*ret_map_id = info.struct_ops.map_id;
	return info.struct_ops.map_id != 0;
}

bool kernel_link_can_poll(int link_fd)
{
	_cleanup_(closep) int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLHUP};

	/* epoll refuses (EPERM) what has no poll; other failures are ours and say nothing about the link. */
	return epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, link_fd, &event) == 0 || errno != EPERM;
}
