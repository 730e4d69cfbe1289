/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/type-presence.h"

#include <bpf/btf.h>
#include <dirent.h>

#include "common/macro.h"
#include "common/sentence.h"

#define MODULES "/sys/kernel/btf"

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

static bool has(const struct btf *btf, const char *name)
{
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) >= 0;
}

static bool module_has(struct btf *vmlinux, const char *module, const char *name)
{
	_cleanup_(btf_freep) struct btf *btf = btf__load_module_btf(module, vmlinux);

	return has(btf, name);
}

bool type_is_present(const char *type)
{
	/* What the kernel makes of each type that is registered. */
	_cleanup_(freep) char *name = sentence("bpf_struct_ops_%s", type);
	_cleanup_(btf_freep) struct btf *vmlinux = btf__load_vmlinux_btf();
	_cleanup_(closedirp) DIR *modules = opendir(MODULES);

	if (!name || !vmlinux || !modules || has(vmlinux, name))
		return true;
	for (struct dirent *e; (e = readdir(modules));)
		if (e->d_name[0] != '.' && !streq(e->d_name, "vmlinux") &&
		    module_has(vmlinux, e->d_name, name))
			return true;
	return false;
}
