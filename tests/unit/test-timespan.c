/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/timespan.h"
#include "tests/unit/test.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		usec_t span;
	} cases[] = {
		{"0", 0},
		{"5", 5 * USEC_PER_SEC},
		{" 5 ", 5 * USEC_PER_SEC},
		{"1.5", 1500 * USEC_PER_MSEC},
		{"100ms", 100 * USEC_PER_MSEC},
		{"100 ms", 100 * USEC_PER_MSEC},
		{"100msec", 100 * USEC_PER_MSEC},
		{"350us", 350},
		{"350usec", 350},
		{"350µs", 350},
		{"350μs", 350},
		{"1s", USEC_PER_SEC},
		{"1sec", USEC_PER_SEC},
		{"1second", USEC_PER_SEC},
		{"2seconds", 2 * USEC_PER_SEC},
		{"1m", USEC_PER_MINUTE},
		{"1min", USEC_PER_MINUTE},
		{"1minute", USEC_PER_MINUTE},
		{"2minutes", 2 * USEC_PER_MINUTE},
		{"1h", USEC_PER_HOUR},
		{"1hr", USEC_PER_HOUR},
		{"1hour", USEC_PER_HOUR},
		{"2hours", 2 * USEC_PER_HOUR},
		{"1d", USEC_PER_DAY},
		{"1day", USEC_PER_DAY},
		{"2days", 2 * USEC_PER_DAY},
		{"1w", 7 * USEC_PER_DAY},
		{"1week", 7 * USEC_PER_DAY},
		{"2weeks", 14 * USEC_PER_DAY},
		{"1min 30s", 90 * USEC_PER_SEC},
		{"1min30s", 90 * USEC_PER_SEC},
		{"1.5h", 90 * USEC_PER_MINUTE},
		{"0.000001s", 1},
		{"0.0000019s", 1},
		{"18446744073709551614us", USEC_INFINITY - 1},
		{"infinity", USEC_INFINITY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		usec_t span = 42;

		if (timespan_parse(cases[i].text, &span) < 0)
			fail_msg("\"%s\" was refused", cases[i].text);
		if (span != cases[i].span)
			fail_msg("\"%s\" became %llu", cases[i].text, (unsigned long long)span);
	}
}

static void test_refuse(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", -EINVAL},
		{" ", -EINVAL},
		{"s", -EINVAL},
		{"-1s", -EINVAL},
		{"+1s", -EINVAL},
		{"1x", -EINVAL},
		{"1S", -EINVAL},
		{"1 2", -EINVAL},
		{"1s 2", -EINVAL},
		{"1 2s", -EINVAL},
		{"1.s", -EINVAL},
		{".5s", -EINVAL},
		{"1..5s", -EINVAL},
		{"1,5s", -EINVAL},
		{"0x10s", -EINVAL},
		{"5 seconds ago", -EINVAL},
		{"Infinity", -EINVAL},
		{"infinity 1s", -EINVAL},
		{"18446744073709551615us", -ERANGE},
		{"18446744073709551616us", -ERANGE},
		{"99999999999999999999", -ERANGE},
		{"30500569w", -ERANGE},
		{"18446744073709551614us 1us", -ERANGE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		usec_t span = 42;
		int r = timespan_parse(cases[i].text, &span);

		if (r != cases[i].error)
			fail_msg("\"%s\" gave %d", cases[i].text, r);
		assert_int_equal(span, 42);
	}
}

static void test_format(void **state)
{
	static const struct {
		usec_t span;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1us"},
		{350, "350us"},
		{100 * USEC_PER_MSEC, "100ms"},
		{1500, "1ms 500us"},
		{USEC_PER_SEC - 1, "999ms 999us"},
		{90 * USEC_PER_SEC, "1min 30s"},
		{USEC_PER_MINUTE + 5, "1min 5us"},
		{USEC_PER_HOUR + USEC_PER_MINUTE + USEC_PER_SEC, "1h 1min"},
		{25 * USEC_PER_HOUR, "1d 1h"},
		{365 * USEC_PER_DAY, "365d"},
		{USEC_INFINITY - 1, "213503982d 8h"},
		{USEC_INFINITY, "infinity"},
	};
	char buffer[TIMESPAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(timespan_format(buffer, cases[i].span), cases[i].text);
}

static void test_round(void **state)
{
	assert_int_equal(timespan_round(0), 0);
	assert_int_equal(timespan_round(9999), 9999);
	assert_int_equal(timespan_round(204004), 204000);
	assert_int_equal(timespan_round(416500), 417000);
	assert_true(timespan_round(USEC_INFINITY) == USEC_INFINITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
