/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Struct_ops maps as they are read back: what bpf() tells of them, and their one element. */
#pragma once

#include <linux/bpf.h>

#include "common/macro.h"

/* The head of each value: struct bpf_struct_ops_common_value, the same in all kernels so far. */
struct map_head {
	uint32_t
		refcnt; /* uses inside the kernel: link or registration, sockets, namespaces; no descriptors, no pins */
	uint32_t state;
};
#define MAP_STATE_INUSE 1 /* enum bpf_struct_ops_state: registered, without a link */

/* 0; -errno. */
int map_info(int map_fd, struct bpf_map_info *ret);

/* The value of the one element: info.value_size bytes, and a NUL behind them. 0: *ret is the caller's; -errno. */
int map_value(int map_fd, const struct bpf_map_info *info, char **ret);

/* Of a struct_ops map. 0; -EINVAL: it is none; other -errno. */
int map_head(int map_fd, const struct bpf_map_info *info, struct map_head *ret);
