/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filling a map without attaching it. libbpf fills one only on the way to a link of its own
 * (bpf_map__attach_struct_ops()), but what bpf_link_update() brings in gets none. So the value is made here as libbpf
 * makes it: each member of the object's image at its place in the kernel's struct, found by name; in the operators'
 * places the programs' descriptors. Kinds and sizes are libbpf's to compare: it has, when it loaded the object.
 */
#include <bpf/bpf.h>

#include "daemon/kernel/attach.h"
#include "daemon/kernel/kernel-btf.h"

/* A member on its way from the object's struct to the kernel's. */
struct member {
	size_t from, to, size;
	bool is_operator; /* a pointer to one of libbpf's programs, or NULL */
};

/* 1; 0: it is not to be copied; -EBADMSG. */
static int find_member(struct attempt *a, uint32_t i, const struct kernel_layout *layout,
		       struct member *ret)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	const struct btf_member *m = &btf_members(t)[i];
	const struct btf_type *type = btf_resolve(a->btf, m->type);
	struct place place = {.btf = a->btf, .type_id = m->type};

	*ret = (struct member){
		.from = btf_member_bit_offset(t, i) / 8,
		.size = place_size(&place),
		.is_operator = type && btf_is_ptr(type),
	};
	/* Left out by libbpf, too: zero, and unknown to this kernel. */
	if (kernel_layout_find(layout, btf__name_by_offset(a->btf, m->name_off), &ret->to) < 0)
		return 0;
	if (ret->from > t->size || ret->size > t->size - ret->from ||
	    ret->to > layout->value_size || ret->size > layout->value_size - ret->to)
		return -EBADMSG;
	return 1;
}

static void put_operator(const char *from, char *to)
{
	const struct bpf_program *program;
	unsigned long slot; /* as the kernel reads it */

	memcpy(&program, from, sizeof(program));
	slot = program ? (unsigned long)bpf_program__fd(program) : 0;
	memcpy(to, &slot, sizeof(slot));
}

static int put_members(struct attempt *a, const struct kernel_layout *layout, char *value)
{
	uint32_t n = btf_vlen(btf_resolve(a->btf, a->type_id));
	size_t size;
	const char *image = bpf_map__initial_value(a->map, &size);

	for (uint32_t i = 0; i < n; i++) {
		struct member m;
		int r = find_member(a, i, layout, &m);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (m.is_operator)
			put_operator(image + m.from, value + m.to);
		else
			memcpy(value + m.to, image + m.from, m.size);
	}
	return 0;
}

/* 0 with the caller's value; -ENOMEM; other -errno: the kernel's BTF tells too little. */
static int make_value(struct attempt *a, char **ret)
{
	_cleanup_(kernel_layout_freep) struct kernel_layout *layout = NULL;
	_cleanup_(freep) char *value = NULL;
	int r;

	r = kernel_layout_new(bpf_map__fd(a->map), &layout);
	if (r < 0)
		return r;
	value = calloc(1, layout->value_size);
	if (!value)
		return -ENOMEM;
	r = put_members(a, layout, value);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(value);
	return 0;
}

int attach_fill(struct attempt *a)
{
	_cleanup_(freep) char *value = NULL;
	uint32_t zero = 0;
	int r;

	r = make_value(a, &value);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return 0;
	if (bpf_map_update_elem(bpf_map__fd(a->map), &zero, value, 0) < 0)
		return attach_explain(a, -errno);
	return 1;
}
