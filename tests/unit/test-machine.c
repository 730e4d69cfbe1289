/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state machine: every cell of its table, and the stories that cells make together. */
#include "tests/unit/test.h"

#include "daemon/core/machine.h"

static const struct restart_rules rules = {
	.mode = RESTART_ON_DETACH,
	.delay = 100 * USEC_PER_MSEC,
	.steps = 8,
	.max_delay = 30 * USEC_PER_SEC,
	.limit_burst = 5,
	.limit_interval = USEC_PER_MINUTE,
};

static enum machine_action step(struct machine *m, const struct restart_rules *r,
				enum machine_event event, enum reason reason, usec_t now)
{
	struct machine_input in = {
		.event = event, .reason = reason, .relinkable = true, .now = now};

	return machine_step(m, r, &in);
}

static enum machine_action exit_with(struct machine *m, const struct restart_rules *r,
				     enum exit_class exit, usec_t now)
{
	struct machine_input in = {
		.event = MACHINE_EXITED,
		.reason = REASON_KERNEL_EXIT,
		.relinkable = true,
		.exit = exit,
		.now = now,
	};

	return machine_step(m, r, &in);
}

/* Every cell. */

struct expectation {
	enum state to;
	enum machine_action action;
};

/* What has no row here must change nothing and ask for nothing. */
static const struct expectation *expected(enum state from, enum machine_event event)
{
	static const struct {
		enum state from;
		enum machine_event event;
		struct expectation then;
	} cells[] = {
		{STATE_INACTIVE, MACHINE_START, {STATE_LOADING, ACTION_LOAD}},

		{STATE_LOADING, MACHINE_STOP, {STATE_DETACHING, ACTION_CANCEL}},
		{STATE_LOADING, MACHINE_REPLACE, {STATE_LOADING, ACTION_CANCEL}},
		{STATE_LOADING, MACHINE_ATTACHED, {STATE_ATTACHED, ACTION_NONE}},
		{STATE_LOADING, MACHINE_REFUSED, {STATE_FAILED, ACTION_GIVE_UP}},
		{STATE_LOADING, MACHINE_AWAIT, {STATE_WAITING, ACTION_NONE}},
		{STATE_LOADING, MACHINE_FAILED, {STATE_WAITING, ACTION_WAIT}},
		{STATE_LOADING, MACHINE_RELINK_FAILED, {STATE_LOADING, ACTION_LOAD}},
		{STATE_LOADING, MACHINE_EXITED, {STATE_WAITING, ACTION_WAIT}},
		{STATE_LOADING, MACHINE_DEVICE_GONE, {STATE_WAITING, ACTION_NONE}},

		{STATE_ATTACHED, MACHINE_STOP, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_ATTACHED, MACHINE_REPLACE, {STATE_UPDATING, ACTION_REPLACE}},
		{STATE_ATTACHED, MACHINE_DETACHED, {STATE_WAITING, ACTION_WAIT}},
		{STATE_ATTACHED, MACHINE_EXITED, {STATE_WAITING, ACTION_WAIT}},
		{STATE_ATTACHED, MACHINE_DEVICE_GONE, {STATE_WAITING, ACTION_NONE}},
		{STATE_ATTACHED, MACHINE_YIELD, {STATE_UPDATING, ACTION_NONE}},

		{STATE_UPDATING, MACHINE_STOP, {STATE_DETACHING, ACTION_CANCEL}},
		{STATE_UPDATING, MACHINE_ATTACHED, {STATE_ATTACHED, ACTION_NONE}},
		{STATE_UPDATING, MACHINE_KEPT, {STATE_ATTACHED, ACTION_NONE}},
		{STATE_UPDATING, MACHINE_REFUSED, {STATE_FAILED, ACTION_GIVE_UP}},
		{STATE_UPDATING, MACHINE_AWAIT, {STATE_WAITING, ACTION_NONE}},
		{STATE_UPDATING, MACHINE_FAILED, {STATE_WAITING, ACTION_WAIT}},
		{STATE_UPDATING, MACHINE_EXITED, {STATE_WAITING, ACTION_WAIT}},
		{STATE_UPDATING, MACHINE_DEVICE_GONE, {STATE_WAITING, ACTION_NONE}},
		{STATE_UPDATING, MACHINE_SUPERSEDED, {STATE_INACTIVE, ACTION_NONE}},

		{STATE_WAITING, MACHINE_START, {STATE_LOADING, ACTION_LOAD}},
		{STATE_WAITING, MACHINE_STOP, {STATE_INACTIVE, ACTION_NONE}},
		{STATE_WAITING, MACHINE_REPLACE, {STATE_LOADING, ACTION_LOAD}},
		{STATE_WAITING, MACHINE_DEADLINE, {STATE_LOADING, ACTION_LOAD}},

		{STATE_DETACHING, MACHINE_ATTACHED, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_KEPT, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_REFUSED, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_AWAIT, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_FAILED, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_RELINK_FAILED, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_SUPERSEDED, {STATE_DETACHING, ACTION_DETACH}},
		{STATE_DETACHING, MACHINE_DETACH_DONE, {STATE_INACTIVE, ACTION_NONE}},

		{STATE_FAILED, MACHINE_START, {STATE_LOADING, ACTION_LOAD}},
		{STATE_FAILED, MACHINE_STOP, {STATE_INACTIVE, ACTION_NONE}},
		{STATE_FAILED, MACHINE_REPLACE, {STATE_LOADING, ACTION_LOAD}},
		{STATE_FAILED, MACHINE_RESET, {STATE_INACTIVE, ACTION_NONE}},

		{STATE_INVALID, MACHINE_START, {STATE_LOADING, ACTION_LOAD}},
		{STATE_INVALID, MACHINE_STOP, {STATE_INACTIVE, ACTION_NONE}},
		{STATE_INVALID, MACHINE_REPLACE, {STATE_LOADING, ACTION_LOAD}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		if (cells[i].from == from && cells[i].event == event)
			return &cells[i].then;
	return NULL;
}

static void test_every_cell(void **state)
{
	for (enum state from = 0; from < _STATE_MAX; from++)
		for (enum machine_event event = 0; event < _MACHINE_EVENT_MAX; event++) {
			struct expectation nothing = {from, ACTION_NONE};
			const struct expectation *e = expected(from, event);
			struct machine m = {.state = from};
			enum machine_action action;

			e = e ? e : &nothing;
			action = step(&m, &rules, event, REASON_ADMIN, 1000);
			if (m.state != e->to || action != e->action)
				fail_msg("%s, event %d: became %s, action %d; expected %s, action "
					 "%d",
					 state_to_string(from), event, state_to_string(m.state),
					 action, state_to_string(e->to), e->action);
		}
}

/* Stories. */

static struct machine attached_at(usec_t now)
{
	struct machine m = {0};

	assert_int_equal(step(&m, &rules, MACHINE_START, REASON_BOOT, now), ACTION_LOAD);
	assert_int_equal(step(&m, &rules, MACHINE_ATTACHED, REASON_BOOT, now), ACTION_NONE);
	assert_int_equal(m.state, STATE_ATTACHED);
	assert_int_equal(m.reason, REASON_BOOT);
	return m;
}

static void test_detached_is_relinked_after_the_delay(void **state)
{
	struct machine m = attached_at(1000);

	assert_int_equal(step(&m, &rules, MACHINE_DETACHED, 0, 2000), ACTION_WAIT);
	assert_int_equal(m.deadline, 2000 + 100 * USEC_PER_MSEC);
	assert_int_equal(m.reason, REASON_LINK_DETACHED);
	assert_int_equal(step(&m, &rules, MACHINE_DEADLINE, m.reason, m.deadline), ACTION_RELINK);
	assert_int_equal(m.state, STATE_LOADING);
	assert_int_equal(step(&m, &rules, MACHINE_RELINK_FAILED, 0, m.deadline), ACTION_LOAD);
	assert_int_equal(step(&m, &rules, MACHINE_ATTACHED, 0, m.deadline), ACTION_NONE);
	assert_int_equal(m.reason, REASON_LINK_DETACHED);
	assert_int_equal(m.restarts, 1);
}

static void test_no_delay_acts_at_once(void **state)
{
	struct machine m = attached_at(1000);
	struct restart_rules at_once = rules;

	at_once.delay = 0;
	assert_int_equal(step(&m, &at_once, MACHINE_DETACHED, 0, 2000), ACTION_RELINK);
	assert_int_equal(m.state, STATE_LOADING);
}

/* Even with RestartSec=0 and no limit, what fails is not repeated in a tight loop. */
static void test_no_retry_storm(void **state)
{
	struct restart_rules eager = rules;
	struct machine m = {0};
	usec_t now = 1000;

	eager.delay = 0;
	eager.limit_burst = 0;
	step(&m, &eager, MACHINE_START, REASON_BOOT, now);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(step(&m, &eager, MACHINE_FAILED, REASON_ATTACH_FAILED, now),
				 ACTION_WAIT);
		assert_true(m.deadline >= now + 10 * USEC_PER_MSEC);
		now = m.deadline;
		step(&m, &eager, MACHINE_DEADLINE, 0, now);
	}
}

static void test_limit_ends_in_failed(void **state)
{
	struct machine m = {0};
	usec_t now = 1000;
	unsigned starts = 1;

	step(&m, &rules, MACHINE_START, REASON_BOOT, now);
	while (step(&m, &rules, MACHINE_FAILED, REASON_ATTACH_FAILED, now) == ACTION_WAIT) {
		now = m.deadline;
		assert_int_equal(step(&m, &rules, MACHINE_DEADLINE, 0, now), ACTION_LOAD);
		starts++;
	}
	assert_int_equal(starts, 5);
	assert_int_equal(m.state, STATE_FAILED);
	assert_int_equal(m.reason, REASON_LIMIT_HIT);

	assert_int_equal(step(&m, &rules, MACHINE_START, REASON_ADMIN, now), ACTION_LOAD);
	assert_int_equal(m.restarts, 0);
	assert_int_equal(m.backoff.starts, 1);
}

static void test_stable_time_begins_anew(void **state)
{
	struct machine m = attached_at(1000);
	usec_t now = 1000;

	for (int i = 0; i < 3; i++) {
		step(&m, &rules, MACHINE_DETACHED, 0, now);
		now = m.deadline;
		step(&m, &rules, MACHINE_DEADLINE, 0, now);
		step(&m, &rules, MACHINE_ATTACHED, 0, now);
	}
	assert_int_equal(m.backoff.restarts, 3);
	now += rules.limit_interval;
	step(&m, &rules, MACHINE_DETACHED, 0, now);
	assert_int_equal(m.deadline, now + rules.delay);
	assert_int_equal(m.backoff.starts, 1);
	assert_int_equal(m.restarts, 4);
}

static void test_restart_no(void **state)
{
	struct restart_rules never = rules;
	struct machine m = attached_at(1000);

	never.mode = RESTART_NO;
	assert_int_equal(step(&m, &never, MACHINE_DETACHED, 0, 2000), ACTION_NONE);
	assert_int_equal(m.state, STATE_INACTIVE);
	assert_int_equal(m.reason, REASON_LINK_DETACHED);

	step(&m, &never, MACHINE_START, REASON_ADMIN, 3000);
	assert_int_equal(step(&m, &never, MACHINE_FAILED, REASON_ATTACH_FAILED, 3000),
			 ACTION_GIVE_UP);
	assert_int_equal(m.state, STATE_FAILED);
	assert_int_equal(m.reason, REASON_ATTACH_FAILED);
}

/* It waits for an event, however long; that attempt is nobody's failure. */
static void test_await(void **state)
{
	struct machine m = {0};

	step(&m, &rules, MACHINE_START, REASON_BOOT, 1000);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(step(&m, &rules, MACHINE_AWAIT, REASON_LOAD_FAILED, 2000),
				 ACTION_NONE);
		assert_int_equal(m.state, STATE_WAITING);
		assert_true(m.deadline == USEC_INFINITY);
		assert_int_equal(step(&m, &rules, MACHINE_DEADLINE, 0, 3000), ACTION_LOAD);
	}
	assert_int_equal(m.restarts, 0);
	step(&m, &rules, MACHINE_ATTACHED, 0, 4000);
	assert_int_equal(m.state, STATE_ATTACHED);
}

/* What each class of exit asks for, under each Restart=; the map of a dead link is never linked again. */
static void test_exits(void **state)
{
	static const struct {
		enum exit_class exit;
		enum restart_mode mode;
		struct expectation then;
		unsigned restarts;
	} cases[] = {
		{EXIT_ERROR, RESTART_NO, {STATE_INACTIVE, ACTION_NONE}, 0},
		{EXIT_ERROR, RESTART_ON_DETACH, {STATE_WAITING, ACTION_WAIT}, 1},
		{EXIT_ERROR, RESTART_ALWAYS, {STATE_WAITING, ACTION_WAIT}, 1},
		{EXIT_RESTART, RESTART_NO, {STATE_INACTIVE, ACTION_NONE}, 0},
		{EXIT_RESTART, RESTART_ON_DETACH, {STATE_LOADING, ACTION_LOAD}, 0},
		{EXIT_RESTART, RESTART_ALWAYS, {STATE_LOADING, ACTION_LOAD}, 0},
		{EXIT_WISH, RESTART_NO, {STATE_INACTIVE, ACTION_NONE}, 0},
		{EXIT_WISH, RESTART_ON_DETACH, {STATE_INACTIVE, ACTION_NONE}, 0},
		{EXIT_WISH, RESTART_ALWAYS, {STATE_WAITING, ACTION_WAIT}, 1},
		{EXIT_PARENT, RESTART_NO, {STATE_INACTIVE, ACTION_NONE}, 0},
		{EXIT_PARENT, RESTART_ON_DETACH, {STATE_WAITING, ACTION_NONE}, 0},
		{EXIT_PARENT, RESTART_ALWAYS, {STATE_WAITING, ACTION_NONE}, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m = attached_at(1000);
		struct restart_rules r = rules;

		r.mode = cases[i].mode;
		assert_int_equal(exit_with(&m, &r, cases[i].exit, 5 * USEC_PER_SEC),
				 cases[i].then.action);
		assert_int_equal(m.state, cases[i].then.to);
		assert_int_equal(m.reason, REASON_KERNEL_EXIT);
		assert_int_equal(m.restarts, cases[i].restarts);
		assert_int_equal(m.backoff.restarts, cases[i].restarts);
		assert_false(m.relink);
		assert_true(cases[i].exit != EXIT_PARENT || m.deadline == USEC_INFINITY ||
			    m.state == STATE_INACTIVE);
	}
}

/* Another process unregistered it: no failure of the kernel's, and told apart by the reason. */
static void test_exit_by_another_process(void **state)
{
	struct machine m = attached_at(1000);
	struct machine_input in = {.event = MACHINE_EXITED,
				   .reason = REASON_LINK_DETACHED,
				   .exit = EXIT_WISH,
				   .now = 2000};

	assert_int_equal(machine_step(&m, &rules, &in), ACTION_NONE);
	assert_int_equal(m.state, STATE_INACTIVE);
	assert_int_equal(m.reason, REASON_LINK_DETACHED);
}

/* The kernel may ask for a restart as often as it likes, but not in a tight loop. */
static void test_quick_restarts_become_failures(void **state)
{
	struct restart_rules eager = rules;
	struct machine m = attached_at(1000);
	usec_t now = 1000;

	eager.delay = 0;
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(exit_with(&m, &eager, EXIT_RESTART, now += 1000), ACTION_LOAD);
		step(&m, &eager, MACHINE_ATTACHED, 0, now);
	}
	for (int i = 1; i < 5; i++) {
		assert_int_equal(exit_with(&m, &eager, EXIT_RESTART, now += 1000), ACTION_WAIT);
		assert_true(m.deadline >= now + 10 * USEC_PER_MSEC);
		now = m.deadline;
		step(&m, &eager, MACHINE_DEADLINE, m.reason, now);
		step(&m, &eager, MACHINE_ATTACHED, 0, now);
	}
	assert_int_equal(exit_with(&m, &eager, EXIT_RESTART, now + 1000), ACTION_GIVE_UP);
	assert_int_equal(m.reason, REASON_LIMIT_HIT);
}

static void test_slow_restarts_are_never_counted(void **state)
{
	struct machine m = attached_at(1000);
	usec_t now = 1000;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(exit_with(&m, &rules, EXIT_RESTART, now += USEC_PER_SEC),
				 ACTION_LOAD);
		step(&m, &rules, MACHINE_ATTACHED, 0, now);
	}
	assert_int_equal(m.restarts, 0);
	/* and three quick ones in a row are made good by a slow one */
	for (int i = 0; i < 10; i++) {
		now += i % 4 == 3 ? USEC_PER_SEC : 1;
		assert_int_equal(exit_with(&m, &rules, EXIT_RESTART, now), ACTION_LOAD);
		step(&m, &rules, MACHINE_ATTACHED, 0, now);
	}
}

/* It died before its worker's report was read: nothing was attached for a long time, whatever was before. */
static void test_exit_on_arrival(void **state)
{
	struct machine m = {0};

	step(&m, &rules, MACHINE_START, REASON_BOOT, USEC_PER_HOUR);
	assert_int_equal(exit_with(&m, &rules, EXIT_ERROR, USEC_PER_HOUR + 1000), ACTION_WAIT);
	assert_int_equal(m.quick_exits, 1);
	assert_int_equal(m.backoff.starts, 2);

	step(&m, &rules, MACHINE_DEADLINE, m.reason, m.deadline);
	step(&m, &rules, MACHINE_REPLACE, REASON_RELOAD, m.deadline);
	assert_int_equal(exit_with(&m, &rules, EXIT_ERROR, m.deadline), ACTION_LOAD);
	assert_int_equal(m.reason, REASON_RELOAD);
}

static void test_device_gone(void **state)
{
	static const enum state from[] = {STATE_LOADING, STATE_ATTACHED, STATE_UPDATING};

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct machine m = {.state = from[i]};

		assert_int_equal(step(&m, &rules, MACHINE_DEVICE_GONE, 0, 1000), ACTION_NONE);
		assert_int_equal(m.reason, REASON_DEVICE_GONE);
		assert_true(m.deadline == USEC_INFINITY);
		assert_int_equal(step(&m, &rules, MACHINE_DEADLINE, REASON_DEVICE_GONE, 2000),
				 ACTION_LOAD);
		assert_int_equal(m.restarts, 0);
	}
}

/* Whoever ends the waiting may say why. */
static void test_deadline_with_a_reason(void **state)
{
	struct machine m = {0};

	step(&m, &rules, MACHINE_START, REASON_BOOT, 1000);
	step(&m, &rules, MACHINE_AWAIT, REASON_ATTACH_FAILED, 1000);
	step(&m, &rules, MACHINE_DEADLINE, REASON_FALLBACK, 1000);
	step(&m, &rules, MACHINE_ATTACHED, 0, 1000);
	assert_int_equal(m.reason, REASON_FALLBACK);
}

static void test_start_while_detaching(void **state)
{
	struct machine m = attached_at(1000);

	step(&m, &rules, MACHINE_STOP, REASON_ADMIN, 2000);
	assert_int_equal(step(&m, &rules, MACHINE_START, REASON_RELOAD, 2001), ACTION_NONE);
	assert_int_equal(step(&m, &rules, MACHINE_DETACH_DONE, 0, 2002), ACTION_LOAD);
	assert_int_equal(m.state, STATE_LOADING);
	assert_int_equal(m.reason, REASON_RELOAD);
}

static void test_stop_takes_a_start_back(void **state)
{
	struct machine m = attached_at(1000);

	step(&m, &rules, MACHINE_STOP, REASON_ADMIN, 2000);
	step(&m, &rules, MACHINE_START, REASON_ADMIN, 2001);
	step(&m, &rules, MACHINE_STOP, REASON_ADMIN, 2002);
	assert_int_equal(step(&m, &rules, MACHINE_DETACH_DONE, 0, 2003), ACTION_NONE);
	assert_int_equal(m.state, STATE_INACTIVE);
}

/* The load of the former policy won the race against being cancelled: it is replaced. */
static void test_policy_changed_while_loading(void **state)
{
	struct machine lost = {0}, won = {0};

	step(&lost, &rules, MACHINE_START, REASON_BOOT, 1000);
	step(&lost, &rules, MACHINE_REPLACE, REASON_RELOAD, 1001);
	assert_int_equal(step(&lost, &rules, MACHINE_FAILED, REASON_BOOT, 1002), ACTION_LOAD);
	assert_int_equal(lost.reason, REASON_RELOAD);
	assert_int_equal(lost.restarts, 0);

	step(&won, &rules, MACHINE_START, REASON_BOOT, 1000);
	step(&won, &rules, MACHINE_REPLACE, REASON_RELOAD, 1001);
	assert_int_equal(step(&won, &rules, MACHINE_ATTACHED, REASON_BOOT, 1002), ACTION_REPLACE);
	assert_int_equal(won.state, STATE_UPDATING);
}

/* restart, of something that is attached: by hand, so all counters begin anew; reload leaves them. */
static void test_restart_by_hand(void **state)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct machine m = attached_at(1000);

		step(&m, &rules, MACHINE_DETACHED, 0, 2000);
		step(&m, &rules, MACHINE_DEADLINE, 0, m.deadline);
		step(&m, &rules, MACHINE_ATTACHED, 0, m.deadline);
		assert_int_equal(m.restarts, 1);
		step(&m, &rules, MACHINE_REPLACE, by_hand ? REASON_ADMIN : REASON_RELOAD, 3000);
		assert_int_equal(m.restarts, by_hand ? 0 : 1);
		assert_int_equal(m.backoff.restarts, by_hand ? 0 : 1);
		assert_int_equal(m.backoff.starts, by_hand ? 1 : 2); /* this one is a start, too */
	}
}

static void test_policy_changed_while_updating(void **state)
{
	struct machine m = attached_at(1000);

	step(&m, &rules, MACHINE_REPLACE, REASON_RELOAD, 1001);
	assert_int_equal(step(&m, &rules, MACHINE_REPLACE, REASON_ADMIN, 1002), ACTION_NONE);
	assert_int_equal(step(&m, &rules, MACHINE_KEPT, REASON_LOAD_FAILED, 1003), ACTION_REPLACE);
	assert_int_equal(m.reason, REASON_ADMIN);
	assert_int_equal(step(&m, &rules, MACHINE_ATTACHED, 0, 1004), ACTION_NONE);
	assert_int_equal(m.state, STATE_ATTACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_detached_is_relinked_after_the_delay),
		cmocka_unit_test(test_no_delay_acts_at_once),
		cmocka_unit_test(test_no_retry_storm),
		cmocka_unit_test(test_limit_ends_in_failed),
		cmocka_unit_test(test_stable_time_begins_anew),
		cmocka_unit_test(test_restart_no),
		cmocka_unit_test(test_await),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_exit_by_another_process),
		cmocka_unit_test(test_quick_restarts_become_failures),
		cmocka_unit_test(test_slow_restarts_are_never_counted),
		cmocka_unit_test(test_exit_on_arrival),
		cmocka_unit_test(test_device_gone),
		cmocka_unit_test(test_deadline_with_a_reason),
		cmocka_unit_test(test_start_while_detaching),
		cmocka_unit_test(test_stop_takes_a_start_back),
		cmocka_unit_test(test_policy_changed_while_loading),
		cmocka_unit_test(test_restart_by_hand),
		cmocka_unit_test(test_policy_changed_while_updating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
