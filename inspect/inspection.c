/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/inspection.h"

#include <nettle/sha2.h>

#include "common/sentence.h"
#include "inspect/btf-bytes.h"
#include "inspect/reading.h"

static const char *const fate_table[] = {
	[FATE_UNKNOWN] = "unknown",
	[FATE_SAME] = "same",
	[FATE_MOVED] = "moved",
	[FATE_DROPPED] = "dropped",
	[FATE_MISSING] = "missing",
	[FATE_OTHER_SIZE] = "other-size",
	[FATE_OTHER_KIND] = "other-kind",
	[FATE_BITFIELD] = "bitfield",
	[FATE_NO_PROGRAM] = "no-program",
	[FATE_OTHER_MEMBER] = "other-member",
	[FATE_KERNEL_ONLY] = "kernel-only",
};
DEFINE_STRING_TABLE(fate, enum fate)

bool fate_is_refusal(enum fate fate)
{
	return fate >= FATE_MISSING && fate <= FATE_OTHER_MEMBER;
}

bool program_is_unreferenced(const struct program *p)
{
	return p->struct_ops && p->n_uses == 0;
}

static void hash(struct inspection *in)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, in->size, in->bytes);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(in->digest + 2 * i, 3, "%02x", digest[i]);
}

static int find_btf(const struct elf_file *f, struct span *ret)
{
	for (size_t i = 0; i < f->n_sections; i++) {
		if (!streq(elf_section_name(f, i), ".BTF"))
			continue;
		*ret = elf_section_content(f, i);
		if (ret->size > 0)
			return 0;
	}
	return -ENOENT;
}

/* Without BTF there is still something to be told. */
static int read_btf(struct reading *r)
{
	struct inspection *in = r->in;
	_cleanup_(freep) char *error = NULL;
	struct span s;
	int e;

	if (find_btf(&r->elf, &s) < 0)
		return sentences_add(
			&in->problems,
			"the object has no BTF (type information), so its maps and "
			"variables cannot be told: compile it with clang -g, and strip "
			"it with llvm-strip -g at most");
	e = btf_from_bytes(s, NULL, &in->btf, &error);
	if (e == -ENOMEM || (e < 0 && !error))
		return -ENOMEM;
	return e < 0 ? sentences_add(&in->problems, "the object %s", error) : 0;
}

static int read_parts(struct reading *r)
{
	static int (*const parts[])(struct reading * r) = {
		reading_license,     read_btf,      reading_programs, reading_variables,
		reading_relocations, reading_notes,
	};
	int e;

	e = symbols_read(&r->symbols, &r->elf, INSPECTION_SYMBOLS_MAX);
	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(parts); i++)
		e = parts[i](r);
	symbols_done(&r->symbols);
	return e;
}

int inspection_take(const char *name, uint8_t *bytes, size_t size, struct inspection **ret,
		    char **ret_error)
{
	_cleanup_(inspection_freep) struct inspection *in = calloc(1, sizeof(*in));
	struct reading reading = {.in = in};
	int r;

	if (!in) {
		free(bytes);
		return -ENOMEM;
	}
	in->bytes = bytes;
	in->size = size;
	in->name = strdup(name);
	if (!in->name)
		return -ENOMEM;
	r = elf_file_init(&reading.elf, in->bytes, size, name, ret_error);
	if (r < 0)
		return *ret_error ? r : -ENOMEM;
	hash(in);
	r = read_parts(&reading);
	elf_file_done(&reading.elf);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(in);
	return 0;
}

int inspection_new(const char *name, const void *bytes, size_t size, struct inspection **ret,
		   char **ret_error)
{
	uint8_t *copy = malloc(MAX(size, (size_t)1));

	if (!copy)
		return -ENOMEM;
	if (size > 0)
		memcpy(copy, bytes, size);
	return inspection_take(name, copy, size, ret, ret_error);
}

static void ops_map_done(struct ops_map *m)
{
	for (size_t i = 0; i < m->n_members; i++) {
		free(m->members[i].name);
		free(m->members[i].type);
	}
	free(m->members);
	free(m->name);
	free(m->section);
	free(m->type);
	free(m->kernel_type);
	free(m->module);
	free(m->image);
}

static void global_done(struct global *g)
{
	free(g->name);
	free(g->section);
	free(g->type);
	free(g->value);
}

static void program_done(struct program *p)
{
	free(p->name);
	free(p->section);
	free(p->uses);
}

struct inspection *inspection_free(struct inspection *in)
{
	if (!in)
		return NULL;
	for (size_t i = 0; i < in->n_maps; i++)
		ops_map_done(&in->maps[i]);
	for (size_t i = 0; i < in->n_programs; i++)
		program_done(&in->programs[i]);
	for (size_t i = 0; i < in->n_globals; i++)
		global_done(&in->globals[i]);
	free(in->maps);
	free(in->programs);
	free(in->globals);
	sentences_done(&in->problems);
	sentences_done(&in->notes);
	btf__free(in->btf);
	free(in->bytes);
	free(in->license);
	free(in->kernel);
	free(in->name);
	free(in);
	return NULL;
}

char *ops_member_value(const struct inspection *in, const struct ops_map *map,
		       const struct ops_member *m)
{
	const struct span image = {map->image, map->size};

	if (m->fate == FATE_KERNEL_ONLY || m->kind == TYPE_OPERATOR)
		return strdup("");
	if (m->bits == 0)
		return btf_value_text(in->btf, m->type_id,
				      (struct span){image.bytes + m->offset, m->size});
	return btf_bits_text(in->btf, m->type_id, image, m->bit_offset, m->bits);
}
