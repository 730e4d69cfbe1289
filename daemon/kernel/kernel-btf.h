/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Just so much of the kernel's BTF as reading a struct_ops map back takes: where in its value each member stands.
 * Not through libbpf, whose parse of vmlinux costs 10 ms and 12 MB for every attachment; walking over the raw
 * records to the two structs that matter costs 1.5 ms and a small window.
 */
#pragma once

#include "common/macro.h"

struct kernel_member {
	char *name;
	size_t offset; /* bytes, in the map's value */
};

struct kernel_layout {
	size_t value_size;
	struct kernel_member *members;
	size_t n_members;
};

/* Of a struct_ops map. 0: *ret is the caller's; -errno (-EBADMSG: BTF that is not understood). */
int kernel_layout_new(int map_fd, struct kernel_layout **ret);
struct kernel_layout *kernel_layout_free(struct kernel_layout *l);
DEFINE_CLEANUP(struct kernel_layout *, kernel_layout_free)

/* The struct of a struct_ops map, such as "tcp_congestion_ops". 0: *ret is the caller's; -errno, as above. */
int kernel_type_of_map(int map_fd, char **ret);

/* 0 with the offset in the map's value; -ENOENT. */
int kernel_layout_find(const struct kernel_layout *l, const char *member, size_t *ret_offset);
