/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One place, several that want it: who waits, who takes over, and who goes back to waiting. */
#include "tests/service/rig.h"

#define NOT_ENABLED "[Policy]\nEnabled=no\n[Object]\nPath=/object\n"

static const struct exit_record error = {.kind = 1025, .reason = "scx_bpf_error"};
static const struct exit_record sysrq = {.kind = 67, .reason = "disabled by sysrq-S"};

static void add_scheduler(struct rig *r, const char *name, const char *text)
{
	rig_policy_text(r, name, text);
	fake_kernel_set_scheduler(name, true);
}

static void attach(struct rig *r, const char *name, enum state wanted)
{
	const char *sentence;

	assert_true(manager_attach(r->manager, rig_get(r, name), &sentence));
	rig_run_until(r, rig_state(r, name) == wanted);
}

static void detach(struct rig *r, const char *name)
{
	const char *sentence;

	assert_true(manager_detach(r->manager, rig_get(r, name), &sentence));
}

static void assert_held_by(struct rig *r, const char *name, const char *holder)
{
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "the only place for " FAKE_SLOT " is held by policy %s;",
		 holder);
	rig_assert(r, name, "waiting attach-failed");
	if (!strstr(attachment_detail(rig_get(r, name)), wanted))
		fail_msg("\"%s\" does not have \"%s\"", attachment_detail(rig_get(r, name)),
			 wanted);
	assert_null(rig_get(r, name)->deadline_source);
}

/* first holds the place, second and third wait for it. */
static void start_three(struct rig *r, const char *first)
{
	add_scheduler(r, "first", first);
	add_scheduler(r, "second", NOT_ENABLED);
	add_scheduler(r, "third", NOT_ENABLED);
	rig_start(r);
	attach(r, "first", STATE_ATTACHED);
	attach(r, "third", STATE_WAITING);
	attach(r, "second", STATE_WAITING);
	assert_held_by(r, "second", "first");
	assert_held_by(r, "third", "first");
}

static void test_the_next_by_name_takes_over(void **state)
{
	struct rig *r = *state;

	start_three(r, NOT_ENABLED);
	detach(r, "first");
	rig_run_until(r, rig_state(r, "second") == STATE_ATTACHED);
	rig_run_until(r, strstr(attachment_detail(rig_get(r, "third")), "policy second"));
	assert_held_by(r, "third", "second");
	assert_int_equal(fake_kernel_counts("third").attaches, 1);
	assert_int_equal(rig_get(r, "second")->machine.restarts, 0);

	fake_kernel_exit("second", &sysrq);
	rig_run_until(r, rig_state(r, "third") == STATE_ATTACHED);
	rig_assert(r, "second", "inactive kernel-exit");
}

/* It failed: whoever it names comes first. */
static void test_fallback_takes_over(void **state)
{
	struct rig *r = *state;

	start_three(r, "[Policy]\nEnabled=no\nFallback=third\n[Object]\nPath=/object\n[Attach]\n"
		       "StartLimitBurst=1\n");
	fake_kernel_exit("first", &error);
	rig_run_until(r, rig_state(r, "third") == STATE_ATTACHED);
	rig_assert(r, "first", "failed limit-hit");
	rig_assert(r, "third", "attached fallback");
	rig_run_until(r, strstr(attachment_detail(rig_get(r, "second")), "policy third"));
	assert_int_equal(fake_kernel_counts("second").attaches, 1);
}

/* Even if nobody knows yet that it wants that place, since it was never loaded. */
static void test_fallback_that_did_not_wait_comes_first(void **state)
{
	struct rig *r = *state;

	add_scheduler(r, "first",
		      "[Policy]\nFallback=third\n[Object]\nPath=/object\n[Attach]\n"
		      "StartLimitBurst=1\n");
	add_scheduler(r, "second", NOT_ENABLED);
	add_scheduler(r, "third", NOT_ENABLED);
	rig_start(r);
	attach(r, "second", STATE_WAITING);
	fake_kernel_exit("first", &error);
	rig_run_until(r, rig_state(r, "third") == STATE_ATTACHED);
	rig_run_until(r, strstr(attachment_detail(rig_get(r, "second")), "policy third"));
	assert_int_equal(fake_kernel_counts("second").attaches, 1);
}

/* As long as it will come back by itself, the place is its own. */
static void test_back_off_keeps_the_place(void **state)
{
	struct rig *r = *state;

	start_three(r,
		    "[Policy]\nEnabled=no\n[Object]\nPath=/object\n[Attach]\nRestartSec=100ms\n");
	fake_kernel_exit("first", &error);
	rig_run_until(r, rig_state(r, "first") == STATE_WAITING);
	rig_run_until(r, rig_state(r, "first") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("second").attaches, 1);
	assert_int_equal(fake_kernel_counts("third").attaches, 1);
}

static void test_policy_that_is_removed_gives_its_place(void **state)
{
	struct rig *r = *state;
	bool ok;

	start_three(r, NOT_ENABLED);
	rig_remove_policy(r, "first");
	free(rig_reload(r, &ok));
	rig_run_until(r, rig_state(r, "second") == STATE_ATTACHED);
}

/* Failed in another way than by an exit, with nobody named: the next by name. */
static void test_failed_update_gives_the_place(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	start_three(r, "[Policy]\nEnabled=no\n[Object]\nPath=/object\n[Attach]\nRestart=no\n");
	fake_kernel_script_all("first", FAKE_LOST);
	fake_kernel_exit_unseen("first", NULL);
	assert_true(manager_restart(r->manager, rig_get(r, "first"), &sentence));
	rig_run_until(r, rig_state(r, "first") == STATE_FAILED);
	rig_run_until(r, rig_state(r, "second") == STATE_ATTACHED);
}

/* The one that failed is back: the other one, which waited on its own account, waits again behind it. */
static void test_fallback_goes_back_to_waiting(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	add_scheduler(r, "first",
		      "[Policy]\nFallback=second\n[Object]\nPath=/object\n[Attach]\n"
		      "StartLimitBurst=1\n");
	add_scheduler(r, "second", NOT_ENABLED);
	rig_start(r);
	attach(r, "second", STATE_WAITING);
	fake_kernel_exit("first", &error);
	rig_run_until(r, rig_state(r, "second") == STATE_ATTACHED);

	assert_true(manager_restart(r->manager, rig_get(r, "first"), &sentence));
	rig_run_until(r, rig_state(r, "first") == STATE_ATTACHED);
	rig_run_until(r, rig_state(r, "second") == STATE_WAITING);
	assert_held_by(r, "second", "first");

	/* and once more */
	fake_kernel_exit("first", &error);
	rig_run_until(r, rig_state(r, "second") == STATE_ATTACHED);
	rig_assert(r, "second", "attached fallback");
}

/* One that only stands in makes room and is not wanted any more. */
static void test_fallback_makes_room(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	add_scheduler(r, "first",
		      "[Policy]\nFallback=second\n[Object]\nPath=/object\n[Attach]\n"
		      "StartLimitBurst=1\n");
	add_scheduler(r, "second", NOT_ENABLED);
	add_scheduler(r, "third", NOT_ENABLED);
	rig_start(r);
	fake_kernel_exit("first", &error);
	rig_run_until(r, rig_state(r, "second") == STATE_ATTACHED);
	attach(r, "third", STATE_WAITING);
	assert_held_by(r, "third", "second");

	assert_true(manager_restart(r->manager, rig_get(r, "first"), &sentence));
	rig_run_until(r, rig_state(r, "first") == STATE_ATTACHED);
	rig_assert(r, "second", "inactive fallback");
	rig_run_until(r, strstr(attachment_detail(rig_get(r, "third")), "policy first"));
	assert_int_equal(fake_kernel_counts("third").attaches, 1);
}

/* Others' schedulers are waited for, not fought. */

static void test_foreign_scheduler_is_waited_for(void **state)
{
	struct rig *r = *state;

	add_scheduler(r, "a", NOT_ENABLED);
	add_scheduler(r, "b", NOT_ENABLED);
	rig_add_sentinel(r);
	rig_start(r);
	fake_kernel_foreign_scheduler(true);
	attach(r, "b", STATE_WAITING);
	attach(r, "a", STATE_WAITING);
	rig_assert(r, "a", "waiting attach-failed");
	assert_string_equal(attachment_detail(rig_get(r, "a")), "another fake scheduler runs");

	/* not the end of that one */
	fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE "/sub/sub-7", "sched_ext", NULL, NULL);
	fake_kernel_uevent("add", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_read_uevents(r);
	rig_assert(r, "a", "waiting attach-failed");
	fake_kernel_foreign_scheduler(false);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("a").attaches, 2);
	rig_run_until(r, strstr(attachment_detail(rig_get(r, "b")), "policy a"));
	assert_int_equal(fake_kernel_counts("b").attaches, 1);
}

static void test_end_of_foreign_scheduler_that_was_not_told(void **state)
{
	struct rig *r = *state;

	add_scheduler(r, "a", NOT_ENABLED);
	rig_start(r);
	fake_kernel_foreign_scheduler(true);
	attach(r, "a", STATE_WAITING);
	fake_kernel_lose_uevents();
	rig_run_until(r,
		      fake_kernel_counts("a").attaches == 2 && rig_state(r, "a") == STATE_WAITING);
}

/* It went while our worker found it in the way: no further event will come. */
static void test_foreign_scheduler_that_goes_meanwhile(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_add_sentinel(r);
	add_scheduler(r, "a", NOT_ENABLED);
	rig_start(r);
	fake_kernel_foreign_scheduler(true);
	fake_kernel_hold("a", true);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, fake_kernel_seen_taken("a"));
	fake_kernel_foreign_scheduler(false);
	rig_read_uevents(r);
	fake_kernel_hold("a", false);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("a").attaches, 2);
}

/* Thrown out because somebody else's came: that one is waited for, too. */
static void test_thrown_out_for_a_foreign_one(void **state)
{
	struct rig *r = *state;

	add_scheduler(r, "a", "[Object]\nPath=/object\n[Attach]\nRestartSec=1ms\n");
	rig_start(r);
	fake_kernel_exit_unseen("a", &error);
	fake_kernel_foreign_scheduler(true);
	fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_run_until(r, rig_state(r, "a") == STATE_WAITING &&
				 rig_get(r, "a")->machine.reason == REASON_ATTACH_FAILED);
	fake_kernel_foreign_scheduler(false);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

static void test_stop_while_waiting(void **state)
{
	struct rig *r = *state;

	start_three(r, NOT_ENABLED);
	manager_stop(r->manager);
	rig_run_until(r, r->loop_ended);
	assert_int_equal(fake_kernel_counts("second").attaches, 1);
	assert_int_equal(fake_kernel_counts("third").attaches, 1);
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_the_next_by_name_takes_over),
		rig_test(test_fallback_takes_over),
		rig_test(test_fallback_that_did_not_wait_comes_first),
		rig_test(test_back_off_keeps_the_place),
		rig_test(test_policy_that_is_removed_gives_its_place),
		rig_test(test_failed_update_gives_the_place),
		rig_test(test_fallback_goes_back_to_waiting),
		rig_test(test_fallback_makes_room),
		rig_test(test_foreign_scheduler_is_waited_for),
		rig_test(test_end_of_foreign_scheduler_that_was_not_told),
		rig_test(test_foreign_scheduler_that_goes_meanwhile),
		rig_test(test_thrown_out_for_a_foreign_one),
		rig_test(test_stop_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
