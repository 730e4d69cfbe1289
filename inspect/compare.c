/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/compare.h"

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static bool is_set(const struct ops_map *map, const struct ops_member *m)
{
	return m->program != NO_PROGRAM || !is_zero(map->image + m->offset, m->size);
}

/* An earlier member has the same program: libbpf ties it to that one. */
static bool program_is_taken(const struct ops_map *map, const struct ops_member *m)
{
	for (size_t i = 0; &map->members[i] < m; i++)
		if (map->members[i].program == m->program)
			return true;
	return false;
}

static enum fate judge_pointer(const struct ops_map *map, const struct ops_member *m,
			       const struct btf *btf, uint32_t type_id)
{
	if (m->program == NO_PROGRAM && is_set(map, m))
		return FATE_NO_PROGRAM;
	if (m->program == NO_PROGRAM)
		return FATE_SAME;
	if (!btf_type_is_operator(btf, type_id))
		return FATE_OTHER_KIND;
	return program_is_taken(map, m) ? FATE_OTHER_MEMBER : FATE_SAME;
}

static enum fate judge_known(const struct inspection *in, const struct ops_map *map,
			     const struct ops_member *m, const struct kernel_type *t,
			     uint32_t index)
{
	const struct btf_type *own = btf_type_resolve(in->btf, m->type_id);
	uint32_t type_id = btf_members(t->data)[index].type;
	const struct btf_type *theirs = btf_type_resolve(t->btf, type_id);
	enum fate fate = FATE_SAME;

	if (m->bits != 0 || btf_member_bitfield_size(t->data, index) != 0)
		return FATE_BITFIELD;
	if (!own || !theirs || btf_kind(own) != btf_kind(theirs))
		return FATE_OTHER_KIND;
	if (btf_is_ptr(own))
		fate = judge_pointer(map, m, t->btf, type_id);
	else if (m->size != m->kernel_size)
		fate = FATE_OTHER_SIZE;
	if (fate == FATE_SAME && m->offset != m->kernel_offset)
		return FATE_MOVED;
	return fate;
}

static void judge(const struct inspection *in, const struct ops_map *map, struct ops_member *m,
		  const struct kernel_type *t)
{
	uint32_t index;

	if (kernel_type_member(t, m->name, &index) < 0) {
		m->fate = is_set(map, m) ? FATE_MISSING : FATE_DROPPED;
		return;
	}
	m->kernel_offset = btf_member_bit_offset(t->data, index) / 8;
	m->kernel_size = btf_type_size(t->btf, btf_members(t->data)[index].type);
	m->fate = judge_known(in, map, m, t, index);
}

static bool has_member(const struct ops_map *map, size_t n, const struct kernel_type *t,
		       uint32_t index)
{
	for (size_t i = 0; i < n; i++)
		if (btf_name_is(t->btf, btf_members(t->data)[index].name_off, map->members[i].name))
			return true;
	return false;
}

static int kernel_member_init(struct ops_member *m, const struct kernel_type *t, uint32_t index)
{
	const struct btf_member *raw = &btf_members(t->data)[index];

	*m = (struct ops_member){
		.name = btf_name_copy(t->btf, raw->name_off),
		.type = btf_type_name(t->btf, raw->type),
		.kind = btf_type_kind(t->btf, raw->type),
		.program = NO_PROGRAM,
		.kernel_offset = btf_member_bit_offset(t->data, index) / 8,
		.kernel_size = btf_type_size(t->btf, raw->type),
		.bits = btf_member_bitfield_size(t->data, index),
		.fate = FATE_KERNEL_ONLY,
	};
	return m->name && m->type ? 0 : -ENOMEM;
}

static int add_kernel_members(struct ops_map *map, const struct kernel_type *t)
{
	size_t n = map->n_members;
	struct ops_member *grown;

	grown = reallocarray(map->members, n + btf_vlen(t->data) + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	map->members = grown;
	for (uint32_t i = 0; i < btf_vlen(t->data); i++) {
		int r;

		if (has_member(map, n, t, i))
			continue;
		r = kernel_member_init(&map->members[map->n_members++], t, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_map(struct inspection *in, struct ops_map *map, struct kernel_types *k)
{
	const struct kernel_type *t;
	int r;

	r = kernel_types_find(k, map->kernel_type, &t);
	map->presence = r == 0 ? PRESENCE_KNOWN : PRESENCE_MISSING;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (t->module) {
		map->module = strdup(t->module);
		if (!map->module)
			return -ENOMEM;
	}
	for (size_t i = 0; i < map->n_members; i++)
		judge(in, map, &map->members[i], t);
	return add_kernel_members(map, t);
}

int inspection_compare(struct inspection *in, struct kernel_types *k)
{
	in->kernel = strdup(kernel_types_name(k));
	if (!in->kernel)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_maps; i++) {
		int r = compare_map(in, &in->maps[i], k);

		if (r < 0)
			return r;
	}
	return 0;
}

bool ops_map_is_refused(const struct ops_map *map)
{
	for (size_t i = 0; i < map->n_members; i++)
		if (fate_is_refusal(map->members[i].fate))
			return true;
	return false;
}
