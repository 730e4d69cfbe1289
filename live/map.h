/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A struct_ops map as the kernel has it at this moment, decoded by the kernel's own BTF. */
#pragma once

#include "inspect/btf-type.h"
#include "live/kernel-btf.h"

struct live_member {
	char *name, *type;
	enum type_kind kind;
	uint32_t type_id;
	size_t offset, size;     /* in the map's value */
	size_t bit_offset, bits; /* bits 0: no bitfield */
	char *value;             /* as a policy would write it; "" for operators */
	uint32_t program_id;     /* of an operator; 0: none */
	char *program;           /* its name; NULL: none, or gone by now */
};

struct live_map {
	uint32_t id;
	char *name;          /* in the kernel, at most 15 characters */
	char *type;          /* the kernel's struct */
	char *module;        /* that brings the type; NULL: the kernel itself */
	char *state;         /* the kernel's word: init, inuse, tobefree, ready */
	uint32_t references; /* that the kernel holds: the link's, each user's */
	uint8_t *value;
	size_t size;
	size_t data_offset; /* before it stand reference count and state */
	struct live_member *members;
	size_t n_members;

	const struct btf *btf; /* of the live_btf it was read with, which must outlive it */
	const struct btf_type *common;
	uint32_t data_type_id;
};

/*
 * 0: *ret is the caller's; -errno with *ret_error, a sentence that the caller frees (-EPERM: takes CAP_SYS_ADMIN; -ENOENT:
 * there is no such map; -EMEDIUMTYPE: it is not of struct_ops; -EBADMSG: BTF that is not understood); -ENOMEM.
 */
int live_map_read(struct live_btf *b, uint32_t id, struct live_map **ret, char **ret_error);
struct live_map *live_map_free(struct live_map *m);
DEFINE_CLEANUP(struct live_map *, live_map_free)

/* Reads count and state again; nothing else of a map ever changes once it is filled. 0; -errno; -ENOMEM. */
int live_map_refresh(struct live_map *m);

/* Whether it is loaded, and not filled yet: its members are all zero. */
bool live_map_is_empty(const struct live_map *m);
/* Whether the kernel runs with it without a link. */
bool live_map_is_in_use(const struct live_map *m);

/* NULL: there is no such member. */
const struct live_member *live_map_member(const struct live_map *m, const char *name);

/*
 * What stands at a policy's path, such as limits.max[2]; of an operator the program's name, "" for none. 0: *ret is
 * the caller's; -ENOENT: this kernel has no such member; -ENOMEM.
 */
int live_map_value_at(const struct live_map *m, const char *path, char **ret);

/*
 * The same without the kernel: what lookup returned for a map of that value type. Program names are not filled in. For
 * live_map_read() and tests. 0, -EBADMSG: no value of a struct_ops type; -ENOMEM.
 */
int live_map_decode(struct live_map *m, const struct btf *btf, uint32_t value_type_id);
