/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The symbol table, and where a variable of a name is. */
#pragma once

#include "inspect/elf-file.h"

struct symbol {
	const char *name; /* in the file */
	uint64_t value, size;
	size_t section; /* may be one of SHN_… */
	uint8_t type;   /* STT_… */
	uint8_t bind;   /* STB_… */
};

struct symbols {
	struct symbol *items; /* by index, as relocations name them */
	size_t n;
	struct symbol **by_name; /* by section and name */
};

/* At most max symbols. 0, -ENOMEM. */
int symbols_read(struct symbols *ret, const struct elf_file *f, size_t max);
void symbols_done(struct symbols *s);

/* NULL: there is none of that name in the section. */
const struct symbol *symbols_find(const struct symbols *s, size_t section, const char *name);
