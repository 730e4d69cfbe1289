/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/path.h"
#include "tests/unit/test.h"

#define TEN "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_steps(void **state)
{
	static const struct {
		bool is_index;
		const char *name;
		size_t index;
		const char *rest;
	} steps[] = {
		{false, "limits", 0, ".max[2][10].x_1"},
		{false, "max", 0, "[2][10].x_1"},
		{true, "", 2, "[10].x_1"},
		{true, "", 10, ".x_1"},
		{false, "x_1", 0, ""},
	};
	const char *cursor = "limits.max[2][10].x_1";
	struct path_step step;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_int_equal(path_next(&cursor, &step), 1);
		assert_int_equal(step.is_index, steps[i].is_index);
		assert_string_equal(step.name, steps[i].name);
		assert_int_equal(step.index, steps[i].index);
		assert_string_equal(cursor, steps[i].rest);
	}
	assert_int_equal(path_next(&cursor, &step), 0);
	assert_int_equal(path_next(&cursor, &step), 0);
}

static void test_valid(void **state)
{
	static const char *const paths[] = {
		"a",
		"_",
		"A1",
		"a.b",
		"a[0]",
		"a[0].b",
		"a[1][2]",
		"a[18446744073709551615]",
		HUNDRED TEN TEN "1234567", /* 127 letters */
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!path_is_valid(paths[i]))
			fail_msg("\"%s\" was refused", paths[i]);
}

static void test_invalid(void **state)
{
	static const char *const paths[] = {
		"",
		".",
		".a",
		"a.",
		"a..b",
		"1a",
		"a.1",
		"[1]",
		"a[",
		"a[]",
		"a[x]",
		"a[1",
		"a[1]b",
		"a[1].",
		"a[-1]",
		"a[01]",
		"a[ 1]",
		"a [1]",
		"a b",
		"a-b",
		"a.[1]",
		"ä",
		"a[18446744073709551616]",
		HUNDRED TEN TEN "12345678", /* 128 letters */
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *cursor = paths[i];
		struct path_step step;
		int r;

		if (path_is_valid(paths[i]))
			fail_msg("\"%s\" was taken", paths[i]);
		/* path_next() alone cannot know that it stands at the start. */
		if (*cursor == '\0' || *cursor == '[' || *cursor == '.')
			continue;
		do
			r = path_next(&cursor, &step);
		while (r > 0);
		assert_int_equal(r, -EINVAL);
	}
}

static void test_untouched_on_failure(void **state)
{
	const char *text = "1a", *cursor = text;
	struct path_step step = {.name = "before", .index = 7};

	assert_int_equal(path_next(&cursor, &step), -EINVAL);
	assert_ptr_equal(cursor, text);
	assert_string_equal(step.name, "before");
	assert_int_equal(step.index, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_untouched_on_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
