/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/times.h"
#include "tests/unit/test.h"

#define MSEC UINT64_C(1000)
#define SEC (1000 * MSEC)
#define MINUTE (60 * SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOW (UINT64_C(1700000000) * SEC)

static void test_span(void **state)
{
	static const struct {
		uint64_t span;
		const char *text;
	} cases[] = {
		{0, "0us"},
		{350, "350us"},
		{999, "999us"},
		{21 * MSEC + 999, "21ms"},
		{SEC, "1s"},
		{SEC + 99 * MSEC, "1s"},
		{SEC + 200 * MSEC, "1.2s"},
		{59 * SEC + 999 * MSEC, "59.9s"},
		{MINUTE, "1min"},
		{3 * MINUTE + 20 * SEC, "3min 20s"},
		{2 * HOUR + 5 * MINUTE + 59 * SEC, "2h 5min"},
		{DAY, "1 day"},
		{DAY + HOUR, "1 day 1h"},
		{4 * DAY + 2 * HOUR, "4 days 2h"},
		{UINT64_MAX, "213503982 days 8h"},
	};
	char buffer[TIMES_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(times_span(buffer, cases[i].span), cases[i].text);
}

static void test_ago(void **state)
{
	static const struct {
		uint64_t span;
		const char *text;
	} cases[] = {
		{0, "just now"},
		{999 * MSEC, "just now"},
		{12 * SEC + 900 * MSEC, "12s ago"},
		{3 * MINUTE + 20 * SEC, "3min ago"},
		{2 * HOUR + 5 * MINUTE, "2h 5min ago"},
		{4 * DAY + 2 * HOUR, "4 days 2h ago"},
	};
	char buffer[TIMES_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(times_ago(buffer, NOW - cases[i].span, NOW), cases[i].text);
	/* The clock was set back. */
	assert_string_equal(times_ago(buffer, NOW + HOUR, NOW), "just now");
}

static void test_until(void **state)
{
	char buffer[TIMES_MAX];

	assert_string_equal(times_until(buffer, NOW + 1200 * MSEC, NOW), "in 1.2s");
	assert_string_equal(times_until(buffer, NOW + 100 * MSEC, NOW), "in 100ms");
	assert_string_equal(times_until(buffer, NOW, NOW), "now");
	assert_string_equal(times_until(buffer, NOW - SEC, NOW), "now");
}

static void test_dates(void **state)
{
	char buffer[TIMES_MAX];

	assert_string_equal(times_date(buffer, NOW), "Tue 2023-11-14 22:13:20 UTC");
	assert_string_equal(times_stamp(buffer, NOW + 123), "2023-11-14 22:13:20.000123");
	/* Beyond what a year can hold: a number, not a crash. */
	assert_string_equal(times_date(buffer, UINT64_MAX), "Wed 586524-01-19 08:01:49 UTC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_ago),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_dates),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
