/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An object as somebody sends it, which is its own kernel, too: its BTF may have types bpf_struct_ops_T. */
#include "inspect/elf-file.h"
#include "inspect/value-image.h"
#include "tests/fuzz/fuzz.h"

static struct span btf_of(const struct inspection *in)
{
	_cleanup_(freep) char *error = NULL;
	struct span btf = {0};
	struct elf_file f;

	if (elf_file_init(&f, in->bytes, in->size, in->name, &error) < 0)
		abort();
	for (size_t i = 0; !btf.bytes && i < f.n_sections; i++)
		if (streq(elf_section_name(&f, i), ".BTF"))
			btf = elf_section_content(&f, i);
	elf_file_done(&f);
	return btf;
}

static void make_values(const struct inspection *in, struct kernel_types *k)
{
	for (size_t i = 0; i < in->n_maps; i++) {
		_cleanup_(value_image_freep) struct value_image *v = NULL;
		const struct ops_map *map = &in->maps[i];

		for (size_t m = 0; m < map->n_members; m++)
			free(ops_member_value(in, map, &map->members[m]));
		value_image_new(in, map, k, &v);
	}
}

static void compare(struct inspection *in)
{
	_cleanup_(kernel_types_freep) struct kernel_types *k = NULL;
	_cleanup_(freep) char *error = NULL;

	if (kernel_types_of_bytes("itself", btf_of(in), &k, &error) < 0)
		return;
	if (inspection_compare(in, k) == 0)
		make_values(in, k);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(freep) char *error = NULL;
	int r;

	r = inspection_new("input", bytes, size, &in, &error);
	if (r < 0 && !error)
		abort();
	if (r == 0)
		compare(in);
	return 0;
}
