/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What workers may take: taking off has its own place and keeps the daemon's priority, loading has neither. */
#include <sched.h>

#include "tests/service/rig.h"

/* All workers hang (or starve): what is attached can still be taken off. */
static void test_detach_is_not_queued_behind_loads(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	r->config.workers_max = 1;
	rig_policy(r, "a", "");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/b\n");
	rig_start(r);
	fake_kernel_script_all("b", FAKE_HANG);
	assert_true(manager_attach(r->manager, rig_get(r, "b"), &sentence));
	rig_run_until(r, fake_kernel_counts("b").attaches == 1);
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	assert_int_equal(fake_kernel_counts("a").detaches, 1);
	assert_int_equal(rig_state(r, "b"), STATE_LOADING);
}

static void test_real_time_priority(void **state)
{
	const struct sched_param low = {.sched_priority = 1}, none = {.sched_priority = 0};
	struct rig *r = *state;
	const char *sentence;
	bool allowed = sched_setscheduler(0, SCHED_RR, &low) == 0;

	rig_policy(r, "a", "RestartSec=0\n");
	rig_start(r);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").relinks == 1 && rig_state(r, "a") == STATE_ATTACHED);
	assert_true(manager_restart(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r,
		      fake_kernel_counts("a").replaces == 1 && rig_state(r, "a") == STATE_ATTACHED);
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	if (!allowed)
		skip();
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
	assert_int_equal(fake_kernel_counts("a").sched_load, SCHED_RR);
	assert_int_equal(fake_kernel_counts("a").sched_relink, SCHED_RR);
	assert_int_equal(fake_kernel_counts("a").sched_detach, SCHED_RR);
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_detach_is_not_queued_behind_loads),
		rig_test(test_real_time_priority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
