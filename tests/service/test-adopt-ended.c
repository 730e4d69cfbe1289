/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one daemon to the next: what ended while none was there, and what was not attached. */
#include "tests/service/adopting.h"

/* What ended meanwhile. */

static void test_ended_unseen(void **state)
{
	struct rig *r = *state;

	start_one(r, AT_ONCE);
	kill_daemon(r);
	fake_kernel_detach_foreign("a");
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	rig_assert(r, "a", "attached link-detached");
	assert_int_equal(rig_get(r, "a")->machine.restarts, 1);
	assert_attaches("a", 1, 0, 1);
}

/* Neither link nor map: that it ended is known from the record alone. */
static void test_ended_unseen_and_its_map_is_lost(void **state)
{
	struct rig *r = *state;

	start_one(r, AT_ONCE);
	kill_daemon(r);
	fake_kernel_detach_foreign("a");
	fake_kernel_lose_map_pin("a");
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 1);
	assert_attaches("a", 2, 0, 0);
	assert_true(fake_kernel_is_attached("a"));
}

static void test_ended_unseen_and_not_to_come_back(void **state)
{
	struct rig *r = *state;

	start_one(r, "Restart=no\n");
	kill_daemon(r);
	fake_kernel_detach_foreign("a");
	rig_start(r);
	rig_assert(r, "a", "inactive link-detached");
	leave(r);
	rig_start(r);
	rig_assert(r, "a", "inactive link-detached");
	assert_attaches("a", 1, 0, 0);
}

static void test_scheduler_ended_unseen(void **state)
{
	static const struct exit_record sysrq = {.kind = 67, .reason = "disabled by sysrq-S"};
	struct rig *r = *state;

	with_pins(r);
	rig_policy(r, "s", "");
	fake_kernel_set_scheduler("s", true);
	rig_start(r);
	kill_daemon(r);
	fake_kernel_exit_unseen("s", &sysrq);
	rig_start(r);
	rig_assert(r, "s", "inactive kernel-exit");
	assert_detail(r, "s", "disabled by sysrq-S");
	assert_int_equal(rig_get(r, "s")->outcome.end.kind, 67);
	assert_attaches("s", 1, 0, 0);
}

/* Gone with its policy, and only what was pointed at it is still there. */
static void test_default_of_what_is_gone_is_given_back(void **state)
{
	struct rig *r = *state;

	fake_kernel_set_default("a", "cubic");
	start_one(r, "");
	kill_daemon(r);
	fake_kernel_detach_foreign("a");
	rig_remove_policy(r, "a");
	rig_start(r);
	rig_run_until(r, manager_count(r->manager) == 0);
	assert_int_equal(fake_kernel_counts("a").given_back, 1);
	assert_false(has_state_file(r, "a"));
}

static void test_instances(void **state)
{
	struct rig *r = *state;
	uint32_t first, link;

	with_pins(r);
	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=0003:046D:*\n");
	first = fake_kernel_plug(0x0003, 0x046d, 0xc52b, "one");
	fake_kernel_plug(0x0003, 0x046d, 0xc52b, "two");
	rig_start(r);
	rig_assert(r, "pad@0003-046D-C52B.0002", "attached boot");
	link = link_of(r, "pad@0003-046D-C52B.0002");
	kill_daemon(r);
	fake_kernel_unplug(first);
	fake_kernel_plug(0x0003, 0x046d, 0xc52b, "three");
	rig_start(r);
	rig_run_until(r, manager_count(r->manager) == 3);
	rig_assert(r, "pad", "waiting boot");
	rig_assert(r, "pad@0003-046D-C52B.0002", "attached adopted");
	rig_assert(r, "pad@0003-046D-C52B.0003", "attached boot");
	assert_int_equal(link_of(r, "pad@0003-046D-C52B.0002"), link);
	assert_false(fake_kernel_is_attached("pad@0003-046D-C52B.0001"));
	assert_detail(r, "pad", "2 devices match");
}

/* What was not attached. */

static void test_detached_by_hand(void **state)
{
	struct rig *r = *state;
	const char *refusal;

	start_one(r, "");
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &refusal));
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	quiet(r);
	assert_false(fake_kernel_has_pins("a"));
	for (int i = 0; i < 2; i++) {
		kill_daemon(r);
		rig_start(r);
		rig_assert(r, "a", "inactive admin");
		assert_detail(r, "a", "it was off (admin) and stays so");
	}
	assert_attaches("a", 1, 0, 0);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &refusal));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

static void test_failed_and_its_fallback(void **state)
{
	struct rig *r = *state;
	const char *refusal;

	with_pins(r);
	rig_policy_text(r, "a", "[Policy]\nFallback=b\n[Object]\nPath=/object\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_ATTACHED);
	rig_start(r);
	rig_run_until(r, rig_state(r, "b") == STATE_ATTACHED);
	kill_daemon(r);
	rig_start(r);
	rig_assert(r, "a", "failed load-failed");
	assert_detail(r, "a", "nothing changed: the fake kernel was told to fail");
	rig_assert(r, "b", "attached adopted");
	assert_attaches("a", 1, 0, 0);
	assert_attaches("b", 1, 0, 0);

	assert_true(manager_detach(r->manager, rig_get(r, "b"), &refusal));
	rig_run_until(r, rig_state(r, "b") == STATE_INACTIVE);
	kill_daemon(r);
	rig_start(r);
	rig_assert(r, "b", "inactive admin");
}

/* It stands in as long as it is needed, whoever attached it. */
static void test_fallback_goes_when_it_is_not_needed(void **state)
{
	struct rig *r = *state;
	const char *refusal;

	with_pins(r);
	rig_policy_text(r, "a", "[Policy]\nFallback=b\n[Object]\nPath=/object\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_ATTACHED);
	rig_start(r);
	rig_run_until(r, rig_state(r, "b") == STATE_ATTACHED);
	leave(r);
	rig_start(r);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &refusal));
	rig_run_until(r,
		      rig_state(r, "a") == STATE_ATTACHED && rig_state(r, "b") == STATE_INACTIVE);
	rig_assert(r, "b", "inactive fallback");
}

static void test_back_off_goes_on(void **state)
{
	struct rig *r = *state;
	const char *refusal;
	usec_t deadline;

	start_one(r, LATER);
	fake_kernel_detach_foreign("a");
	rig_run_until(r, rig_state(r, "a") == STATE_WAITING);
	deadline = rig_get(r, "a")->machine.deadline;
	for (int i = 0; i < 2; i++) {
		kill_daemon(r);
		rig_start(r);
		rig_assert(r, "a", "waiting link-detached");
		assert_int_equal(rig_get(r, "a")->machine.deadline, deadline);
		assert_int_equal(rig_get(r, "a")->machine.restarts, 1);
		assert_true(rig_get(r, "a")->machine.relink);
	}
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &refusal));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

/* The next attempt is due, and the map that was kept is linked again. */
static void test_deadline_that_has_passed(void **state)
{
	struct rig *r = *state;

	start_one(r, "RestartSec=100ms\n");
	fake_kernel_detach_foreign("a");
	rig_run_until(r, rig_state(r, "a") == STATE_WAITING);
	kill_daemon(r);
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_attaches("a", 1, 0, 1);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 1);
}

static void test_start_limit_goes_on(void **state)
{
	struct rig *r = *state;

	start_one(r, "RestartSec=0\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n");
	detach_and_wait(r, "a");
	kill_daemon(r);
	rig_start(r);
	detach_and_wait(r, "a");
	leave(r);
	rig_start(r);
	fake_kernel_detach_foreign("a");
	rig_run_until(r, rig_state(r, "a") == STATE_FAILED);
	rig_assert(r, "a", "failed limit-hit");
}

static void test_type_that_is_waited_for(void **state)
{
	struct rig *r = *state;

	with_pins(r);
	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_NO_TYPE, FAKE_ATTACHED);
	rig_start(r);
	rig_assert(r, "a", "waiting load-failed");
	kill_daemon(r); /* and while nobody listens the module is loaded */
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adopt_test(test_ended_unseen),
		adopt_test(test_ended_unseen_and_its_map_is_lost),
		adopt_test(test_ended_unseen_and_not_to_come_back),
		adopt_test(test_scheduler_ended_unseen),
		adopt_test(test_default_of_what_is_gone_is_given_back),
		adopt_test(test_instances),
		adopt_test(test_detached_by_hand),
		adopt_test(test_failed_and_its_fallback),
		adopt_test(test_fallback_goes_when_it_is_not_needed),
		adopt_test(test_back_off_goes_on),
		adopt_test(test_deadline_that_has_passed),
		adopt_test(test_start_limit_goes_on),
		adopt_test(test_type_that_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
