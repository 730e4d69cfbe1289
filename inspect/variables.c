/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sections of variables: struct_ops maps and globals. */
#include "inspect/reading.h"

#include "common/sentence.h"

bool is_struct_ops_section(const char *name)
{
	name += *name == '?';
	return streq(name, ".struct_ops") || streq(name, ".struct_ops.link");
}

const struct btf_type *variable_at(const struct reading *r, const struct variables *v, uint32_t i)
{
	const struct btf_type *t = btf__type_by_id(r->in->btf, btf_var_secinfos(v->of)[i].type);

	return t && btf_is_var(t) ? t : NULL;
}

/* The static linker fills sizes and offsets in, the compiler leaves both at 0. */
int variable_offset(const struct reading *r, const struct variables *v, uint32_t i,
		    uint64_t *ret_offset)
{
	const struct btf_type *t = variable_at(r, v, i);
	const struct symbol *s;

	if (!t)
		return -ENOENT;
	*ret_offset = btf_var_secinfos(v->of)[i].offset;
	if (v->of->size != 0)
		return 0;
	s = symbols_find(&r->symbols, v->section,
			 or_empty(btf__name_by_offset(r->in->btf, t->name_off)));
	if (s)
		*ret_offset = s->value;
	return s || btf_var(t)->linkage == BTF_VAR_STATIC ? 0 : -ENOENT;
}

static bool is_data_section(const char *name)
{
	static const char *const sections[] = {".rodata", ".data", ".bss"};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t n = strlen(sections[i]);

		if (strncmp(name, sections[i], n) == 0 && (name[n] == '\0' || name[n] == '.'))
			return true;
	}
	return streq(name, ".kconfig");
}

struct section_name {
	const char *name;
	size_t index;
};

static int compare_names(const void *a, const void *b)
{
	const struct section_name *n = a, *m = b;

	return strncmp(n->name, m->name, BTF_NAME_MAX);
}

static struct section_name *sorted_names(const struct elf_file *f)
{
	struct section_name *names = calloc(f->n_sections, sizeof(*names));

	for (size_t i = 0; names && i < f->n_sections; i++)
		names[i] = (struct section_name){elf_section_name(f, i), i};
	if (names)
		qsort(names, f->n_sections, sizeof(*names), compare_names);
	return names;
}

static int read_section(struct reading *r, const struct btf_type *datasec,
			const struct section_name *names)
{
	struct section_name key = {
		.name = or_empty(btf__name_by_offset(r->in->btf, datasec->name_off)),
	};
	const struct section_name *found;
	struct variables v = {.name = key.name, .of = datasec};

	if (!is_struct_ops_section(v.name) && !is_data_section(v.name))
		return 0;
	found = bsearch(&key, names, r->elf.n_sections, sizeof(key), compare_names);
	/* .kconfig is nowhere but in BTF. */
	v.section = found ? found->index : 0;
	if (is_struct_ops_section(v.name))
		return reading_maps(r, &v);
	return reading_globals(r, &v);
}

/* Sections of struct_ops that BTF says nothing about. */
static int note_undescribed(struct reading *r)
{
	for (size_t i = 0; i < r->elf.n_sections; i++) {
		const char *name = elf_section_name(&r->elf, i);
		bool described = false;
		int e;

		if (!is_struct_ops_section(name) || elf_section(&r->elf, i).sh_size == 0)
			continue;
		for (size_t m = 0; m < r->in->n_maps; m++)
			described |= r->in->maps[m].section_index == i;
		if (described)
			continue;
		e = sentences_add(
			&r->in->problems,
			"section \"%s\" (%zu) holds struct_ops maps that no BTF describes", name,
			i);
		if (e < 0)
			return e;
	}
	return 0;
}

static int compare_maps(const void *a, const void *b)
{
	const struct ops_map *m = a, *n = b;

	if (m->section_index != n->section_index)
		return m->section_index < n->section_index ? -1 : 1;
	return m->offset < n->offset ? -1 : m->offset > n->offset;
}

static int compare_globals(const void *a, const void *b)
{
	const struct global *g = a, *h = b;
	int order = strcmp(g->section, h->section);

	if (order != 0)
		return order;
	return g->offset < h->offset ? -1 : g->offset > h->offset;
}

int reading_variables(struct reading *r)
{
	_cleanup_(freep) struct section_name *names = sorted_names(&r->elf);
	struct inspection *in = r->in;
	int e = 0;

	if (!names)
		return -ENOMEM;
	for (uint32_t id = 1; in->btf && e == 0 && id < btf__type_cnt(in->btf); id++) {
		const struct btf_type *t = btf__type_by_id(in->btf, id);

		if (btf_is_datasec(t))
			e = read_section(r, t, names);
	}
	if (in->n_maps > 0)
		qsort(in->maps, in->n_maps, sizeof(*in->maps), compare_maps);
	if (in->n_globals > 0)
		qsort(in->globals, in->n_globals, sizeof(*in->globals), compare_globals);
	return e < 0 ? e : note_undescribed(r);
}
