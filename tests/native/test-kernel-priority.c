/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a real-time priority while an object is loaded, and behind it. */
#include <sched.h>

#include "daemon/kernel/ordinary.h"
#include "tests/native/kernel-fixture.h"

static int note_policy(void *userdata)
{
	*(int *)userdata = sched_getscheduler(0);
	return -42;
}

static void test_ordinary_stays_so(void **state)
{
	int policy = -1;

	assert_int_equal(ordinary_run(note_policy, &policy), -42);
	assert_int_equal(policy, SCHED_OTHER);
}

static bool get_priority(void)
{
	const struct sched_param low = {.sched_priority = 1};

	return sched_setscheduler(0, SCHED_RR, &low) == 0;
}

static void drop_priority(void)
{
	const struct sched_param none = {.sched_priority = 0};

	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
}

static void test_priority_is_given_up_meanwhile(void **state)
{
	int policy = -1, result, afterwards;

	if (!get_priority())
		skip();
	result = ordinary_run(note_policy, &policy);
	afterwards = sched_getscheduler(0);
	drop_priority();
	assert_int_equal(result, -42);
	assert_int_equal(policy, SCHED_OTHER);
	assert_int_equal(afterwards, SCHED_RR);
}

/* What libbpf says in the thread that loads is heard, and what is attached is no worse. */
static void test_attach_with_priority(void **state)
{
	static const char lines[] = "[Object]\nPath=maps.bpf.o\nMap=%s\n[Fields]\nname=%s\n";
	_run_ struct run good = RUN_NULL, bad = RUN_NULL;
	bool had_it = get_priority();
	char name[TCP_NAME_SIZE];
	int afterwards;

	run_policy(state, &good, NULL, lines, "first", tcp_name(name, "rt"));
	run_policy(state, &bad, NULL, lines, "future", tcp_name(name, "rt2"));
	afterwards = sched_getscheduler(0);
	drop_priority();
	assert_attached(&good);
	assert_verdict(&bad, VERDICT_REFUSED, "member \"knob\" of map \"future\" is set");
	assert_int_equal(afterwards, had_it ? SCHED_RR : SCHED_OTHER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_ordinary_stays_so),
		TEST(test_priority_is_given_up_meanwhile),
		TEST(test_attach_with_priority),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
