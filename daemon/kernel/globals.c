/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Globals]: overrides of the object's variables in the images of its data maps. */
#include "common/nearest.h"
#include "daemon/core/path.h"
#include "daemon/kernel/override.h"

struct variable {
	const char *section;
	const struct btf_type *type; /* a BTF_KIND_VAR */
	size_t offset;
};

static bool is_data_section(const char *name)
{
	static const char *const sections[] = {".rodata", ".data", ".bss"};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t n = strlen(sections[i]);

		if (strncmp(name, sections[i], n) == 0 && (name[n] == '\0' || name[n] == '.'))
			return true;
	}
	return false;
}

static bool is_struct_ops_section(const char *name)
{
	return streq(name + (*name == '?'), ".struct_ops") ||
	       streq(name + (*name == '?'), ".struct_ops.link");
}

/* Looks through all sections, so that a variable that cannot be set can be told from none at all. */
static bool find_variable(const struct btf *btf, const char *name, struct variable *ret,
			  struct nearest *nearest)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *info;
		const char *section_name;

		if (!btf_is_datasec(section))
			continue;
		section_name = or_empty(btf__name_by_offset(btf, section->name_off));
		info = btf_var_secinfos(section);
		for (uint32_t i = 0; i < btf_vlen(section); i++) {
			const struct btf_type *t = btf__type_by_id(btf, info[i].type);
			const char *candidate = t ? or_empty(btf__name_by_offset(btf, t->name_off))
						  : "";

			if (t && btf_is_var(t) && streq(candidate, name)) {
				*ret = (struct variable){section_name, t, info[i].offset};
				return true;
			}
			if (is_data_section(section_name))
				nearest_offer(nearest, candidate);
		}
	}
	return false;
}

/* Qualifiers of an array stand with its elements. */
static void qualifiers(const struct btf *btf, uint32_t id, bool *is_const, bool *is_volatile)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	*is_const = *is_volatile = false;
	for (int depth = 0; t && depth < 32; depth++) {
		*is_const |= btf_is_const(t);
		*is_volatile |= btf_is_volatile(t);
		if (btf_is_array(t))
			t = btf__type_by_id(btf, btf_array(t)->type);
		else if (btf_is_mod(t) || btf_is_typedef(t))
			t = btf__type_by_id(btf, t->type);
		else
			return;
	}
}

static int check_variable(struct attempt *a, const struct override *v, const struct variable *var)
{
	bool is_const, is_volatile;

	/* libbpf has changed the linkage of externs to global by now; their sections tell. */
	if (streq(var->section, ".kconfig") || streq(var->section, ".ksyms"))
		return override_refuse(
			a, v, "Globals",
			"it is extern (section \"%s\"): the kernel gives its value, nobody "
			"else can",
			var->section);
	if (is_struct_ops_section(var->section))
		return override_refuse(
			a, v, "Globals",
			"it is a struct_ops map: its members are set in [Fields %.*s]",
			(int)strcspn(v->path, ".["), v->path);
	if (!is_data_section(var->section))
		return override_refuse(a, v, "Globals",
				       "it is in section \"%s\", which is no data of the programs",
				       var->section);
	qualifiers(a->btf, var->type->type, &is_const, &is_volatile);
	if (is_const && !is_volatile)
		return override_refuse(
			a, v, "Globals",
			"it is const but not volatile, so the compiler may have put its value "
			"straight into "
			"the code: declare it \"const volatile\" in the object's source");
	return 0;
}

static int find_global(struct attempt *a, const struct override *v, const char *name,
		       struct variable *ret)
{
	struct nearest nearest = NEAREST(name);

	if (find_variable(a->btf, name, ret, &nearest))
		return check_variable(a, v, ret);
	return override_refuse(a, v, "Globals",
			       "the object has no global variable \"%s\"" NEAREST_FORMAT
			       "; one that no program uses is not in it either",
			       name, NEAREST_ARGS(nearest));
}

static int write_global(struct attempt *a, const struct override *v)
{
	const char *rest = v->path;
	struct path_step first;
	struct variable var = {0};
	struct place place;
	struct bpf_map *map;
	_cleanup_(freep) char *error = NULL;
	size_t size = 0;
	void *image;
	int r;

	r = path_next(&rest, &first);
	if (r <= 0)
		return override_refuse(a, v, "Globals", "not the name of a variable");
	r = find_global(a, v, first.name, &var);
	if (r < 0)
		return r;
	place = (struct place){.btf = a->btf, .type_id = var.type->type, .offset = var.offset};
	r = place_walk(&place, rest, &error);
	if (r == -EINVAL)
		return override_refuse(a, v, "Globals", "%s", error);
	if (r < 0)
		return r;
	map = bpf_object__find_map_by_name(a->object, var.section);
	image = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!image)
		return override_refuse(a, v, "Globals", "libbpf made no map of its section \"%s\"",
				       var.section);
	r = override_write(a, v, "Globals", &place, image, size);
	if (r <= 0)
		return r;
	return override_remember(a, map, &place, true, v->path);
}

int attempt_override_globals(struct attempt *a)
{
	for (size_t i = 0; i < a->policy->n_globals; i++) {
		int r = override_settle(a, write_global(a, &a->policy->globals[i]));

		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_taken(const struct kernel_findings *f, const char *name)
{
	for (size_t i = 0; i < f->n_globals; i++)
		if (streq(f->globals[i].name, name))
			return true;
	return false;
}

static int take_global(const struct attempt *a, const char *name, struct kernel_findings *f)
{
	struct nearest nearest = NEAREST(name);
	struct kernel_global *g;
	struct variable var;
	struct bpf_map *map;
	const char *image;
	int64_t size;
	size_t n;

	if (is_taken(f, name) || !find_variable(a->btf, name, &var, &nearest))
		return 0;
	map = bpf_object__find_map_by_name(a->object, var.section);
	image = map ? bpf_map__initial_value(map, &n) : NULL;
	size = btf__resolve_size(a->btf, var.type->type);
	if (!image || size < 0 || var.offset > n || (size_t)size > n - var.offset)
		return 0;
	g = reallocarray(f->globals, f->n_globals + 1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	f->globals = g;
	g += f->n_globals++;
	*g = (struct kernel_global){
		.name = strdup(name), .bytes = malloc((size_t)size + 1), .size = (size_t)size};
	if (!g->name || !g->bytes)
		return -ENOMEM;
	memcpy(g->bytes, image + var.offset, g->size);
	return 0;
}

int attempt_take_globals(const struct attempt *a, struct kernel_findings *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->policy->n_globals; i++) {
		const char *rest = a->policy->globals[i].path;
		struct path_step first;

		if (path_next(&rest, &first) > 0)
			r = take_global(a, first.name, f);
	}
	return r;
}
