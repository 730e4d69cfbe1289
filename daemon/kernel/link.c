/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bpf/bpf.h>
#include <sys/epoll.h>

#include "common/sentence.h"
#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"
#include "daemon/kernel/map-value.h"
#include "daemon/kernel/tcp-default.h"
#include "daemon/kernel/types.h"

void kernel_handles_close(struct kernel_handles *h)
{
	h->link_fd = safe_close(h->link_fd);
	h->map_fd = safe_close(h->map_fd);
	h->record_fd = safe_close(h->record_fd);
	h->dump_fd = safe_close(h->dump_fd);
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

int kernel_detach(const struct kernel_handles *h, const struct outcome *o,
		  struct messages *ret_notes)
{
	/* First, while there is still somebody to take it back from; what was not given back has its note. */
	int r = o ? tcp_default_give_back(o, ret_notes) : 0;
	int k;

	if (h->link_fd >= 0)
		return bpf_link_detach(h->link_fd) < 0 ? -errno : r;
	if (h->map_fd < 0)
		return r;
	k = unregister_map(h->map_fd);
	return k < 0 ? k : r;
}

static int map_state(int map_fd, uint32_t *ret_map_id)
{
	struct bpf_map_info info;
	struct map_head head;
	int r;

	r = map_info(map_fd, &info);
	if (r < 0)
		return r;
	r = map_head(map_fd, &info, &head);
	if (r < 0)
		return r;
	if (ret_map_id)
		*ret_map_id = info.id;
	return head.state == MAP_STATE_INUSE;
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

static int not_alive(char **ret_why, char *why)
{
	*ret_why = why;
	return 0;
}

int kernel_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why)
{
	const struct type_traits *traits = type_traits(or_empty(o->type));
	uint32_t map_id = 0;
	int r;

	r = kernel_state(h, &map_id);
	if (r < 0)
		return r;
	if (r == 0 && o->linkless)
		return not_alive(ret_why, sentence("map %u is not registered any more", o->map_id));
	if (r == 0)
		return not_alive(ret_why, sentence("link %u is detached", o->link_id));
	if (map_id != o->map_id)
		return not_alive(ret_why,
				 sentence("link %u has map %u now, not %u: another process "
					  "replaced it with bpf_link_update",
					  o->link_id, map_id, o->map_id));
	return traits->alive ? traits->alive(h, o, ret_why) : 1;
}

bool kernel_link_can_poll(int link_fd)
{
	_cleanup_(closep) int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLHUP};

	/* epoll refuses (EPERM) what has no poll; other failures are ours and say nothing about the link. */
	return epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, link_fd, &event) == 0 || errno != EPERM;
}
