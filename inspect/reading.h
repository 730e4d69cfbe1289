/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an inspection comes about. Each reading_…() adds to it: 0, or -ENOMEM; what is wrong with the file is noted. */
#pragma once

#include "inspect/inspection.h"
#include "inspect/symbols.h"

struct reading {
	struct inspection *in;
	struct elf_file elf;
	struct symbols symbols;
};

/* As inspection_new(); the bytes are consumed. */
int inspection_take(const char *name, uint8_t *bytes, size_t size, struct inspection **ret,
		    char **ret_error);

int reading_license(struct reading *r);
int reading_programs(struct reading *r);
/* For each section of variables that BTF describes; after the programs. */
int reading_variables(struct reading *r);
int reading_relocations(struct reading *r);
/* After all others. */
int reading_notes(struct reading *r);

/* 0, -ENOMEM. */
int program_add_use(struct program *p, size_t map, size_t member);

/* items points to an array of n: makes room for one more, which is zeroed. 0, -ENOMEM. */
int make_room(void *items, size_t n, size_t size);

/* Of reading_variables(): one section's maps, or globals. */
struct variables {
	size_t section;
	const char *name;          /* the section's */
	const struct btf_type *of; /* a BTF_KIND_DATASEC */
};
int reading_maps(struct reading *r, const struct variables *v);
int reading_globals(struct reading *r, const struct variables *v);
/* Where the i-th variable is: clang leaves that to the symbols. -ENOENT: nowhere. */
int variable_offset(const struct reading *r, const struct variables *v, uint32_t i,
		    uint64_t *ret_offset);
/* The i-th variable; NULL for what is none. */
const struct btf_type *variable_at(const struct reading *r, const struct variables *v, uint32_t i);

/* Section of struct_ops maps, without a leading "?". */
bool is_struct_ops_section(const char *name);
/* The program that begins there; NULL: none does. */
struct program *program_at(const struct inspection *in, size_t section, uint64_t offset);
