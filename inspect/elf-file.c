/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/elf-file.h"

#include "common/sentence.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OTHER_TARGET "big-endian"
#define NATIVE_TARGET "bpfel"
#else
#define OTHER_TARGET "little-endian"
#define NATIVE_TARGET "bpfeb"
#endif

static bool is_inside(const struct elf_file *f, uint64_t offset, uint64_t size)
{
	return offset <= f->file.size && size <= f->file.size - offset;
}

static int check_header(const struct elf_file *f, const Elf64_Ehdr *h, const char *name,
			char **ret_error)
{
	if (f->file.size == 0)
		return sentence_error(ret_error, -EBADMSG, "object \"%s\" is empty", name);
	if (f->file.size < SELFMAG || memcmp(f->file.bytes, ELFMAG, SELFMAG) != 0)
		return sentence_error(
			ret_error, -EBADMSG,
			"object \"%s\" is not an ELF file, so not a compiled BPF object", name);
	if (f->file.size < sizeof(*h))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is truncated: it ends within its ELF header",
				      name);
	if (h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_ident[EI_DATA] != NATIVE_ELFDATA)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" was compiled for " OTHER_TARGET
				      " machines and this one is not: compile it with clang "
				      "-target " NATIVE_TARGET,
				      name);
	/* Compilers before LLVM 6 wrote EM_NONE. */
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_type != ET_REL ||
	    (h->e_machine != EM_BPF && h->e_machine != EM_NONE))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is an ELF file, but not a BPF object "
				      "(machine %u, type %u): compile it with clang -target bpf "
				      "-g -O2 -c",
				      name, h->e_machine, h->e_type);
	return 0;
}

static int check_table(const struct elf_file *f, const Elf64_Ehdr *h, const char *name,
		       char **ret_error)
{
	Elf64_Shdr names;

	if (h->e_shnum == 0 || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" has no usable ELF section table", name);
	if (!is_inside(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is truncated: its section table lies beyond "
				      "its end (%zu bytes)",
				      name, f->file.size);
	names = elf_section(f, h->e_shstrndx);
	if (names.sh_type != SHT_STRTAB)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" has no table of section names", name);
	return 0;
}

/* Every text of a string table that ends with a NUL ends within it. */
static bool is_usable(const struct elf_file *f, const Elf64_Shdr *s)
{
	if (s->sh_type == SHT_STRTAB)
		return s->sh_size > 0 && f->file.bytes[s->sh_offset + s->sh_size - 1] == '\0';
	if (s->sh_type == SHT_SYMTAB)
		return s->sh_entsize == sizeof(Elf64_Sym) && s->sh_link < f->n_sections;
	return true;
}

static int check_section(const struct elf_file *f, size_t i, const char *name, char **ret_error)
{
	Elf64_Shdr s = elf_section(f, i);

	if (s.sh_type == SHT_NOBITS || s.sh_type == SHT_NULL)
		return 0;
	if (!is_inside(f, s.sh_offset, s.sh_size))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is truncated or damaged: the content of "
				      "section %zu lies beyond its end (%zu bytes)",
				      name, i, f->file.size);
	if (!is_usable(f, &s))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is damaged: section %zu is no %s table", name,
				      i, s.sh_type == SHT_STRTAB ? "string" : "symbol");
	return 0;
}

int elf_file_init(struct elf_file *ret, const void *bytes, size_t size, const char *name,
		  char **ret_error)
{
	struct elf_file f = {.file = {bytes, size}};
	Elf64_Ehdr h = {0};
	int r;

	if (size > 0)
		memcpy(&h, bytes, MIN(size, sizeof(h)));
	r = check_header(&f, &h, name, ret_error);
	if (r < 0)
		return r;
	f.table = h.e_shoff;
	r = check_table(&f, &h, name, ret_error);
	if (r < 0)
		return r;
	f.n_sections = h.e_shnum;
	f.names = h.e_shstrndx;
	for (size_t i = 0; i < f.n_sections; i++) {
		r = check_section(&f, i, name, ret_error);
		if (r < 0)
			return r;
		if (elf_section(&f, i).sh_type == SHT_SYMTAB)
			f.symtab = i;
	}
	*ret = f;
	return 0;
}

/* Copied: nothing says that the headers are aligned in the file. */
Elf64_Shdr elf_section(const struct elf_file *f, size_t i)
{
	Elf64_Shdr s;

	memcpy(&s, f->file.bytes + f->table + i * sizeof(s), sizeof(s));
	return s;
}

const char *elf_section_name(const struct elf_file *f, size_t i)
{
	return elf_string(f, f->names, elf_section(f, i).sh_name);
}

struct span elf_section_content(const struct elf_file *f, size_t i)
{
	Elf64_Shdr s = elf_section(f, i);

	if (s.sh_type == SHT_NOBITS || s.sh_type == SHT_NULL)
		return (struct span){0};
	return (struct span){f->file.bytes + s.sh_offset, s.sh_size};
}

const char *elf_string(const struct elf_file *f, size_t table, size_t offset)
{
	Elf64_Shdr s;

	if (table >= f->n_sections)
		return "";
	s = elf_section(f, table);
	if (s.sh_type != SHT_STRTAB || offset >= s.sh_size)
		return "";
	return (const char *)f->file.bytes + s.sh_offset + offset;
}
