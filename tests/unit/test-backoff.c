/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Delays and the start limit against numbers worked out by hand, with a clock that the test holds. */
#include "tests/unit/test.h"

#include "daemon/core/backoff.h"

static const struct restart_rules defaults = {
	.mode = RESTART_ON_DETACH,
	.delay = 100 * USEC_PER_MSEC,
	.steps = 8,
	.max_delay = 30 * USEC_PER_SEC,
	.limit_burst = 5,
	.limit_interval = USEC_PER_MINUTE,
};

static void assert_within_one_percent(usec_t got, usec_t wanted)
{
	assert_in_range(got, wanted - wanted / 100, wanted + wanted / 100);
}

/* 100 ms * 300^(n/8), as in systemd. */
static void test_delays_grow_geometrically(void **state)
{
	static const usec_t wanted_ms[] = {100,  204,  416,   849,   1732,
					   3534, 7209, 14707, 30000, 30000};

	for (unsigned n = 0; n < ARRAY_SIZE(wanted_ms); n++)
		assert_within_one_percent(backoff_delay(&defaults, n),
					  wanted_ms[n] * USEC_PER_MSEC);
	assert_int_equal(backoff_delay(&defaults, 8), 30 * USEC_PER_SEC);
	assert_int_equal(backoff_delay(&defaults, UINT32_MAX), 30 * USEC_PER_SEC);
}

static void test_no_steps_is_a_constant_delay(void **state)
{
	struct restart_rules rules = defaults;

	rules.steps = 0;
	for (unsigned n = 0; n < 20; n++)
		assert_int_equal(backoff_delay(&rules, n), 100 * USEC_PER_MSEC);
}

static void test_zero_delay_stays_zero(void **state)
{
	struct restart_rules rules = defaults;

	rules.delay = 0;
	for (unsigned n = 0; n < 20; n++)
		assert_int_equal(backoff_delay(&rules, n), 0);
}

static void test_delay_above_the_maximum_is_constant(void **state)
{
	struct restart_rules rules = defaults;

	rules.delay = USEC_PER_MINUTE;
	assert_int_equal(backoff_delay(&rules, 0), USEC_PER_MINUTE);
	assert_int_equal(backoff_delay(&rules, 9), USEC_PER_MINUTE);
}

static void test_limit_admits_burst_starts_within_the_interval(void **state)
{
	struct backoff b = {0};

	for (unsigned i = 0; i < 5; i++)
		assert_true(backoff_admit(&b, &defaults, 1000 + i));
	assert_false(backoff_admit(&b, &defaults, 1005));
	assert_false(backoff_admit(&b, &defaults, 1000 + USEC_PER_MINUTE - 1));
	assert_true(backoff_admit(&b, &defaults, 1000 + USEC_PER_MINUTE));
}

static void test_limit_after_reset(void **state)
{
	struct backoff b = {0};

	for (unsigned i = 0; i < 5; i++)
		assert_true(backoff_admit(&b, &defaults, 1));
	backoff_reset(&b);
	assert_true(backoff_admit(&b, &defaults, 2));
}

static void test_no_limit(void **state)
{
	struct restart_rules no_burst = defaults, no_interval = defaults;
	struct backoff b = {0};

	no_burst.limit_burst = 0;
	no_interval.limit_interval = 0;
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(backoff_admit(&b, &no_burst, i));
		assert_true(backoff_admit(&b, &no_interval, i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays_grow_geometrically),
		cmocka_unit_test(test_no_steps_is_a_constant_delay),
		cmocka_unit_test(test_zero_delay_stays_zero),
		cmocka_unit_test(test_delay_above_the_maximum_is_constant),
		cmocka_unit_test(test_limit_admits_burst_starts_within_the_interval),
		cmocka_unit_test(test_limit_after_reset),
		cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
