/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each object that the build makes, field by field: what this floor reads in it, and what libbpf does. */
#include "tests/unit/test.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "inspect/compare.h"

static char **paths;
static int n_paths;

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static const struct program *program_of(const struct inspection *in, const char *name)
{
	for (size_t i = 0; i < in->n_programs; i++)
		if (streq(in->programs[i].name, name))
			return &in->programs[i];
	return NULL;
}

static void compare_programs(const struct inspection *in, struct bpf_object *object)
{
	struct bpf_program *p = NULL;
	size_t n = 0;

	for (; (p = bpf_object__next_program(object, p)); n++) {
		const struct program *own = program_of(in, bpf_program__name(p));

		assert_non_null(own);
		assert_string_equal(own->section + own->optional, bpf_program__section_name(p));
		assert_int_equal(own->instructions, bpf_program__insn_cnt(p));
		assert_int_equal(own->struct_ops, bpf_program__type(p) == BPF_PROG_TYPE_STRUCT_OPS);
		assert_int_equal(own->optional, !bpf_program__autoload(p));
	}
	assert_int_equal(in->n_programs, n);
}

static const struct ops_map *map_of(const struct inspection *in, const char *name)
{
	for (size_t i = 0; i < in->n_maps; i++)
		if (streq(in->maps[i].name, name))
			return &in->maps[i];
	return NULL;
}

/* libbpf's image has pointers to programs where ours has none. */
static void compare_members(const struct inspection *in, const struct ops_map *own,
			    const struct btf *btf, const struct btf_type *t, const uint8_t *image)
{
	assert_int_equal(own->n_members, btf_vlen(t));
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct ops_member *m = &own->members[i];
		struct bpf_program *p;

		assert_string_equal(m->name, btf__name_by_offset(btf, btf_members(t)[i].name_off));
		assert_int_equal(m->bit_offset, btf_member_bit_offset(t, i));
		assert_int_equal(m->bits, btf_member_bitfield_size(t, i));
		assert_int_equal(m->size, btf__resolve_size(btf, btf_members(t)[i].type));
		if (m->kind != TYPE_OPERATOR) {
			assert_memory_equal(own->image + m->offset, image + m->offset, m->size);
			continue;
		}
		memcpy(&p, image + m->offset, sizeof(p));
		assert_int_equal(m->program != NO_PROGRAM, p != NULL);
		if (p)
			assert_string_equal(in->programs[m->program].name, bpf_program__name(p));
	}
}

static bool is_first_of_section(const struct inspection *in, const struct ops_map *map)
{
	return map == in->maps || map[-1].section_index != map->section_index;
}

static void compare_maps(const struct inspection *in, struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map = NULL;
	size_t n = 0;

	while ((map = bpf_object__next_map(object, map))) {
		const struct btf_type *t;
		const struct ops_map *own;
		size_t size;

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		n++;
		own = map_of(in, bpf_map__name(map));
		assert_non_null(own);
		t = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
		assert_string_equal(own->type, btf__name_by_offset(btf, t->name_off));
		assert_int_equal(own->link, (bpf_map__map_flags(map) & BPF_F_LINK) != 0);
		/* libbpf (as of 1.7) forgets the "?" after the first map of a section. */
		assert_int_equal(own->optional && is_first_of_section(in, own),
				 !bpf_map__autocreate(map));
		assert_int_equal(own->size, bpf_map__value_size(map));
		compare_members(in, own, btf, t, bpf_map__initial_value(map, &size));
	}
	assert_int_equal(in->n_maps, n);
}

static const struct global *global_of(const struct inspection *in, const char *name)
{
	for (size_t i = 0; i < in->n_globals; i++)
		if (streq(in->globals[i].name, name))
			return &in->globals[i];
	return NULL;
}

static size_t compare_section(const struct inspection *in, const struct bpf_map *map,
			      const struct btf *btf, const struct btf_type *section)
{
	size_t size = 0;
	const uint8_t *image = bpf_map__initial_value(map, &size);

	for (uint32_t i = 0; i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(section)[i];
		const struct btf_type *t = btf__type_by_id(btf, info->type);
		const struct global *own = global_of(in, btf__name_by_offset(btf, t->name_off));
		_cleanup_(freep) char *value = NULL;

		assert_non_null(own);
		assert_string_equal(own->section, btf__name_by_offset(btf, section->name_off));
		assert_int_equal(own->offset, info->offset);
		assert_int_equal(own->size, info->size);
		assert_true(info->offset + info->size <= size);
		value = btf_value_text(btf, t->type,
				       (struct span){image + info->offset, info->size});
		assert_string_equal(own->value, value);
	}
	return btf_vlen(section);
}

/* The variables in maps that libbpf makes of data sections; .kconfig has no values before the load. */
static void compare_globals(const struct inspection *in, struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	size_t n = 0, n_own = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);
		const struct bpf_map *map;

		if (!btf_is_datasec(t) || *name != '.' || streq(name, ".kconfig"))
			continue;
		map = bpf_object__find_map_by_name(object, name);
		if (map && bpf_map__type(map) == BPF_MAP_TYPE_ARRAY)
			n += compare_section(in, map, btf, t);
	}
	for (size_t i = 0; i < in->n_globals; i++)
		n_own += !streq(in->globals[i].section, ".kconfig");
	assert_int_equal(n_own, n);
}

static void compare_object(const char *path)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(freep) char *error = NULL;
	struct bpf_object *object;
	int r;

	assert_int_equal(access(path, R_OK), 0);
	r = inspection_read(path, &in, &error);
	object = bpf_object__open_file(path, NULL);
	print_message("%s: %s\n", path, r < 0 ? error : "read");
	if (!object) {
		assert_true(r < 0 || in->problems.n > 0);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(in->problems.n, 0);
	compare_programs(in, object);
	/* An object without BTF has neither for us, and maps without types for libbpf. */
	if (bpf_object__btf(object)) {
		compare_maps(in, object);
		compare_globals(in, object);
	}
	bpf_object__close(object);
}

static void each_object_is_as_libbpf_sees_it(void **state)
{
	libbpf_set_print(silent);
	assert_true(n_paths > 0);
	for (int i = 0; i < n_paths; i++)
		compare_object(paths[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_object_is_as_libbpf_sees_it),
	};

	paths = argv + 1;
	n_paths = argc - 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
