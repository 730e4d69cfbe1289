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

static int add_notes(struct inspection *in)
{
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

int program_add_use(struct program *p, size_t map, size_t member)
{
	if (make_room(&p->uses, p->n_uses, sizeof(*p->uses)) < 0)
		return -ENOMEM;
	p->uses[p->n_uses++] = (struct program_use){map, member};
	return 0;
}

int reading_notes(struct reading *r)
{
	r->in->n_notes_before = r->in->notes.n;
	return add_notes(r->in);
}

static int find_uses(struct inspection *in, size_t map)
{
	for (size_t i = 0; i < in->maps[map].n_members; i++) {
		size_t program = in->maps[map].members[i].program;
		int e;

		if (program == NO_PROGRAM)
			continue;
		e = program_add_use(&in->programs[program], map, i);
		if (e < 0)
			return e;
	}
	return 0;
}

int inspection_programs_changed(struct inspection *in)
{
	int e = 0;

	for (size_t i = 0; i < in->n_programs; i++)
		in->programs[i].n_uses = 0;
	for (size_t i = 0; e == 0 && i < in->n_maps; i++)
		e = find_uses(in, i);
	sentences_cut(&in->notes, in->n_notes_before);
	return e < 0 ? e : add_notes(in);
}
