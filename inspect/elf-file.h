/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sections of a BPF object that is in memory, by way of libelf, which reads the caller's bytes in place: nothing is
 * converted or unpacked. What libelf believes without a look, and what only a sentence can tell an administrator, is
 * checked first. Once elf_file_init() has said yes, all sections lie within the bytes and every text ends.
 */
#pragma once

#include <gelf.h>

#include "common/macro.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ELFDATA ELFDATA2LSB
#else
#define NATIVE_ELFDATA ELFDATA2MSB
#endif

DEFINE_CLEANUP(Elf *, elf_end)

/* Bytes of somebody else's. */
struct span {
	const uint8_t *bytes;
	size_t size;
};

struct elf_file {
	Elf *elf;
	size_t n_sections;
	size_t names;  /* which section has the names */
	size_t symtab; /* the symbol table; 0: none */
};

/*
 * name: for the sentences. 0: the bytes must stay as long as *ret is in use, and elf_file_done() ends that. -EBADMSG
 * with *ret_error, a sentence that the caller frees: no ELF file, truncated, of the other byte order, no BPF object.
 * -ENOMEM.
 */
int elf_file_init(struct elf_file *ret, const void *bytes, size_t size, const char *name,
		  char **ret_error);
void elf_file_done(struct elf_file *f);

/*
 * Whether libelf may have the file of this header, which is of 64 bits and of this byte order: it allocates for as many
 * sections as there are said to be. Files of 65280 sections or more keep their number elsewhere, and are refused.
 */
bool elf_table_is_usable(const Elf64_Ehdr *h);

/* i < n_sections. */
GElf_Shdr elf_section(const struct elf_file *f, size_t i);
const char *elf_section_name(const struct elf_file *f, size_t i);
/* What stands in the file; nothing for SHT_NOBITS. */
struct span elf_section_content(const struct elf_file *f, size_t i);

/* Entries for gelf_getsym() and gelf_getrel(), aligned for these; NULL: no memory. */
Elf_Data *elf_section_entries(const struct elf_file *f, size_t i);

/* "" for what lies outside of the table, and for a table that is none. */
const char *elf_string(const struct elf_file *f, size_t table, size_t offset);
