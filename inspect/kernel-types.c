/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/kernel-types.h"

#include <dirent.h>
#include <sys/utsname.h>

#include "common/sentence.h"
#include "inspect/btf-bytes.h"
#include "inspect/btf-file.h"
#include "inspect/inspection.h"

#define BTF_FOLDER "/sys/kernel/btf"
#define VALUE_PREFIX "bpf_struct_ops_"

struct kernel_types {
	char *name;
	struct btf *vmlinux;
	char *folder; /* where those of modules are, as long as they have not been read; NULL: no more */
	struct btf **modules;
	size_t n_modules;
	struct kernel_type *types;
	size_t n_types;
};

/* Of the two members the first is the common one: until 6.8 two members refcnt and state stood in its place. */
static bool has_value_shape(const struct btf *btf, const struct btf_type *t, const char *type)
{
	const struct btf_type *data;
	uint32_t n = btf_vlen(t);

	if (n < 2 || n > 3 || !btf_name_is(btf, btf_members(t)[n - 1].name_off, "data"))
		return false;
	data = btf__type_by_id(btf, btf_members(t)[n - 1].type);
	return btf_is_struct(data) && btf_name_is(btf, data->name_off, type) &&
	       btf_vlen(data) <= INSPECTION_MEMBERS_MAX && t->size <= INSPECTION_STRUCT_MAX &&
	       btf_member_bit_offset(t, n - 1) / 8 + (uint64_t)data->size <= t->size;
}

static int add_type(struct kernel_types *k, const struct btf *btf, const struct btf_type *value,
		    const char *name, const char *module)
{
	uint32_t last = btf_vlen(value) - 1U;
	struct kernel_type *t;

	t = reallocarray(k->types, k->n_types + 1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	k->types = t;
	t += k->n_types;
	*t = (struct kernel_type){
		.btf = btf,
		.name = name_copy(name),
		.module = module ? name_copy(module) : NULL,
		.data = btf__type_by_id(btf, btf_members(value)[last].type),
		.value_size = value->size,
		.data_offset = btf_member_bit_offset(value, last) / 8,
	};
	k->n_types++;
	return t->name && (t->module || !module) ? 0 : -ENOMEM;
}

/* Types from an id on, since those before are the base's. */
static int add_types(struct kernel_types *k, const struct btf *btf, uint32_t first_id,
		     const char *module)
{
	for (uint32_t id = first_id; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf_is_struct(t) ? btf__name_by_offset(btf, t->name_off) : NULL;
		int r;

		if (!name || strncmp(name, VALUE_PREFIX, strlen(VALUE_PREFIX)) != 0)
			continue;
		name += strlen(VALUE_PREFIX);
		if (!has_value_shape(btf, t, name))
			continue;
		r = add_type(k, btf, t, name, module);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A module that cannot be read is passed over: its types are then not known, which is what is said. */
static int add_module(struct kernel_types *k, const char *folder, const char *module)
{
	_cleanup_(freep) char *path = sentence("%s/%s", folder, module), *error = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct span s;
	struct btf **grown;
	int r;

	if (!path)
		return -ENOMEM;
	r = btf_file_read(path, &bytes, &s, &error);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!memmem(s.bytes, s.size, VALUE_PREFIX, strlen(VALUE_PREFIX)))
		return 0;
	grown = reallocarray(k->modules, k->n_modules + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	k->modules = grown;
	free(error);
	error = NULL;
	r = btf_from_bytes(s, k->vmlinux, &grown[k->n_modules], &error);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return add_types(k, grown[k->n_modules++], btf__type_cnt(k->vmlinux), module);
}

static int add_modules(struct kernel_types *k)
{
	_cleanup_(freep) char *path = TAKE_PTR(k->folder);
	DIR *folder = path ? opendir(path) : NULL;
	const struct dirent *entry;
	int r = 0;

	while (folder && r == 0 && (entry = readdir(folder)))
		if (*entry->d_name != '.' && !streq(entry->d_name, "vmlinux"))
			r = add_module(k, path, entry->d_name);
	if (folder)
		closedir(folder);
	return r;
}

int kernel_types_of_bytes(const char *name, struct span s, struct kernel_types **ret,
			  char **ret_error)
{
	_cleanup_(kernel_types_freep) struct kernel_types *k = calloc(1, sizeof(*k));
	_cleanup_(freep) char *error = NULL;
	int r;

	if (!k)
		return -ENOMEM;
	k->name = strdup(name);
	if (!k->name)
		return -ENOMEM;
	if (btf_bytes_are_split(s))
		return sentence_error(
			ret_error, -EBADMSG,
			"kernel \"%s\" is BTF that goes on where another's ends, as a "
			"module's does: name the BTF of the kernel itself (vmlinux)",
			name);
	r = btf_from_bytes(s, NULL, &k->vmlinux, &error);
	if (r == -ENOMEM || (r < 0 && !error))
		return -ENOMEM;
	if (r < 0)
		return sentence_error(ret_error, r, "kernel \"%s\" %s", name, error);
	r = add_types(k, k->vmlinux, 1, NULL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(k);
	return 0;
}

static int read_and_find(const char *path, const char *name, struct kernel_types **ret,
			 char **ret_error)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct span s;
	int r;

	r = btf_file_read(path, &bytes, &s, ret_error);
	return r < 0 ? r : kernel_types_of_bytes(name, s, ret, ret_error);
}

/* Any ELF file may have BTF, an object above all; compared with one of these every type would be missing. */
int kernel_types_of_file(const char *path, struct kernel_types **ret, char **ret_error)
{
	_cleanup_(kernel_types_freep) struct kernel_types *k = NULL;
	int r;

	r = read_and_find(path, path, &k, ret_error);
	if (r < 0)
		return r;
	if (k->n_types == 0)
		return sentence_error(ret_error, -EBADMSG,
				      "kernel \"%s\" has BTF, but no struct_ops type in it: it is "
				      "no kernel (a BPF object, or a module), or was built without "
				      "CONFIG_BPF_JIT",
				      path);
	*ret = TAKE_PTR(k);
	return 0;
}

int kernel_types_of_folder(const char *folder, const char *name, struct kernel_types **ret,
			   char **ret_error)
{
	_cleanup_(freep) char *path = sentence("%s/vmlinux", folder), *copy = strdup(folder);
	_cleanup_(freep) char *title = sentence("%s (running)", name);
	int r;

	if (!path || !copy || !title)
		return -ENOMEM;
	if (access(path, F_OK) < 0)
		return sentence_error(ret_error, -errno,
				      "this kernel (%s) shows no BTF in %s: what it makes of the "
				      "object is not known. Its build needs "
				      "CONFIG_DEBUG_INFO_BTF=y; --kernel FILE takes another's",
				      name, folder);
	r = read_and_find(path, title, ret, ret_error);
	if (r == 0)
		(*ret)->folder = TAKE_PTR(copy);
	return r;
}

int kernel_types_of_running(struct kernel_types **ret, char **ret_error)
{
	struct utsname u;

	uname(&u);
	return kernel_types_of_folder(BTF_FOLDER, u.release, ret, ret_error);
}

struct kernel_types *kernel_types_free(struct kernel_types *k)
{
	if (!k)
		return NULL;
	for (size_t i = 0; i < k->n_types; i++) {
		free(k->types[i].name);
		free(k->types[i].module);
	}
	for (size_t i = 0; i < k->n_modules; i++)
		btf__free(k->modules[i]);
	free(k->modules);
	free(k->types);
	free(k->folder);
	btf__free(k->vmlinux);
	free(k->name);
	free(k);
	return NULL;
}

const char *kernel_types_name(const struct kernel_types *k)
{
	return k->name;
}

static const struct kernel_type *find(const struct kernel_types *k, const char *name)
{
	for (size_t i = 0; i < k->n_types; i++)
		if (streq(k->types[i].name, name))
			return &k->types[i];
	return NULL;
}

int kernel_types_find(struct kernel_types *k, const char *name, const struct kernel_type **ret)
{
	int r = 0;

	*ret = find(k, name);
	if (!*ret && k->folder) {
		r = add_modules(k);
		*ret = find(k, name);
	}
	if (r < 0)
		return r;
	return *ret ? 0 : -ENOENT;
}

int kernel_types_all(struct kernel_types *k, const struct kernel_type **ret, size_t *ret_n)
{
	int r = k->folder ? add_modules(k) : 0;

	if (r < 0)
		return r;
	*ret = k->types;
	*ret_n = k->n_types;
	return 0;
}

const struct btf *kernel_types_btf(const struct kernel_types *k)
{
	return k->vmlinux;
}

int kernel_type_member(const struct kernel_type *t, const char *name, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < btf_vlen(t->data); i++) {
		if (!btf_name_is(t->btf, btf_members(t->data)[i].name_off, name))
			continue;
		*ret_index = i;
		return 0;
	}
	return -ENOENT;
}
