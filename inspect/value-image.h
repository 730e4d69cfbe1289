/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The value that this kernel would receive (libbpf's kern_vdata): the members where the kernel's struct has them. */
#pragma once

#include "inspect/compare.h"

struct value_part {
	char *member;
	size_t offset, size; /* in the value */
	size_t program; /* index; the kernel gets a descriptor of it. NO_PROGRAM: the bytes count */
	char *meaning;  /* the bytes in the kernel's type; "" for operators */
};

struct value_image {
	uint8_t *bytes; /* zero where programs stand */
	size_t size;
	size_t data_offset; /* before it the kernel keeps reference count and state */
	struct value_part
		*parts; /* in the order of their offsets, all members of the kernel's struct */
	size_t n_parts;
};

/*
 * Of a map that was compared with the same kernel. 0 and *ret is the caller's; -ENOENT: the kernel does not know the
 * type; -EINVAL: it would refuse a member; -ENOMEM.
 */
int value_image_new(const struct inspection *in, const struct ops_map *map, struct kernel_types *k,
		    struct value_image **ret);
struct value_image *value_image_free(struct value_image *v);
DEFINE_CLEANUP(struct value_image *, value_image_free)
