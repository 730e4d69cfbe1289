/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is not wrong with an object, but worth knowing before it is loaded. */
#include "inspect/reading.h"

static int note_unreferenced(struct inspection *in)
{
	for (size_t i = 0; i < in->n_programs; i++) {
		const struct program *p = &in->programs[i];
		int e;

		if (!program_is_unreferenced(p) || p->optional)
			continue;
		e = sentences_add(
			&in->notes,
			"program \"%s\" is in no map: structopsd loads only what the chosen "
			"map uses, other loaders refuse the object unless it is in section "
			"\"?%s\"",
			p->name, p->section);
		if (e < 0)
			return e;
	}
	return 0;
}

/* libbpf ties a program to one member of one type of the kernel. */
static bool use_is_other(const struct inspection *in, const struct program_use *a,
			 const struct program_use *b)
{
	const struct ops_map *m = &in->maps[a->map], *n = &in->maps[b->map];

	return !streq(m->kernel_type, n->kernel_type) ||
	       !streq(m->members[a->member].name, n->members[b->member].name);
}

static int note_reuse(struct inspection *in, const struct program *p)
{
	for (size_t i = 1; i < p->n_uses; i++) {
		const struct ops_map *m = &in->maps[p->uses[0].map], *n = &in->maps[p->uses[i].map];

		if (use_is_other(in, &p->uses[0], &p->uses[i]))
			return sentences_add(
				&in->notes,
				"program \"%s\" is both %s.%s and %s.%s: when loaded it "
				"can be only one member of one type",
				p->name, m->name, m->members[p->uses[0].member].name, n->name,
				n->members[p->uses[i].member].name);
	}
	return 0;
}

int reading_notes(struct reading *r)
{
	struct inspection *in = r->in;
	int e;

	if (in->n_maps == 0 && in->btf) {
		e = sentences_add(&in->notes, "no struct_ops map: nothing in it can be attached by "
					      "a policy");
		if (e < 0)
			return e;
	}
	/* Without BTF nothing is known to be referenced. */
	e = in->btf ? note_unreferenced(in) : 0;
	for (size_t i = 0; e == 0 && i < in->n_programs; i++)
		e = note_reuse(in, &in->programs[i]);
	return e;
}
