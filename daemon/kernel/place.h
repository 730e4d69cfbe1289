/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a member path leads in an image that BTF describes: "limits.max[2]" -> type and offset. */
#pragma once

#include <bpf/btf.h>

#include "common/macro.h"

struct place {
	const struct btf *btf; /* borrowed */
	uint32_t type_id;      /* as declared, with its typedefs and qualifiers */
	size_t offset;         /* bytes from the start of the image */
	bool is_bitfield;
};

/*
 * Walks on from *p along the path (core/path.h; it may begin with "[" or "."). 0 with *p moved; -EINVAL with
 * *ret_error, a sentence that the caller frees ("struct x has no member …"), *p untouched; -ENOMEM.
 */
int place_walk(struct place *p, const char *path, char **ret_error);

/* Bytes that the place covers; 0 where BTF does not say. */
size_t place_size(const struct place *p);

/* The type without typedefs and qualifiers; NULL for BTF that goes in circles. */
const struct btf_type *btf_resolve(const struct btf *btf, uint32_t type_id);

/* For messages: "unsigned int", "enum tcp_flags", "char[16]". The caller frees; NULL: out of memory. */
char *btf_type_text(const struct btf *btf, uint32_t type_id);

/* A function pointer: in a struct_ops map that is an operator. */
bool btf_is_operator(const struct btf *btf, uint32_t type_id);
