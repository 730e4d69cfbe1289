/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/btf-file.h"

#include <linux/btf.h>

#include "common/sentence.h"
#include "inspect/read-file.h"

/* vmlinux has about 10 MiB. */
#define BTF_SIZE_MAX (256U * 1024 * 1024)
#define NAMES_SIZE_MAX (1024U * 1024)

struct source {
	const char *path;
	int fd;
	size_t size;
};

static int refuse(const struct source *s, const char *why, char **ret_error)
{
	return sentence_error(ret_error, -EBADMSG, "kernel \"%s\" %s", s->path, why);
}

static int truncated(const struct source *s, char **ret_error)
{
	return refuse(s, "is truncated: a part of it lies beyond its end", ret_error);
}

/* size bytes at an offset, of which nobody has checked either. */
static int read_part(const struct source *s, uint64_t offset, uint64_t size, uint64_t max,
		     void **ret, char **ret_error)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	int r;

	if (offset > s->size || size > s->size - offset)
		return truncated(s, ret_error);
	if (size > max)
		return refuse(s, "has more BTF than any kernel", ret_error);
	bytes = malloc(MAX(size, (uint64_t)1));
	if (!bytes)
		return -ENOMEM;
	r = read_exactly(s->fd, offset, bytes, size);
	if (r < 0)
		return sentence_error(ret_error, r, "kernel \"%s\" cannot be read: %s", s->path,
				      strerror(-r));
	*ret = TAKE_PTR(bytes);
	return 0;
}

static int no_table(const struct source *s, char **ret_error)
{
	return refuse(s, "has no usable ELF section table", ret_error);
}

/* libelf would read a table of any size, and unpack a compressed one. */
static int check_names(const struct source *s, Elf_Scn *names, char **ret_error)
{
	GElf_Shdr h;

	if (!gelf_getshdr(names, &h) || h.sh_type != SHT_STRTAB || h.sh_size > NAMES_SIZE_MAX ||
	    (h.sh_flags & SHF_COMPRESSED))
		return no_table(s, ret_error);
	return elf_rawdata(names, NULL) ? 0 : truncated(s, ret_error);
}

static int find_section(const struct source *s, GElf_Shdr *ret, char **ret_error)
{
	_cleanup_(elf_endp) Elf *elf = NULL;
	Elf_Scn *section = NULL;
	size_t n, names;
	int r;

	elf_version(EV_CURRENT);
	elf = elf_begin(s->fd, ELF_C_READ, NULL);
	if (!elf)
		return sentence_error(ret_error, -EBADMSG,
				      "kernel \"%s\" cannot be read: libelf says \"%s\"", s->path,
				      elf_errmsg(-1));
	if (elf_getshdrnum(elf, &n) < 0 || n == 0)
		return truncated(s, ret_error);
	if (elf_getshdrstrndx(elf, &names) < 0)
		return no_table(s, ret_error);
	r = check_names(s, elf_getscn(elf, names), ret_error);
	if (r < 0)
		return r;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr h;

		if (!gelf_getshdr(section, &h) ||
		    !streq(or_empty(elf_strptr(elf, names, h.sh_name)), ".BTF"))
			continue;
		*ret = h;
		return 0;
	}
	return refuse(s, "has no section \".BTF\": it was built without CONFIG_DEBUG_INFO_BTF",
		      ret_error);
}

static int read_elf(const struct source *s, uint8_t **ret_bytes, struct span *ret, char **ret_error)
{
	_cleanup_(freep) void *header = NULL, *bytes = NULL;
	GElf_Shdr section = {0};
	const Elf64_Ehdr *h;
	int r;

	r = read_part(s, 0, sizeof(*h), BTF_SIZE_MAX, &header, ret_error);
	if (r < 0)
		return r;
	h = header;
	if (h->e_ident[EI_CLASS] != ELFCLASS64)
		return refuse(s, "is not of 64 bits, but BPF objects are", ret_error);
	if (h->e_ident[EI_DATA] != NATIVE_ELFDATA)
		return refuse(s, "is of machines of the other byte order", ret_error);
	if (!elf_table_is_usable(h))
		return no_table(s, ret_error);
	r = find_section(s, &section, ret_error);
	if (r < 0)
		return r;
	r = read_part(s, section.sh_offset, section.sh_size, BTF_SIZE_MAX, &bytes, ret_error);
	if (r < 0)
		return r;
	*ret_bytes = TAKE_PTR(bytes);
	*ret = (struct span){*ret_bytes, section.sh_size};
	return 0;
}

static int read_raw(const struct source *s, uint8_t **ret_bytes, struct span *ret, char **ret_error)
{
	void *bytes = NULL;
	int r;

	r = read_part(s, 0, s->size, BTF_SIZE_MAX, &bytes, ret_error);
	if (r < 0)
		return r;
	*ret_bytes = bytes;
	*ret = (struct span){bytes, s->size};
	return 0;
}

int btf_file_read(const char *path, uint8_t **ret_bytes, struct span *ret, char **ret_error)
{
	_cleanup_(closep) int fd = -EBADF;
	struct source s = {.path = path};
	char start[SELFMAG] = "";
	uint16_t magic;
	int r;

	r = regular_file_open("kernel", path, &fd, &s.size, ret_error);
	if (r < 0)
		return r;
	s.fd = fd;
	r = read_exactly(fd, 0, start, MIN(s.size, sizeof(start)));
	if (r < 0)
		return sentence_error(ret_error, r, "kernel \"%s\" cannot be read: %s", path,
				      strerror(-r));
	memcpy(&magic, start, sizeof(magic));
	if (memcmp(start, ELFMAG, SELFMAG) == 0)
		return read_elf(&s, ret_bytes, ret, ret_error);
	if (magic == BTF_MAGIC)
		return read_raw(&s, ret_bytes, ret, ret_error);
	return refuse(&s,
		      "is neither BTF nor an ELF file with BTF; a compressed image (vmlinuz) has "
		      "to be unpacked by extract-vmlinux of the kernel's sources",
		      ret_error);
}
