/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/reading.h"

/* Qualifiers of an array stand with its elements. */
static void qualifiers(const struct btf *btf, uint32_t id, bool *is_const, bool *is_volatile)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	*is_const = *is_volatile = false;
	for (int depth = 0; t && depth < 32; depth++) {
		*is_const |= btf_is_const(t);
		*is_volatile |= btf_is_volatile(t);
		if (btf_is_array(t))
			t = btf__type_by_id(btf, btf_array(t)->type);
		else if (btf_is_mod(t) || btf_is_typedef(t))
			t = btf__type_by_id(btf, t->type);
		else
			return;
	}
}

/* Why a policy cannot set it; NULL: it can. As daemon/kernel/globals.c and btf-value.c judge. */
static const char *why_not(const struct btf *btf, uint32_t type_id, const char *section,
			   enum type_kind kind)
{
	bool is_const, is_volatile;

	if (streq(section, ".kconfig"))
		return "extern: the kernel gives its value";
	qualifiers(btf, type_id, &is_const, &is_volatile);
	if (is_const && !is_volatile)
		return "const but not volatile: the compiler may have put its value into the code";
	if (kind == TYPE_OPERATOR || kind == TYPE_POINTER)
		return "an address: no text can give that";
	if (kind == TYPE_OTHER)
		return "a type without values that a policy could give";
	return NULL;
}

/* The variable's bytes; of .bss so many zeros. */
static int value_of(struct reading *r, const struct variables *v, struct global *g,
		    uint32_t type_id)
{
	struct span s = elf_section_content(&r->elf, v->section);
	_cleanup_(freep) uint8_t *zeros = NULL;

	if (elf_section(&r->elf, v->section).sh_type == SHT_NOBITS) {
		/* What is beyond is of no use for a text, and a hostile size costs nothing. */
		s.size = MIN(g->size, (size_t)INSPECTION_STRUCT_MAX);
		s.bytes = zeros = calloc(1, s.size + 1);
		if (!zeros)
			return -ENOMEM;
	} else if (!s.bytes || g->offset > s.size || g->size > s.size - g->offset) {
		g->value = strdup("?");
		return g->value ? sentences_add(&r->in->problems,
						"variable \"%s\" reaches beyond the end of its "
						"section \"%s\"",
						g->name, g->section)
				: -ENOMEM;
	} else {
		s = (struct span){s.bytes + g->offset, g->size};
	}
	g->value = btf_value_text(r->in->btf, type_id, s);
	return g->value ? 0 : -ENOMEM;
}

static int global_init(struct reading *r, const struct variables *v, uint32_t i, struct global *g)
{
	const struct btf_type *t = variable_at(r, v, i);
	const struct btf *btf = r->in->btf;
	int e;

	g->name = btf_name_copy(btf, t->name_off);
	g->section = name_copy(v->name);
	g->type = btf_type_name(btf, t->type);
	if (!g->name || !g->section || !g->type)
		return -ENOMEM;
	g->type_id = t->type;
	g->kind = btf_type_kind(btf, t->type);
	g->size = btf_type_size(btf, t->type);
	g->not_because = why_not(btf, t->type, g->section, g->kind);
	if (streq(g->section, ".kconfig"))
		return 0;
	e = v->section ? variable_offset(r, v, i, &g->offset) : -ENOENT;
	if (e == 0)
		return value_of(r, v, g, t->type);
	return sentences_add(&r->in->problems, "variable \"%s\" of section \"%s\" has no symbol",
			     g->name, g->section);
}

int reading_globals(struct reading *r, const struct variables *v)
{
	struct inspection *in = r->in;
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < btf_vlen(v->of); i++) {
		if (!variable_at(r, v, i))
			continue;
		if (in->n_globals == INSPECTION_GLOBALS_MAX)
			return sentences_add(&in->problems,
					     "more than %d variables: the rest is left out",
					     INSPECTION_GLOBALS_MAX);
		if (make_room(&in->globals, in->n_globals, sizeof(*in->globals)) < 0)
			return -ENOMEM;
		e = global_init(r, v, i, &in->globals[in->n_globals++]);
	}
	return e;
}
