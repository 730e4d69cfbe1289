/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/variable.h"

static int visit_section(const struct attempt *a, const struct btf_type *section,
			 int (*f)(const struct variable *v, void *userdata), void *userdata)
{
	const char *section_name = or_empty(btf__name_by_offset(a->btf, section->name_off));
	struct variable v = {.btf = a->btf};

	v.map = bpf_object__find_map_by_name(a->object, section_name);
	if (v.map && !bpf_map__initial_value(v.map, &v.map_size))
		v.map = NULL;
	for (uint32_t i = 0; i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(section)[i];
		const struct btf_type *t = btf__type_by_id(a->btf, info->type);
		int r;

		if (!t || !btf_is_var(t))
			continue;
		v.name = or_empty(btf__name_by_offset(a->btf, t->name_off));
		v.type_id = t->type;
		v.offset = info->offset;
		r = f(&v, userdata);
		if (r != 0)
			return r;
	}
	return 0;
}

int variables_visit(const struct attempt *a, int (*f)(const struct variable *v, void *userdata),
		    void *userdata)
{
	for (uint32_t id = 1; id < btf__type_cnt(a->btf); id++) {
		const struct btf_type *t = btf__type_by_id(a->btf, id);
		int r = btf_is_datasec(t) ? visit_section(a, t, f, userdata) : 0;

		if (r != 0)
			return r;
	}
	return 0;
}

struct search {
	const char *name;        /* NULL: any */
	const char *struct_name; /* NULL: any type */
	struct variable *ret;
};

static bool is_struct(const struct variable *v, const char *name)
{
	const struct btf_type *t = btf_resolve(v->btf, v->type_id);

	return t && btf_is_struct(t) &&
	       streq(or_empty(btf__name_by_offset(v->btf, t->name_off)), name);
}

static int matches(const struct variable *v, void *userdata)
{
	struct search *s = userdata;

	if ((s->name && !streq(v->name, s->name)) ||
	    (s->struct_name && !is_struct(v, s->struct_name)))
		return 0;
	*s->ret = *v;
	return 1;
}

bool variable_find(const struct attempt *a, const char *name, struct variable *ret)
{
	struct search s = {.name = name, .ret = ret};

	return variables_visit(a, matches, &s) == 1;
}

bool variable_find_of(const struct attempt *a, const char *struct_name, struct variable *ret)
{
	struct search s = {.struct_name = struct_name, .ret = ret};

	return variables_visit(a, matches, &s) == 1;
}

struct place variable_place(const struct variable *v)
{
	return (struct place){.btf = v->btf, .type_id = v->type_id, .offset = v->offset};
}

void *variable_bytes(const struct variable *v, size_t size)
{
	struct place place = variable_place(v);
	size_t map_size = 0;
	char *image = v->map ? bpf_map__initial_value(v->map, &map_size) : NULL;

	if (!image || place_size(&place) != size || v->offset > map_size ||
	    size > map_size - v->offset)
		return NULL;
	return image + v->offset;
}
