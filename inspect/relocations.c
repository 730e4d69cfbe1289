/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which program stands in which member: the relocations of the struct_ops sections. */
#include "inspect/reading.h"

static struct ops_map *map_at(const struct inspection *in, size_t section, uint64_t offset)
{
	for (size_t i = 0; i < in->n_maps; i++) {
		struct ops_map *m = &in->maps[i];

		if (m->section_index == section && offset >= m->offset &&
		    offset - m->offset < m->size)
			return m;
	}
	return NULL;
}

static struct ops_member *member_at(const struct ops_map *map, uint64_t offset)
{
	for (size_t i = 0; i < map->n_members; i++)
		if (map->members[i].bit_offset == offset * 8)
			return &map->members[i];
	return NULL;
}

static int remember_use(struct inspection *in, struct program *p, const struct ops_map *map,
			struct ops_member *member)
{
	int e = program_add_use(p, (size_t)(map - in->maps), (size_t)(member - map->members));

	if (e == 0)
		member->program = (size_t)(p - in->programs);
	return e;
}

/* The member points to what the symbol names. */
static int point(struct inspection *in, const struct ops_map *map, struct ops_member *member,
		 const struct symbol *s)
{
	struct program *p = s->section < SHN_LORESERVE ? program_at(in, s->section, s->value)
						       : NULL;

	if (member->kind != TYPE_OPERATOR)
		return sentences_add(
			&in->problems,
			"map \"%s\": member %s (%s) is no operator, but is to point to "
			"\"%.*s\": libbpf takes only programs",
			map->name, member->name, member->type, BTF_NAME_MAX, s->name);
	if (!p)
		return sentences_add(
			&in->problems,
			"map \"%s\": operator %s points to \"%.*s\", which is no program",
			map->name, member->name, BTF_NAME_MAX, s->name);
	if (!p->struct_ops)
		return sentences_add(
			&in->problems,
			"map \"%s\": operator %s points to program \"%s\", which is not "
			"of struct_ops: it is in section \"%s\"",
			map->name, member->name, p->name, p->section);
	if (member->program != NO_PROGRAM)
		return sentences_add(&in->problems, "map \"%s\": operator %s has two relocations",
				     map->name, member->name);
	return remember_use(in, p, map, member);
}

static int follow(struct reading *r, size_t section, const GElf_Rel *rel)
{
	struct inspection *in = r->in;
	const char *name = elf_section_name(&r->elf, section);
	struct ops_map *map = map_at(in, section, rel->r_offset);
	struct ops_member *member = map ? member_at(map, rel->r_offset - map->offset) : NULL;
	size_t symbol = GELF_R_SYM(rel->r_info);

	if (symbol == 0 || symbol >= r->symbols.n)
		return sentences_add(&in->problems,
				     "section \"%s\": the relocation at offset %ju names symbol "
				     "%zu, which does not exist",
				     name, (uintmax_t)rel->r_offset, symbol);
	if (!map)
		return sentences_add(&in->problems,
				     "section \"%s\": there is no map at offset %ju, where a "
				     "relocation points to \"%.*s\"",
				     name, (uintmax_t)rel->r_offset, BTF_NAME_MAX,
				     r->symbols.items[symbol].name);
	if (!member)
		return sentences_add(
			&in->problems,
			"map \"%s\": no member begins at offset %ju, where a relocation "
			"points to \"%.*s\"",
			map->name, (uintmax_t)rel->r_offset - map->offset, BTF_NAME_MAX,
			r->symbols.items[symbol].name);
	return point(in, map, member, &r->symbols.items[symbol]);
}

static int follow_section(struct reading *r, size_t section, const GElf_Shdr *s, size_t *left)
{
	Elf_Data *table = elf_section_entries(&r->elf, section);
	GElf_Rel rel;
	int e = 0;

	if (!table)
		return -ENOMEM;
	/* A compressed table is none. */
	if (s->sh_entsize != sizeof(Elf64_Rel) || table->d_type != ELF_T_REL)
		return sentences_add(&r->in->problems,
				     "the relocations of section \"%s\" are of an unknown size",
				     elf_section_name(&r->elf, s->sh_info));
	for (int i = 0; e == 0 && gelf_getrel(table, i, &rel); i++) {
		if (*left == 0)
			return sentences_add(&r->in->problems,
					     "more than %d relocations: the rest is left out",
					     INSPECTION_RELOCATIONS_MAX);
		(*left)--;
		e = follow(r, s->sh_info, &rel);
	}
	return e;
}

int reading_relocations(struct reading *r)
{
	size_t left = INSPECTION_RELOCATIONS_MAX;
	int e = 0;

	/* Without BTF there are no members that they could stand for. */
	for (size_t i = 0; r->in->btf && e == 0 && i < r->elf.n_sections; i++) {
		GElf_Shdr s = elf_section(&r->elf, i);

		if (s.sh_type == SHT_REL && s.sh_info < r->elf.n_sections &&
		    is_struct_ops_section(elf_section_name(&r->elf, s.sh_info)))
			e = follow_section(r, i, &s, &left);
	}
	return e;
}
