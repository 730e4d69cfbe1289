/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first look at the ELF file without any library: libbpf's own answer to most of these mistakes is one number,
 * and libelf reads a hostile file less carefully than this.
 */
#include <elf.h>

#include "daemon/kernel/object-file.h"
#include "daemon/kernel/verdict.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ELFDATA ELFDATA2LSB
#define OTHER_TARGET "big-endian"
#define NATIVE_TARGET "bpfel"
#else
#define NATIVE_ELFDATA ELFDATA2MSB
#define OTHER_TARGET "little-endian"
#define NATIVE_TARGET "bpfeb"
#endif

static bool is_inside(const struct object_file *f, uint64_t offset, uint64_t size)
{
	return offset <= f->size && size <= f->size - offset;
}

static int truncated(const struct object_file *f, struct outcome *o, const char *what)
{
	return verdict_refused(
		o, 0,
		"object \"%s\" is truncated: its %s lies beyond its end (%zu bytes). Copy it again",
		f->path, what, f->size);
}

static int check_header(const struct object_file *f, const Elf64_Ehdr *h, struct outcome *o)
{
	if (f->size == 0)
		return verdict_refused(o, 0, "object \"%s\" is empty. Copy it again", f->path);
	if (f->size < SELFMAG || memcmp(f->bytes, ELFMAG, SELFMAG) != 0)
		return verdict_refused(
			o, 0, "object \"%s\" is not an ELF file, so not a compiled BPF object",
			f->path);
	if (f->size < sizeof(*h))
		return truncated(f, o, "ELF header");
	if (h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_ident[EI_DATA] != NATIVE_ELFDATA)
		return verdict_refused(o, 0,
				       "object \"%s\" was compiled for " OTHER_TARGET
				       " machines and this one is not: compile it with clang "
				       "-target " NATIVE_TARGET,
				       f->path);
	/* Compilers before LLVM 6 wrote EM_NONE. */
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_type != ET_REL ||
	    (h->e_machine != EM_BPF && h->e_machine != EM_NONE))
		return verdict_refused(o, 0,
				       "object \"%s\" is an ELF file, but not a BPF object "
				       "(machine %u, type %u): compile it "
				       "with clang -target bpf -g -O2 -c",
				       f->path, h->e_machine, h->e_type);
	return 0;
}

/* The section headers are copied: nothing says that they are aligned in the file. */
static Elf64_Shdr section_at(const struct object_file *f, const Elf64_Ehdr *h, size_t i)
{
	Elf64_Shdr s;

	memcpy(&s, (const char *)f->bytes + h->e_shoff + i * sizeof(s), sizeof(s));
	return s;
}

static bool section_is(const struct object_file *f, const Elf64_Shdr *names, const Elf64_Shdr *s,
		       const char *name)
{
	const char *bytes = f->bytes;
	size_t length = strlen(name) + 1;

	return s->sh_name < names->sh_size && names->sh_size - s->sh_name >= length &&
	       memcmp(bytes + names->sh_offset + s->sh_name, name, length) == 0;
}

static int check_sections(const struct object_file *f, const Elf64_Ehdr *h, struct outcome *o)
{
	Elf64_Shdr names;
	bool has_btf = false;

	if (h->e_shnum == 0 || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum)
		return verdict_refused(o, 0, "object \"%s\" has no usable ELF section table",
				       f->path);
	if (!is_inside(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return truncated(f, o, "section table");
	names = section_at(f, h, h->e_shstrndx);
	if (!is_inside(f, names.sh_offset, names.sh_size))
		return truncated(f, o, "table of section names");
	for (size_t i = 0; i < h->e_shnum; i++) {
		Elf64_Shdr s = section_at(f, h, i);

		if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL &&
		    !is_inside(f, s.sh_offset, s.sh_size))
			return truncated(f, o, "content");
		if (s.sh_size > 0 && section_is(f, &names, &s, ".BTF"))
			has_btf = true;
	}
	if (!has_btf)
		return verdict_refused(o, 0,
				       "object \"%s\" has no BTF (type information): compile it "
				       "with clang -g, and strip it "
				       "with llvm-strip -g at most",
				       f->path);
	return 0;
}

int object_file_check_elf(const struct object_file *f, struct outcome *o)
{
	Elf64_Ehdr h = {0};
	int r;

	memcpy(&h, f->bytes, MIN(f->size, sizeof(h)));
	r = check_header(f, &h, o);
	if (r < 0)
		return r;
	return check_sections(f, &h, o);
}
