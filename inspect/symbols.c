/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/symbols.h"

/* Of a longer name nothing more is compared: a hostile table may name one long text a million times. */
#define COMPARED_MAX 256

static struct symbol symbol_at(const struct elf_file *f, size_t names, Elf_Data *table, size_t i)
{
	GElf_Sym s = {0};

	gelf_getsym(table, (int)i, &s);
	return (struct symbol){
		.name = elf_string(f, names, s.st_name),
		.value = s.st_value,
		.size = s.st_size,
		.section = s.st_shndx,
		.type = GELF_ST_TYPE(s.st_info),
		.bind = GELF_ST_BIND(s.st_info),
	};
}

static int compare(const struct symbol *a, const struct symbol *b)
{
	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	return strncmp(a->name, b->name, COMPARED_MAX);
}

static int compare_entries(const void *a, const void *b)
{
	return compare(*(struct symbol *const *)a, *(struct symbol *const *)b);
}

int symbols_read(struct symbols *ret, const struct elf_file *f, size_t max)
{
	Elf_Data *table = f->symtab ? elf_section_entries(f, f->symtab) : NULL;
	size_t names = elf_section(f, f->symtab).sh_link;
	struct symbols s = {.n = table ? MIN(table->d_size / sizeof(Elf64_Sym), max) : 0};

	if (f->symtab && !table)
		return -ENOMEM;
	s.items = calloc(s.n + 1, sizeof(*s.items));
	s.by_name = calloc(s.n + 1, sizeof(struct symbol *));
	if (!s.items || !s.by_name) {
		symbols_done(&s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s.n; i++) {
		s.items[i] = symbol_at(f, names, table, i);
		s.by_name[i] = &s.items[i];
	}
	qsort(s.by_name, s.n, sizeof(struct symbol *), compare_entries);
	*ret = s;
	return 0;
}

void symbols_done(struct symbols *s)
{
	free(s->items);
	free(s->by_name);
	*s = (struct symbols){0};
}

const struct symbol *symbols_find(const struct symbols *s, size_t section, const char *name)
{
	const struct symbol wanted = {.section = section, .name = name}, *key = &wanted;
	struct symbol **found = bsearch(&key, s->by_name, s->n, sizeof(struct symbol *),
					compare_entries);

	return found ? *found : NULL;
}
