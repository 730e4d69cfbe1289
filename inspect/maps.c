/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct_ops maps: the variables of struct_ops sections. */
#include "inspect/reading.h"

/* As libbpf cuts it: at the last "___" that stands between other characters. */
static char *without_flavour(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = length > 4 ? length - 4 : 0; i > 0; i--)
		if (strncmp(name + i, "___", 3) == 0 && name[i - 1] != '_' && name[i + 3] != '_')
			return strndup(name, i);
	return strdup(name);
}

static int member_init(const struct btf *btf, const struct btf_type *t, uint32_t i,
		       struct ops_member *m)
{
	const struct btf_member *raw = &btf_members(t)[i];

	m->name = btf_name_copy(btf, raw->name_off);
	m->type = btf_type_name(btf, raw->type);
	if (!m->name || !m->type)
		return -ENOMEM;
	m->kind = btf_type_kind(btf, raw->type);
	m->type_id = raw->type;
	m->bit_offset = btf_member_bit_offset(t, i);
	m->bits = btf_member_bitfield_size(t, i);
	m->offset = m->bit_offset / 8;
	m->size = btf_type_size(btf, raw->type);
	m->program = NO_PROGRAM;
	return 0;
}

static int map_add_members(struct reading *r, struct ops_map *map, const struct btf_type *t)
{
	map->members = calloc(btf_vlen(t) + 1U, sizeof(*map->members));
	if (!map->members)
		return -ENOMEM;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct ops_member *m = &map->members[map->n_members++];
		int e = member_init(r->in->btf, t, i, m);

		if (e < 0)
			return e;
		if (m->offset <= map->size && m->size <= map->size - m->offset)
			continue;
		map->n_members--;
		free(m->name);
		free(m->type);
		*m = (struct ops_member){0};
		e = sentences_add(
			&r->in->problems,
			"map \"%s\": member %u of struct %s reaches beyond the struct's end",
			map->name, i, map->type);
		if (e < 0)
			return e;
	}
	return 0;
}

static int map_init(struct reading *r, const struct variables *v, struct ops_map *map,
		    const char *name, const struct btf_type *t)
{
	struct span s = elf_section_content(&r->elf, v->section);

	map->section = name_copy(v->name);
	map->name = name_copy(name);
	map->type = btf_name_copy(r->in->btf, t->name_off);
	if (!map->section || !map->name || !map->type)
		return -ENOMEM;
	map->section_index = v->section;
	map->optional = *v->name == '?';
	map->link = streq(v->name + map->optional, ".struct_ops.link");
	map->size = t->size;
	map->kernel_type = without_flavour(map->type);
	map->image = malloc(map->size + 1);
	if (!map->kernel_type || !map->image)
		return -ENOMEM;
	memcpy(map->image, s.bytes + map->offset, map->size);
	return map_add_members(r, map, t);
}

/* What libbpf would not take, or nothing could be done with; the end of a sentence. NULL: all is well. */
static const char *wrong_with(const struct reading *r, const struct variables *v,
			      const struct btf_type *t, uint64_t offset)
{
	struct span s = elf_section_content(&r->elf, v->section);
	const char *type = t ? btf__name_by_offset(r->in->btf, t->name_off) : NULL;

	if (!t || !btf_is_struct(t) || !type || !*type)
		return "is no struct that has a name";
	if (!s.bytes || offset > s.size || t->size > s.size - offset)
		return "reaches beyond the end of its section";
	if (btf_vlen(t) > INSPECTION_MEMBERS_MAX || t->size > INSPECTION_STRUCT_MAX)
		return "is larger than any struct_ops (the kernel takes 64 members)";
	return NULL;
}

static int add_map(struct reading *r, const struct variables *v, uint32_t i)
{
	const struct btf_type *var = variable_at(r, v, i), *t;
	struct inspection *in = r->in;
	const char *name, *wrong;
	struct ops_map *map;
	uint64_t offset = 0;

	if (!var)
		return sentences_add(&in->problems, "section \"%s\": entry %u is no variable",
				     v->name, i);
	name = or_empty(btf__name_by_offset(in->btf, var->name_off));
	t = btf_type_resolve(in->btf, var->type);
	wrong = v->section && variable_offset(r, v, i, &offset) == 0 ? wrong_with(r, v, t, offset)
								     : "is nowhere in the file";
	if (wrong)
		return sentences_add(
			&in->problems,
			"variable \"%.*s\" in section \"%s\" is no struct_ops map: it %s",
			BTF_NAME_MAX, name, v->name, wrong);
	if (in->n_maps == INSPECTION_MAPS_MAX)
		return sentences_add(&in->problems,
				     "more than %d struct_ops maps: the rest is left out",
				     INSPECTION_MAPS_MAX);
	if (make_room(&in->maps, in->n_maps, sizeof(*in->maps)) < 0)
		return -ENOMEM;
	map = &in->maps[in->n_maps++];
	map->offset = offset;
	map->type_id = (uint32_t)btf__resolve_type(in->btf, var->type);
	return map_init(r, v, map, name, t);
}

int reading_maps(struct reading *r, const struct variables *v)
{
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < btf_vlen(v->of); i++)
		e = add_map(r, v, i);
	return e;
}
