/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/pin-name.h"
#include "tests/unit/test.h"

static void test_both_ways(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"reno", "reno"},
		{"a_B-9@x", "a_B-9@x"},
		{"hid@0003-046D-C52B.0001", "hid@0003-046D-C52B%2E0001"},
		{"a..b", "a%2E%2Eb"},
		{"/run/x", "%2Frun%2Fx"},
		{"100%", "100%25"},
		{"\xff", "%FF"},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *name = pin_name_escape(cases[i].text), *text = NULL;

		assert_text(name, cases[i].name);
		assert_int_equal(pin_name_unescape(name, &text), 0);
		assert_text(text, cases[i].text);
	}
}

static void test_names_that_are_none(void **state)
{
	static const char *const cases[] = {"a.b", "%",   "%2",    "%2e", "%zz",
					    "%00", "%41", "+reno", "a b"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = NULL;

		assert_int_equal(pin_name_unescape(cases[i], &text), -EINVAL);
		assert_null(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_names_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
