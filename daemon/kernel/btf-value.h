/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF types as core/value.h wants them described, with the names of their numbers. */
#pragma once

#include "daemon/core/value.h"
#include "daemon/kernel/place.h"

/*
 * Where names of numbers come from besides the member's own enum: any enum of the object, then the kernel's. The
 * kernel's BTF takes 10 ms and 12 MB to parse, so it is loaded when a word is found nowhere else.
 */
struct enumerators {
	const struct btf *object; /* borrowed */
	struct btf *kernel;
	bool kernel_tried;
};
void enumerators_done(struct enumerators *e);
/* The kernel's BTF, loaded when first asked for. NULL: it cannot be had. */
const struct btf *enumerators_kernel(struct enumerators *e);

/* Name and number of an enumerator of a BTF_KIND_ENUM or _ENUM64. */
const char *btf_enumerator(const struct btf *btf, const struct btf_type *t, size_t i,
			   uint64_t *ret);

struct btf_value {
	struct value_type type; /* its userdata points back here: do not move or copy the struct */
	const struct btf *btf;
	const struct btf_type *own_enum; /* NULL: not an enum */
	struct enumerators *enumerators; /* borrowed; NULL: only the own enum's names */
	char *name;
};
void btf_value_done(struct btf_value *v);

/*
 * Describes what stands at a place. 0: the caller calls btf_value_done(). -EINVAL with *ret_error, a sentence that
 * continues "member: " ("is a bitfield …"), for what a policy cannot set: bitfields, floats, pointers, whole
 * structs and unions. -ENOMEM.
 */
int btf_value_init(struct btf_value *v, const struct place *p, struct enumerators *enumerators,
		   char **ret_error);
