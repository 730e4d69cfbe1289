/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The licence, and the programs: the functions in sections of code other than .text, which has their helpers. */
#include "inspect/reading.h"

#define LICENSE_MAX 128
#define INSTRUCTION_SIZE 8

int reading_license(struct reading *r)
{
	for (size_t i = 0; i < r->elf.n_sections; i++) {
		struct span s = elf_section_content(&r->elf, i);
		char text[LICENSE_MAX] = "";

		if (!streq(elf_section_name(&r->elf, i), "license") || s.size == 0)
			continue;
		memcpy(text, s.bytes, MIN(s.size, sizeof(text) - 1));
		r->in->license = name_copy(text);
		return r->in->license ? 0 : -ENOMEM;
	}
	return sentences_add(&r->in->notes,
			     "no licence: the kernel loads struct_ops programs only with a "
			     "GPL-compatible one");
}

static bool is_code(const struct reading *r, size_t section)
{
	GElf_Shdr s;

	if (section == SHN_UNDEF || section >= r->elf.n_sections)
		return false;
	s = elf_section(&r->elf, section);
	return s.sh_type == SHT_PROGBITS && (s.sh_flags & SHF_EXECINSTR) &&
	       !streq(elf_section_name(&r->elf, section), ".text");
}

/* "struct_ops", "struct_ops/anything", and the same of "struct_ops.s". */
static bool section_has(const char *name, const char *word)
{
	size_t n = strlen(word);

	return strncmp(name, word, n) == 0 && (name[n] == '\0' || name[n] == '/');
}

static int program_init(struct program *p, const struct symbol *s, const char *section)
{
	p->section_index = s->section;
	p->offset = s->value;
	p->instructions = s->size / INSTRUCTION_SIZE;
	p->optional = *section == '?';
	p->sleepable = section_has(section + p->optional, "struct_ops.s");
	p->struct_ops = p->sleepable || section_has(section + p->optional, "struct_ops");
	p->name = name_copy(s->name);
	p->section = name_copy(section);
	return p->name && p->section ? 0 : -ENOMEM;
}

static int add_program(struct reading *r, const struct symbol *s)
{
	const char *section = elf_section_name(&r->elf, s->section);
	size_t size = elf_section_content(&r->elf, s->section).size;
	struct inspection *in = r->in;

	if (s->value > size || s->size > size - s->value)
		return sentences_add(
			&in->problems,
			"program \"%.*s\" reaches beyond the end of its section \"%.*s\"",
			BTF_NAME_MAX, s->name, BTF_NAME_MAX, section);
	if (s->bind == STB_LOCAL)
		return sentences_add(
			&in->problems,
			"program \"%.*s\" is static: libbpf does not take that, remove "
			"\"static\" in its source",
			BTF_NAME_MAX, s->name);
	if (make_room(&in->programs, in->n_programs, sizeof(*in->programs)) < 0)
		return -ENOMEM;
	return program_init(&in->programs[in->n_programs++], s, section);
}

static int compare_programs(const void *a, const void *b)
{
	const struct program *p = a, *q = b;

	if (p->section_index != q->section_index)
		return p->section_index < q->section_index ? -1 : 1;
	return p->offset < q->offset ? -1 : p->offset > q->offset;
}

int reading_programs(struct reading *r)
{
	struct inspection *in = r->in;
	int e = 0;

	for (size_t i = 0; e == 0 && i < r->symbols.n; i++) {
		const struct symbol *s = &r->symbols.items[i];

		if (s->type != STT_FUNC || !is_code(r, s->section))
			continue;
		if (in->n_programs == INSPECTION_PROGRAMS_MAX) {
			e = sentences_add(&in->problems,
					  "more than %d programs: the rest is left out",
					  INSPECTION_PROGRAMS_MAX);
			break;
		}
		e = add_program(r, s);
	}
	if (in->n_programs > 0)
		qsort(in->programs, in->n_programs, sizeof(*in->programs), compare_programs);
	return e;
}

struct program *program_at(const struct inspection *in, size_t section, uint64_t offset)
{
	const struct program key = {.section_index = section, .offset = offset};

	if (in->n_programs == 0)
		return NULL;
	return bsearch(&key, in->programs, in->n_programs, sizeof(key), compare_programs);
}
