/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/event-filter.h"
#include "tests/unit/test.h"

#define NOW (UINT64_C(1700000000) * 1000000) /* 2023-11-14 22:13:20 UTC */
#define MINUTE (UINT64_C(60) * 1000000)

static void assert_since(const char *text, uint64_t seq, uint64_t time_usec)
{
	struct since since;

	if (since_parse(text, NOW, &since) < 0)
		fail_msg("\"%s\" is refused", text);
	assert_int_equal(since.seq, seq);
	assert_int_equal(since.time_usec, time_usec);
}

static void test_since(void **state)
{
	assert_since("0", 0, 0);
	assert_since("41", 41, 0);
	assert_since("10min", 0, NOW - 10 * MINUTE);
	assert_since("1h 30min ago", 0, NOW - 90 * MINUTE);
	assert_since("5000w", 0, 0);
	assert_since("2023-11-14 22:13", 0, NOW - 20 * 1000000);
	assert_since("2023-11-14T22:13:20", 0, NOW);
	assert_since("2023-11-14", 0, NOW - NOW % (1440 * MINUTE));
}

static void test_bad_since(void **state)
{
	static const char *const bad[] = {
		"",
		" ago",
		"yesterday",
		"-1",
		"99999999999999999999",
		"10 parsecs",
		"2023-13-01",
		"2023-11-14 22:13:20 CET",
		"10min 10min ago from now, as long as can be, and longer than that",
	};
	struct since since = {7, 8};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (since_parse(bad[i], NOW, &since) == 0)
			fail_msg("\"%s\" is taken", bad[i]);
	assert_true(since.seq == 7 && since.time_usec == 8);
}

static bool passes(const struct event_filter *f, const char *policy, const char *to)
{
	return event_filter_passes(f, &(struct row_event){.policy = policy, .to = to});
}

static void test_names(void **state)
{
	char *names[] = {(char *)"keys", (char *)"a@b"};
	const struct event_filter all = {0}, some = {.names = names, .n_names = 2};

	assert_true(passes(&all, "x", "a-newer-state"));
	assert_true(passes(&some, "keys", "attached"));
	assert_true(passes(&some, "keys@0003-1209-0001.0001", "attached"));
	assert_true(passes(&some, "a@b", "attached"));
	assert_false(passes(&some, "keysmith", "attached"));
	assert_false(passes(&some, "a@c", "attached"));
	assert_false(passes(&some, "key", "attached"));
}

static void test_states(void **state)
{
	struct event_filter f = {0};
	_cleanup_(freep) char *error = NULL;

	assert_int_equal(event_filter_set_states(&f, "failed,waiting", &error), 0);
	assert_true(passes(&f, "x", "failed"));
	assert_true(passes(&f, "x", "waiting"));
	assert_false(passes(&f, "x", "attached"));
	assert_false(passes(&f, "x", "a-newer-state"));
	assert_int_equal(event_filter_set_states(&f, "faild", &error), -EINVAL);
	assert_non_null(strstr(error, "there is no state 'faild'"));
	assert_non_null(strstr(error, "failed"));
	assert_true(passes(&f, "x", "waiting"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_bad_since),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_states),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
