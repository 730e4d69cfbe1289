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

bool elf_table_is_usable(const Elf64_Ehdr *h)
{
	return h->e_shnum > 0 && h->e_shnum < SHN_LORESERVE && h->e_shentsize == sizeof(Elf64_Shdr);
}

static int check_header(size_t size, const Elf64_Ehdr *h, const char *name, char **ret_error)
{
	if (size == 0)
		return sentence_error(ret_error, -EBADMSG, "object \"%s\" is empty", name);
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return sentence_error(
			ret_error, -EBADMSG,
			"object \"%s\" is not an ELF file, so not a compiled BPF object", name);
	if (size < sizeof(*h))
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
	if (h->e_ident[EI_VERSION] != EV_CURRENT)
		return sentence_error(
			ret_error, -EBADMSG,
			"object \"%s\" is damaged: its ELF header is of version %u, and "
			"there is only version %d",
			name, h->e_ident[EI_VERSION], EV_CURRENT);
	if (!elf_table_is_usable(h))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" has no usable ELF section table", name);
	return 0;
}

static int check_table(struct elf_file *f, size_t size, const char *name, char **ret_error)
{
	if (elf_getshdrnum(f->elf, &f->n_sections) < 0 || f->n_sections == 0)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is truncated: its section table lies beyond "
				      "its end (%zu bytes)",
				      name, size);
	if (elf_getshdrstrndx(f->elf, &f->names) < 0 || f->names >= f->n_sections)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" has no usable ELF section table", name);
	if (elf_section(f, f->names).sh_type != SHT_STRTAB)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" has no table of section names", name);
	return 0;
}

/*
 * Every text of a string table that ends with a NUL ends within it. libelf would unpack a compressed one, to a thousand
 * times its size.
 */
static bool is_usable(const struct elf_file *f, const GElf_Shdr *s, const Elf_Data *data)
{
	const char *bytes = data->d_buf;

	if (s->sh_type != SHT_STRTAB && s->sh_type != SHT_SYMTAB)
		return true;
	if (s->sh_flags & SHF_COMPRESSED)
		return false;
	if (s->sh_type == SHT_STRTAB)
		return data->d_size > 0 && bytes[data->d_size - 1] == '\0';
	return s->sh_entsize == sizeof(Elf64_Sym) && s->sh_link < f->n_sections;
}

static int check_section(const struct elf_file *f, size_t i, size_t size, const char *name,
			 char **ret_error)
{
	GElf_Shdr s = elf_section(f, i);
	const Elf_Data *data;

	if (s.sh_type == SHT_NOBITS || s.sh_type == SHT_NULL)
		return 0;
	if (s.sh_offset > size || s.sh_size > size - s.sh_offset)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is truncated or damaged: the content of "
				      "section %zu lies beyond its end (%zu bytes)",
				      name, i, size);
	data = elf_rawdata(elf_getscn(f->elf, i), NULL);
	if (!data)
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is damaged: section %zu does not consist of "
				      "whole entries (libelf: %s)",
				      name, i, elf_errmsg(-1));
	if (!is_usable(f, &s, data))
		return sentence_error(ret_error, -EBADMSG,
				      "object \"%s\" is damaged: section %zu is no %s table", name,
				      i, s.sh_type == SHT_STRTAB ? "string" : "symbol");
	return 0;
}

int elf_file_init(struct elf_file *ret, const void *bytes, size_t size, const char *name,
		  char **ret_error)
{
	_cleanup_(elf_endp) Elf *elf = NULL;
	struct elf_file f = {0};
	Elf64_Ehdr h = {0};
	int r;

	if (size > 0)
		memcpy(&h, bytes, MIN(size, sizeof(h)));
	r = check_header(size, &h, name, ret_error);
	if (r < 0)
		return r;
	elf_version(EV_CURRENT);
	/* Of this byte order, and never written: libelf leaves the bytes as they are. */
	f.elf = elf = elf_memory((char *)bytes, size);
	if (!elf)
		return -ENOMEM;
	r = check_table(&f, size, name, ret_error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f.n_sections; i++) {
		r = check_section(&f, i, size, name, ret_error);
		if (r < 0)
			return r;
		if (elf_section(&f, i).sh_type == SHT_SYMTAB)
			f.symtab = i;
	}
	TAKE_PTR(elf);
	*ret = f;
	return 0;
}

void elf_file_done(struct elf_file *f)
{
	elf_end(f->elf);
	*f = (struct elf_file){0};
}

GElf_Shdr elf_section(const struct elf_file *f, size_t i)
{
	GElf_Shdr s = {0};

	gelf_getshdr(elf_getscn(f->elf, i), &s);
	return s;
}

const char *elf_section_name(const struct elf_file *f, size_t i)
{
	return elf_string(f, f->names, elf_section(f, i).sh_name);
}

struct span elf_section_content(const struct elf_file *f, size_t i)
{
	const Elf_Data *data = elf_rawdata(elf_getscn(f->elf, i), NULL);

	/* SHT_NOBITS has a size, and no bytes. SHT_NULL was not checked. */
	if (!data || !data->d_buf || elf_section(f, i).sh_type == SHT_NULL)
		return (struct span){0};
	return (struct span){data->d_buf, data->d_size};
}

Elf_Data *elf_section_entries(const struct elf_file *f, size_t i)
{
	return elf_getdata(elf_getscn(f->elf, i), NULL);
}

const char *elf_string(const struct elf_file *f, size_t table, size_t offset)
{
	return or_empty(elf_strptr(f->elf, table, offset));
}
