/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-module-btf KERNEL FOLDER: what /sys/kernel/btf would hold if that kernel had a module "imagined" with a
 * struct_ops type unregistered_ops, which the kernel itself has only as a struct.
 */
#include <bpf/btf.h>

#include "common/macro.h"

static void write_btf(const struct btf *btf, const char *folder, const char *name)
{
	char path[512];
	uint32_t size;
	const void *bytes = btf__raw_data(btf, &size);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (!f || !bytes || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct btf *kernel, *module;
	int data, common;

	if (argc != 3)
		return 2;
	kernel = btf__parse(argv[1], NULL);
	module = kernel ? btf__new_empty_split(kernel) : NULL;
	if (!module)
		return 1;
	common = btf__find_by_name_kind(kernel, "bpf_struct_ops_common_value", BTF_KIND_STRUCT);
	data = btf__find_by_name_kind(kernel, "unregistered_ops", BTF_KIND_STRUCT);
	btf__add_struct(module, "bpf_struct_ops_unregistered_ops", 128);
	btf__add_field(module, "common", common, 0, 0);
	btf__add_field(module, "data", data, 512, 0);
	write_btf(kernel, argv[2], "vmlinux");
	write_btf(module, argv[2], "imagined");
	btf__free(module);
	btf__free(kernel);
	return 0;
}
