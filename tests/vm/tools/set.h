/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hold.c can change in an object between open and load, without a skeleton. Every problem ends the program. */
#pragma once

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, int err)
{
	printf("%s: %s (%d)\n", what, strerror(err), err);
	exit(1);
}

/* Cuts "NAME[INDEX]=VALUE" into its parts. */
static void split(char *text, long *ret_index, char **ret_value)
{
	char *equals = strchr(text, '='), *bracket = strchr(text, '[');

	if (!equals)
		die(text, EINVAL);
	*equals = '\0';
	*ret_value = equals + 1;
	*ret_index = 0;
	if (!bracket || bracket > equals)
		return;
	*bracket = '\0';
	*ret_index = strtol(bracket + 1, NULL, 0);
}

/* Writes VALUE as a thing of that type: a number, a text, or a program of the object. */
static void write_value(struct bpf_object *object, __u32 type_id, void *place, long index,
			const char *value)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *t = btf__type_by_id(btf, btf__resolve_type(btf, type_id));
	unsigned long long number = strtoull(value, NULL, 0);
	struct bpf_program *program = NULL;
	__s64 size;

	if (btf_is_ptr(t)) {
		if (*value) {
			program = bpf_object__find_program_by_name(object, value);
			if (!program)
				die(value, ENOENT);
		}
		memcpy(place, &program, sizeof(program));
		return;
	}
	size = btf__resolve_size(btf, type_id);
	if (btf_is_array(t)) {
		size = btf__resolve_size(btf, btf_array(t)->type);
		if (size == 1 && index == 0 && number == 0 && strcmp(value, "0") != 0) {
			strcpy(place, value);
			return;
		}
	}
	memcpy((char *)place + index * size, &number, size);
}

/* "MEMBER=VALUE" of a struct_ops map */
static inline void set_member(struct bpf_object *object, struct bpf_map *map, char *text)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *t = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	size_t size;
	char *image = bpf_map__initial_value(map, &size), *value;
	const struct btf_member *m = btf_members(t);
	long index;

	split(text, &index, &value);
	for (__u32 i = 0; i < btf_vlen(t); i++, m++) {
		if (strcmp(btf__name_by_offset(btf, m->name_off), text) == 0) {
			write_value(object, m->type, image + btf_member_bit_offset(t, i) / 8, index,
				    value);
			return;
		}
	}
	die(text, ENOENT);
}

typedef void variable_fn(struct bpf_object *object, const char *name, __u32 type_id, void *place,
			 void *arg);

/* Calls f for each global variable of the object. */
static void for_each_global(struct bpf_object *object, variable_fn *f, void *arg)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const struct btf_type *t = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
		const struct btf_var_secinfo *v = t && btf_is_datasec(t) ? btf_var_secinfos(t)
									 : NULL;
		size_t size;
		char *image = v ? bpf_map__initial_value(map, &size) : NULL;

		for (__u32 i = 0; image && i < btf_vlen(t); i++) {
			const struct btf_type *variable = btf__type_by_id(btf, v[i].type);

			f(object, btf__name_by_offset(btf, variable->name_off), variable->type,
			  image + v[i].offset, arg);
		}
	}
}

struct wanted {
	const char *name, *value;
	long index;
	bool found;
};

static void write_if_wanted(struct bpf_object *object, const char *name, __u32 type_id, void *place,
			    void *arg)
{
	struct wanted *w = arg;

	if (strcmp(name, w->name) != 0)
		return;
	write_value(object, type_id, place, w->index, w->value);
	w->found = true;
}

/* "GLOBAL=VALUE" or "GLOBAL[INDEX]=VALUE" */
static inline void set_global(struct bpf_object *object, char *text)
{
	struct wanted w = {.name = text};
	char *value;

	split(text, &w.index, &value);
	w.value = value;
	for_each_global(object, write_if_wanted, &w);
	if (!w.found)
		die(text, ENOENT);
}

/* NAME among the kernel's enumerators; false: it has none of that name */
static bool kernel_enumerator(const struct btf *btf, const char *name, __u64 *ret)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		for (__u32 i = 0; btf_is_enum64(t) && i < btf_vlen(t); i++) {
			const struct btf_enum64 *e = btf_enum64(t) + i;

			if (strcmp(btf__name_by_offset(btf, e->name_off), name) == 0) {
				*ret = btf_enum64_value(e);
				return true;
			}
		}
		for (__u32 i = 0; btf_is_enum(t) && i < btf_vlen(t); i++) {
			const struct btf_enum *e = btf_enum(t) + i;

			if (strcmp(btf__name_by_offset(btf, e->name_off), name) == 0) {
				*ret = (__u32)e->val;
				return true;
			}
		}
	}
	return false;
}

static void fill_enum(struct bpf_object *object, const char *name, __u32 type_id, void *place,
		      void *arg)
{
	__u64 value;

	(void)object;
	(void)type_id;
	if (strncmp(name, "__SCX_", 6) == 0 && kernel_enumerator(arg, name + 2, &value))
		memcpy(place, &value, sizeof(value));
}

/* What the loader of a sched_ext object owes it: __SCX_x = SCX_x of the running kernel. */
static inline void fill_scx_enums(struct bpf_object *object)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		die("BTF of the kernel", errno);
	for_each_global(object, fill_enum, btf);
	btf__free(btf);
}
