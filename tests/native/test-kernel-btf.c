/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * BTF that no compiler or kernel at hand makes: 64-bit enums (clang 15), a module's split BTF, hostile circles.
 * Needs neither root nor a kernel.
 */
/* For its insides: a module's BTF without a module. */
#include "daemon/kernel/kernel-btf.c" // NOLINT(bugprone-suspicious-include)

#include <bpf/btf.h>

#include "daemon/kernel/btf-value.h"
#include "daemon/kernel/place.h"
#include "tests/unit/test.h"

static void btf_freep(struct btf **b)
{
	btf__free(*b);
}

static uint32_t made(int id)
{
	assert_true(id > 0);
	return (uint32_t)id;
}

/* Parses text for the type and prints it again. The caller frees. */
static char *round_trip(const struct btf *btf, uint32_t type_id, const char *text, char **ret_error)
{
	_cleanup_(btf_value_done) struct btf_value value = {0};
	struct place place = {.btf = btf, .type_id = type_id};
	struct enumerators enumerators = {.object = btf, .kernel_tried = true};
	uint64_t image[8] = {0};

	if (btf_value_init(&value, &place, &enumerators, ret_error) < 0 ||
	    value_parse(&value.type, OVERRIDE_SET, text, image, ret_error) < 0)
		return NULL;
	return value_format(&value.type, image);
}

static void assert_round_trip(const struct btf *btf, uint32_t type_id, const char *text,
			      const char *expected)
{
	_cleanup_(freep) char *error = NULL, *printed = round_trip(btf, type_id, text, &error);

	if (!printed)
		fail_msg("%s: %s", text, or_empty(error));
	assert_string_equal(printed, expected);
}

static void test_enum64(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = btf__new_empty();
	_cleanup_(freep) char *error = NULL;
	uint32_t wide, negative;

	wide = made(btf__add_enum64(btf, "wide", 8, false));
	assert_int_equal(btf__add_enum64_value(btf, "WIDE_TOP", UINT64_C(1) << 63), 0);
	assert_int_equal(btf__add_enum64_value(btf, "WIDE_ONE", 1), 0);
	negative = made(btf__add_enum64(btf, "negative", 8, true));
	assert_int_equal(btf__add_enum64_value(btf, "BELOW", (uint64_t)-3), 0);

	assert_round_trip(btf, wide, "WIDE_TOP", "WIDE_TOP");
	assert_round_trip(btf, wide, "0x8000000000000000", "WIDE_TOP");
	assert_round_trip(btf, wide, "WIDE_TOP|WIDE_ONE", "9223372036854775809");
	assert_round_trip(btf, negative, "BELOW", "BELOW");
	assert_round_trip(btf, negative, "-3", "BELOW");
	assert_null(round_trip(btf, wide, "WIDE_TOPP", &error));
	assert_non_null(strstr(error, "(did you mean WIDE_TOP?)"));
}

static void test_signed_enum(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = btf__new_empty();
	uint32_t id = made(btf__add_enum(btf, "temper", 4));

	assert_int_equal(btf__add_enum_value(btf, "COLD", -5), 0);
	assert_int_equal(btf__add_enum_value(btf, "WARM", 5), 0);
	assert_round_trip(btf, id, "COLD", "COLD");
	assert_round_trip(btf, id, "-5", "COLD");
	assert_round_trip(btf, id, "7", "7");
}

static void test_numbers_too_wide(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = btf__new_empty();
	uint32_t id = made(btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED));
	_cleanup_(freep) char *error = NULL;

	assert_null(round_trip(btf, id, "1", &error));
	assert_string_equal(
		error,
		"cannot be set: it is __int128, wider than any number that a policy can give");
}

/* Old compilers mark a bitfield in its integer type. */
static void test_bitfield_by_type(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = btf__new_empty();
	uint32_t id = made(btf__add_int(btf, "unsigned int", 4, 0));
	_cleanup_(freep) char *error = NULL;
	struct btf_type *t = (struct btf_type *)btf__type_by_id(btf, id);

	*(uint32_t *)(t + 1) = 3; /* bits */
	assert_null(round_trip(btf, id, "1", &error));
	assert_non_null(strstr(error, "it is unsigned int, which is a bitfield"));
}

static void test_array_without_length(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = btf__new_empty();
	uint32_t number = made(btf__add_int(btf, "int", 4, BTF_INT_SIGNED));
	uint32_t array = made(btf__add_array(btf, number, number, 0));
	_cleanup_(freep) char *error = NULL, *walk = NULL;
	struct place place = {.btf = btf, .type_id = array};

	assert_null(round_trip(btf, array, "1", &error));
	assert_string_equal(error, "cannot be set: it is int[0], an array without a fixed length");
	assert_int_equal(place_walk(&place, "[0]", &walk), -EINVAL);
	assert_string_equal(walk, "int[0] has no elements, so no [0]");
}

/* typedef a -> typedef b -> typedef a, and a struct that is its own anonymous member. */
static void test_circles(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = btf__new_empty();
	uint32_t a = made(btf__add_typedef(btf, "a", 2));
	uint32_t b = made(btf__add_typedef(btf, "b", (int)a));
	uint32_t loop = made(btf__add_struct(btf, "loop", 4));
	_cleanup_(freep) char *error = NULL, *walk = NULL, *text = NULL;
	struct place place = {.btf = btf, .type_id = loop};

	assert_int_equal(b, 2);
	assert_int_equal(btf__add_field(btf, "", (int)loop, 0, 0), 0);
	assert_null(round_trip(btf, a, "1", &error));
	assert_non_null(strstr(error, "which its BTF does not explain"));
	assert_int_equal(place_walk(&place, "member", &walk), -EINVAL);
	assert_string_equal(walk, "struct loop has no member \"member\"");
	text = btf_type_text(btf, a);
	assert_string_equal(text, "a");
}

static struct raw_btf raw_of(const struct btf *btf, struct raw_btf *base)
{
	uint32_t size;
	const void *bytes = btf__raw_data(btf, &size);
	struct raw_btf raw = {.base = base, .fd = -EBADF, .window_size = size, .first_id = 1};

	assert_non_null(bytes);
	raw.window = malloc(size);
	assert_non_null(raw.window);
	memcpy(raw.window, bytes, size);
	assert_int_equal(raw_btf_read_header(&raw), 0);
	return raw;
}

/* The base has one type of each kind, so that the walk passes over all of them. */
static struct btf *make_base(void)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	made(btf__add_ptr(btf, number));
	made(btf__add_array(btf, number, number, 4));
	made(btf__add_union(btf, "u", 4));
	assert_int_equal(btf__add_field(btf, "x", number, 0, 0), 0);
	made(btf__add_enum(btf, "e", 4));
	assert_int_equal(btf__add_enum_value(btf, "E", 1), 0);
	made(btf__add_enum64(btf, "e64", 8, false));
	assert_int_equal(btf__add_enum64_value(btf, "E64", 1), 0);
	made(btf__add_fwd(btf, "f", BTF_FWD_STRUCT));
	made(btf__add_typedef(btf, "t", number));
	made(btf__add_volatile(btf, number));
	made(btf__add_const(btf, number));
	made(btf__add_restrict(btf, number));
	made(btf__add_type_tag(btf, "tag", number));
	made(btf__add_func_proto(btf, number));
	assert_int_equal(btf__add_func_param(btf, "p", number), 0);
	made(btf__add_func(btf, "fn", BTF_FUNC_STATIC, btf__type_cnt(btf) - 1));
	made(btf__add_var(btf, "v", BTF_VAR_STATIC, number));
	made(btf__add_datasec(btf, "s", 4));
	assert_int_equal(btf__add_datasec_var_info(btf, btf__type_cnt(btf) - 2, 0, 4), 0);
	made(btf__add_float(btf, "float", 4));
	made(btf__add_decl_tag(btf, "d", number, -1));
	made(btf__add_struct(btf, "bpf_struct_ops_common_value", 8));
	assert_int_equal(btf__add_field(btf, "refcnt", number, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "state", number, 32, 0), 0);
	return btf;
}

static void test_module_layout(void **state)
{
	_cleanup_(btf_freep) struct btf *base = make_base(), *split = btf__new_empty_split(base);
	_cleanup_(raw_btf_done) struct raw_btf vmlinux = raw_of(base, NULL);
	_cleanup_(raw_btf_done) struct raw_btf module = {.fd = -EBADF};
	_cleanup_(kernel_layout_freep) struct kernel_layout *l = calloc(1, sizeof(*l));
	_cleanup_(freep) char *type = NULL;
	uint32_t common = btf__type_cnt(base) - 1, ops, value;
	struct btf_type t;
	size_t offset;

	ops = made(btf__add_struct(split, "t_mod_ops", 16));
	/* One name is the module's own, the other stands in vmlinux already. */
	assert_int_equal(btf__add_field(split, "knob", 1, 0, 0), 0);
	assert_int_equal(btf__add_field(split, "state", 1, 64, 0), 0);
	value = made(btf__add_struct(split, "bpf_struct_ops_t_mod_ops", 80));
	assert_int_equal(btf__add_field(split, "common", (int)common, 0, 0), 0);
	assert_int_equal(btf__add_field(split, "data", (int)ops, 512, 0), 0);

	module = raw_of(split, &vmlinux);
	assert_int_equal(raw_btf_walk(&vmlinux, UINT32_MAX, &t, &offset, &module.first_id),
			 -ENOENT);
	assert_int_equal(module.first_id, btf__type_cnt(base));
	assert_int_equal(kernel_layout_fill(l, &module, value), 0);
	assert_int_equal(l->n_members, 2);
	assert_int_equal(kernel_layout_find(l, "knob", &offset), 0);
	assert_int_equal(offset, 64);
	assert_int_equal(kernel_layout_find(l, "state", &offset), 0);
	assert_int_equal(offset, 72);
	assert_int_equal(kernel_layout_find(l, "nothing", &offset), -ENOENT);
	assert_int_equal(read_type_name(&module, value, &type), 0);
	assert_string_equal(type, "t_mod_ops");
}

/* A record of a kind that this program does not know has an unknown length: no guessing. */
static void test_unknown_kind(void **state)
{
	_cleanup_(btf_freep) struct btf *btf = make_base();
	_cleanup_(raw_btf_done) struct raw_btf raw = raw_of(btf, NULL);
	_cleanup_(kernel_layout_freep) struct kernel_layout *l = calloc(1, sizeof(*l));
	struct btf_type *first = (struct btf_type *)(raw.window + raw.header.hdr_len);

	assert_int_equal(kernel_layout_fill(l, &raw, 1), -EBADMSG);
	first->info = 31U << 24;
	assert_int_equal(kernel_layout_fill(l, &raw, btf__type_cnt(btf) - 1), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enum64),
		cmocka_unit_test(test_signed_enum),
		cmocka_unit_test(test_numbers_too_wide),
		cmocka_unit_test(test_bitfield_by_type),
		cmocka_unit_test(test_array_without_length),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_module_layout),
		cmocka_unit_test(test_unknown_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
