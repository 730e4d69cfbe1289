/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detached is not unused: sockets, network namespaces and qdiscs go on with what they have, and keep its map. */
#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"
#include "daemon/kernel/map-value.h"

/* What the attachment itself counts for: its link, or the registration without one. */
static uint32_t own_uses(const struct kernel_handles *h, uint32_t map_id,
			 const struct map_head *head)
{
	struct bpf_link_info info;

	if (h->link_fd < 0)
		return head->state == MAP_STATE_INUSE;
	return link_info(h->link_fd, &info) == 0 && info.struct_ops.map_id == map_id;
}

int kernel_users(const struct kernel_handles *h)
{
	struct bpf_map_info info;
	struct map_head head;
	uint32_t own;
	int r;

	r = map_info(h->map_fd, &info);
	if (r < 0)
		return r;
	r = map_head(h->map_fd, &info, &head);
	if (r < 0)
		return r;
	own = own_uses(h, info.id, &head);
	return head.refcnt > own ? (int)MIN(head.refcnt - own, (uint32_t)INT32_MAX) : 0;
}
