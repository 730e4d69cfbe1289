/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sections of a BPF object that is in memory. No library: these few structures are read with every offset
 * checked, and a hostile file is what this floor is for. Once elf_file_init() has said yes, all sections lie within
 * the file and every text ends.
 */
#pragma once

#include <elf.h>

#include "common/macro.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ELFDATA ELFDATA2LSB
#else
#define NATIVE_ELFDATA ELFDATA2MSB
#endif

/* Bytes of somebody else's. */
struct span {
	const uint8_t *bytes;
	size_t size;
};

struct elf_file {
	struct span file;
	size_t n_sections;
	size_t table;  /* offset of the section table */
	size_t names;  /* which section has the names */
	size_t symtab; /* the symbol table; 0: none */
};

/*
 * name: for the sentences. 0: the bytes must stay as long as *ret is in use. -EBADMSG with *ret_error, a sentence
 * that the caller frees: no ELF file, truncated, of the other byte order, no BPF object. -ENOMEM.
 */
int elf_file_init(struct elf_file *ret, const void *bytes, size_t size, const char *name,
		  char **ret_error);

/* i < n_sections. */
Elf64_Shdr elf_section(const struct elf_file *f, size_t i);
const char *elf_section_name(const struct elf_file *f, size_t i);
/* What stands in the file; nothing for SHT_NOBITS. */
struct span elf_section_content(const struct elf_file *f, size_t i);

/* "" for what lies outside of the table, and for a table that is none. */
const char *elf_string(const struct elf_file *f, size_t table, size_t offset);
