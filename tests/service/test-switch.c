/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* switch: a policy in place of another one with the same slot, and back again. */
#include "tests/service/bed.h"
#include "tests/service/switching.h"

/* The way of all flesh. */

static void test_updated(void **state)
{
	struct rig *r = *state;
	uint32_t link_id;

	switch_start(r);
	link_id = rig_get(r, "old")->outcome.link_id;
	switch_to(r, "new", SWITCH_FOR_GOOD, true,
		  "attached: in place of old (updated on the same link");
	rig_assert(r, "new", "attached admin");
	assert_in_kernel(r, "new");
	assert_int_equal(rig_get(r, "new")->outcome.link_id, link_id);
	assert_switched_from(r, "new", "old", SWITCH_FOR_GOOD);
	rig_assert(r, "old", "inactive admin");
	assert_string_equal(attachment_detail(rig_get(r, "old")), "new was put in its place");
	assert_int_equal(fake_kernel_counts("old").detaches, 0);
	assert_int_equal(fake_kernel_counts("new").checks, 1);
	rig_assert(r, "other", "attached boot");
}

static void test_swapped(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_script_all("new", FAKE_SWAPPED);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old (swapped, gap 0s): link");
	assert_in_kernel(r, "new");
	rig_assert(r, "old", "inactive admin");
	assert_int_equal(rig_get(r, "old")->handles.link_fd, -EBADF);

	/* It is watched like any other. */
	fake_kernel_detach_foreign("new");
	rig_run_until(r, fake_kernel_counts("new").relinks == 1 &&
				 rig_state(r, "new") == STATE_ATTACHED);
}

static void test_scheduler(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "old", "");
	rig_policy(r, "new", "");
	fake_kernel_set_scheduler("old", false);
	rig_start(r);
	fake_kernel_set_scheduler("new", false);
	assert_int_equal(rig_state(r, "new"), STATE_ATTACHED);
	manager_detach(r->manager, rig_get(r, "new"), &(const char *){NULL});
	rig_run_until(r, rig_state(r, "new") == STATE_INACTIVE);
	fake_kernel_script_all("new", FAKE_SWAPPED);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	assert_in_kernel(r, "new");
	rig_assert(r, "old", "inactive admin");
}

/* One that waits for the other one's end does not have to. */
static void test_who_waited_for_the_place(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	fake_kernel_set_scheduler("a", false);
	rig_policy(r, "b", "");
	fake_kernel_set_scheduler("b", false);
	r->config.workers_max = 1;
	rig_start(r);
	rig_assert(r, "b", "waiting attach-failed");
	fake_kernel_script_all("b", FAKE_SWAPPED);
	switch_to(r, "b", SWITCH_FOR_GOOD, true, "in place of a");
	rig_assert(r, "a", "inactive admin");
	assert_in_kernel(r, "b");
}

static void test_nobody_there(void **state)
{
	struct rig *r = *state;

	switch_off_policy(r, "new");
	rig_start(r);
	switch_to(r, "new", rig_now() + USEC_PER_HOUR, false, "nothing to go back to");
	rig_assert(r, "new", "inactive boot");
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "nothing of ours was in its place");
	rig_assert(r, "new", "attached admin");
	assert_switched_from(r, "new", NULL, 0);
}

static void test_itself(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	switch_to(r, "old", SWITCH_FOR_GOOD, true, "attached already");
	switch_to(r, "old", SWITCH_UNTIL_RESTART, false, "nothing to go back to");
	assert_int_equal(fake_kernel_counts("old").checks, 0);
	assert_old_goes_on(r);
}

static void test_defaults_go_over(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "old", "");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	fake_kernel_set_default("old", "cubic");
	switch_off_policy(r, "new");
	fake_kernel_set_default("new", "what was never the default");
	rig_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	assert_int_equal(fake_kernel_counts("new").inherited, 1);
	assert_string_equal(rig_get(r, "new")->outcome.defaults[0].former, "cubic");
	assert_int_equal(rig_get(r, "old")->outcome.n_defaults, 0);
	assert_int_equal(fake_kernel_counts("old").given_back, 0);

	/* And nothing of it is lost where the switch fails. */
	fake_kernel_script_all("old", FAKE_KEPT);
	switch_back(r, "new", false, "told to fail");
	assert_int_equal(rig_get(r, "new")->outcome.n_defaults, 1);
	assert_int_equal(rig_get(r, "old")->outcome.n_defaults, 0);
	assert_int_equal(fake_kernel_counts("old").given_back, 0);
}

/* What fails. */

static void test_check_refuses(void **state)
{
	struct rig *r = *state;
	size_t n_events;

	switch_start(r);
	n_events = rig_get(r, "old")->events.n;
	fake_kernel_refuse_check("new", "new.policy:4: no such member");
	switch_to(r, "new", SWITCH_FOR_GOOD, false, "new.policy:4: no such member");
	rig_assert(r, "new", "inactive boot");
	rig_assert(r, "old", "attached boot");
	assert_old_goes_on(r);
	assert_int_equal(rig_get(r, "old")->events.n, n_events);
}

static void test_check_crashes(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_misbehave_at_check("new", FAKE_CRASH);
	switch_to(r, "new", SWITCH_FOR_GOOD, false, "SIGSEGV");
	assert_old_goes_on(r);
}

static void assert_failed_and_old_goes_on(struct rig *r, const char *why)
{
	struct switched s;

	switch_ask(r, "new", SWITCH_FOR_GOOD, &s);
	switch_assert(r, &s, false, "it could not be put in place of old, which goes on");
	assert_non_null(strstr(s.text, why));
	assert_int_equal(rig_state(r, "new"), STATE_FAILED);
	switch_assert_detail(r, "old", "it goes on (link");
	switch_assert_detail(r, "old", why);
	rig_assert(r, "old", "attached admin");
	assert_old_goes_on(r);
}

static void test_kept(void **state)
{
	struct rig *r = *state;
	uint32_t link_id;

	switch_start(r);
	link_id = rig_get(r, "old")->outcome.link_id;
	fake_kernel_script_all("new", FAKE_KEPT);
	assert_failed_and_old_goes_on(r, "told to fail");
	assert_int_equal(rig_get(r, "old")->outcome.link_id, link_id);
	assert_false(rig_get(r, "old")->stale);
}

static void test_kept_with_another_link(void **state)
{
	struct rig *r = *state;
	uint32_t link_id;

	switch_start(r);
	link_id = rig_get(r, "old")->outcome.link_id;
	fake_kernel_script_all("new", FAKE_KEPT_RELINKED);
	assert_failed_and_old_goes_on(r, "told to fail");
	assert_true(rig_get(r, "old")->outcome.link_id > link_id);
	fake_kernel_detach_foreign("old");
	rig_run_until(r, fake_kernel_counts("old").relinks == 1 &&
				 rig_state(r, "old") == STATE_ATTACHED);
}

static void test_worker_crashes_before_anything(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_script_all("new", FAKE_CRASH);
	assert_failed_and_old_goes_on(r, "SIGSEGV");
	rig_assert(r, "new", "failed worker-timeout");
}

/* The link has a map that nobody can tell about: the old one begins anew. */
static void test_worker_crashes_after_the_update(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_script_all("new", FAKE_UPDATED_AND_CRASHED);
	switch_to(r, "new", SWITCH_FOR_GOOD, false, "SIGSEGV");
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_in_kernel(r, "old");
	assert_int_equal(fake_kernel_counts("old").attaches, 2);
	rig_assert(r, "new", "failed worker-timeout");
}

static void test_lost(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_script_all("new", FAKE_LOST);
	switch_to(r, "new", SWITCH_FOR_GOOD, false, "it could not be put in place of old: ");
	rig_assert(r, "new", "failed attach-failed");
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("old").attaches, 2);
	assert_in_kernel(r, "old");
}

/* It would find no place: the other one goes on. */
static void test_fallback_of_who_failed_is_not_needed(void **state)
{
	struct rig *r = *state;

	switch_off_policy(r, "third");
	rig_policy(r, "old", "");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	rig_policy_text(r, "new", "[Policy]\nEnabled=no\nFallback=third\n[Object]\nPath=/object\n");
	fake_kernel_set_slot("new", SWITCH_SLOT);
	fake_kernel_script_all("new", FAKE_REFUSED);
	rig_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, false, "which goes on");
	rig_assert(r, "new", "failed load-failed");
	rig_assert(r, "third", "inactive boot");
	assert_in_kernel(r, "old");
}

/* Back again. */

static void test_back_by_hand(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	switch_back(r, "old", false, "not in place of another");
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	switch_back(r, "new", true, "attached: in place of new (updated");
	assert_in_kernel(r, "old");
	rig_assert(r, "new", "inactive admin");
	switch_assert_detail(r, "new", "old was put in its place");
	assert_switched_from(r, "old", NULL, 0);
	assert_switched_from(r, "new", NULL, 0);
}

static void test_back_fails(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_script_all("old", FAKE_KEPT, FAKE_ATTACHED);
	switch_to(r, "new", rig_now() + USEC_PER_HOUR, true, "in place of old");
	switch_back(r, "new", false, "could not be put in place of new, which goes on");
	assert_in_kernel(r, "new");
	rig_assert(r, "old", "failed attach-failed");
	assert_switched_from(r, "new", "old", SWITCH_FOR_GOOD);
	switch_back(r, "new", true, "in place of new");
	assert_in_kernel(r, "old");
}

static void test_for_a_time(void **state)
{
	struct rig *r = *state;
	usec_t ends;

	switch_start(r);
	ends = rig_now() + 200 * USEC_PER_MSEC;
	switch_to(r, "new", ends, true, "in place of old");
	if (rig_now() < ends)
		assert_switched_from(r, "new", "old", ends);
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_true(rig_now() >= ends);
	assert_in_kernel(r, "old");
	rig_assert(r, "new", "inactive admin");
}

static void test_time_is_changed(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	switch_to(r, "new", rig_now() + 50 * USEC_PER_MSEC, true, "in place of old already");
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
}

/* It is told once, and not tried again and again. */
static void test_way_back_fails_by_itself(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	fake_kernel_script_all("old", FAKE_KEPT);
	switch_to(r, "new", rig_now() + 50 * USEC_PER_MSEC, true, "in place of old");
	rig_run_until(r, rig_state(r, "old") == STATE_FAILED);
	rig_run_until(r, rig_state(r, "new") == STATE_ATTACHED);
	rig_run_until(r, rig_get(r, "new")->switch_ends == SWITCH_FOR_GOOD);
	assert_in_kernel(r, "new");
	assert_int_equal(fake_kernel_counts("old").replaces, 1);
}

static void test_first_is_whom_to_go_back_to(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	switch_to(r, "third", rig_now() + USEC_PER_HOUR, true, "in place of new");
	assert_switched_from(r, "third", "old", rig_get(r, "third")->switch_ends);
	assert_switched_from(r, "new", NULL, 0);
	switch_back(r, "third", true, "in place of third");
	assert_in_kernel(r, "old");
	rig_assert(r, "new", "inactive admin");
	rig_assert(r, "third", "inactive admin");
}

/* What is switched to by hand is where it belongs, and that was the first one. */
static void test_back_by_its_name(void **state)
{
	struct rig *r = *state;

	switch_start(r);
	switch_to(r, "new", rig_now() + USEC_PER_HOUR, true, "in place of old");
	switch_to(r, "old", SWITCH_FOR_GOOD, true, "in place of new");
	assert_switched_from(r, "old", NULL, 0);
	assert_null(rig_get(r, "new")->switch_source);
}

/* Restarts of the daemon. */

static void next_daemon(struct rig *r)
{
	manager_leave(r->manager);
	rig_end(r);
	rig_start(r);
}

static void test_restart_goes_back(void **state)
{
	struct rig *r = *state;
	uint32_t link_id;

	r->config.keep_links = KEEP_LINKS_PIN;
	switch_start(r);
	link_id = rig_get(r, "old")->outcome.link_id;
	switch_to(r, "new", SWITCH_UNTIL_RESTART, true, "in place of old");
	assert_switched_from(r, "new", "old", SWITCH_UNTIL_RESTART);
	next_daemon(r);
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_in_kernel(r, "old");
	assert_int_equal(rig_get(r, "old")->outcome.link_id, link_id);
	rig_assert(r, "new", "inactive admin");
	next_daemon(r);
	rig_assert(r, "old", "attached adopted");
	rig_assert(r, "new", "inactive admin");
}

static void test_restart_goes_on(void **state)
{
	struct rig *r = *state;
	usec_t ends;

	r->config.keep_links = KEEP_LINKS_PIN;
	switch_start(r);
	ends = rig_now() + USEC_PER_HOUR;
	switch_to(r, "new", ends, true, "in place of old");
	next_daemon(r);
	rig_assert(r, "new", "attached adopted");
	assert_in_kernel(r, "new");
	rig_assert(r, "old", "inactive admin");
	assert_switched_from(r, "new", "old", ends);
	assert_non_null(rig_get(r, "new")->switch_source);
	switch_back(r, "new", true, "in place of new");
	assert_in_kernel(r, "old");
}

/* The time ran out while no daemon was there. */
static void test_restart_after_its_time(void **state)
{
	struct rig *r = *state;
	usec_t ends;

	r->config.keep_links = KEEP_LINKS_PIN;
	switch_start(r);
	ends = rig_now() + 300 * USEC_PER_MSEC;
	switch_to(r, "new", ends, true, "in place of old");
	manager_leave(r->manager);
	rig_end(r);
	while (rig_now() < ends)
		usleep(10000);
	rig_start(r);
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_in_kernel(r, "old");
}

/* Killed in the middle: the worker's link dies with it or goes on, and exactly one of the two is attached. */
static void test_kill_in_the_middle(void **state)
{
	struct rig *r = *state;
	struct switched s;

	r->config.keep_links = KEEP_LINKS_PIN;
	switch_start(r);
	fake_kernel_hold("new", true);
	switch_ask(r, "new", SWITCH_FOR_GOOD, &s);
	rig_run_until(r, fake_kernel_counts("new").replaces == 1);
	rig_turn(r);
	rig_kill(r);
	fake_kernel_hold("new", false);
	rig_start(r);
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_in_kernel(r, "old");
	rig_assert(r, "new", "inactive boot");
}

/* Over the bus. */

static void test_calls(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "old", "");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	switch_off_policy(b->rig, "new");
	bed_start(b);
	bed_call(b, &answer, METHOD_SWITCH, "stb", "new", SWITCH_SPAN_UNTIL_RESTART, true);
	assert_verdict(&answer, true, "attached: in place of old");
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "new");
	assert_row_text(&answer, KEY_SWITCHED_FROM, "old");
	assert_switched_from(b->rig, "new", "old", SWITCH_UNTIL_RESTART);

	bed_call(b, &answer, METHOD_SWITCH_BACK, "sb", "new", false);
	assert_verdict(&answer, true, "asked for");
	rig_run_until(b->rig, rig_state(b->rig, "old") == STATE_ATTACHED);
	bed_call(b, &answer, METHOD_SWITCH_BACK, "sb", "old", true);
	assert_verdict(&answer, false, "it is not in place of another policy");
	bed_call(b, &answer, METHOD_SWITCH, "stb", "ald", SWITCH_SPAN_FOR_GOOD, true);
	assert_error(&answer, ERROR_NO_SUCH_POLICY, "did you mean old?");
}

static void test_client_goes_meanwhile(void **state)
{
	struct bed *b = *state;
	struct answer answer = {0};
	sd_bus *bus;

	rig_policy(b->rig, "old", "");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	switch_off_policy(b->rig, "new");
	bed_start(b);
	fake_kernel_hold("new", true);
	bus = bed_connect(b);
	bed_call_async(bus, &answer, METHOD_SWITCH, "stb", "new", SWITCH_SPAN_FOR_GOOD, true);
	rig_run_until(b->rig, fake_kernel_counts("new").replaces == 1);
	sd_bus_close_unref(bus);
	for (int i = 0; i < 20; i++)
		rig_turn(b->rig);
	fake_kernel_hold("new", false);
	rig_run_until(b->rig, rig_state(b->rig, "new") == STATE_ATTACHED);
	assert_in_kernel(b->rig, "new");
	sd_bus_message_unref(answer.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_updated),
		rig_test(test_swapped),
		rig_test(test_scheduler),
		rig_test(test_who_waited_for_the_place),
		rig_test(test_nobody_there),
		rig_test(test_itself),
		rig_test(test_defaults_go_over),
		rig_test(test_check_refuses),
		rig_test(test_check_crashes),
		rig_test(test_kept),
		rig_test(test_kept_with_another_link),
		rig_test(test_worker_crashes_before_anything),
		rig_test(test_worker_crashes_after_the_update),
		rig_test(test_lost),
		rig_test(test_fallback_of_who_failed_is_not_needed),
		rig_test(test_back_by_hand),
		rig_test(test_back_fails),
		rig_test(test_for_a_time),
		rig_test(test_time_is_changed),
		rig_test(test_way_back_fails_by_itself),
		rig_test(test_first_is_whom_to_go_back_to),
		rig_test(test_back_by_its_name),
		rig_test(test_restart_goes_back),
		rig_test(test_restart_goes_on),
		rig_test(test_restart_after_its_time),
		bed_test(test_calls),
		bed_test(test_client_goes_meanwhile),
		rig_test(test_kill_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
