/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What else happens while a switch is under way, and what ends one afterwards. */
#include "tests/service/switching.h"

static void begin_held(struct rig *r, struct switched *s)
{
	switch_start(r);
	fake_kernel_hold("new", true);
	switch_ask(r, "new", SWITCH_FOR_GOOD, s);
	rig_run_until(r, fake_kernel_counts("new").replaces == 1);
	rig_assert(r, "old", "updating admin");
	rig_assert(r, "new", "loading admin");
	assert_false(s->come);
}

static void test_old_is_detached_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched s;
	const char *why;

	begin_held(r, &s);
	assert_true(manager_detach(r->manager, rig_get(r, "old"), &why));
	for (int i = 0; i < 20; i++)
		rig_turn(r);
	rig_assert(r, "old", "detaching admin");
	fake_kernel_hold("new", false);
	switch_assert(r, &s, true, "in place of old");
	assert_in_kernel(r, "new");
	rig_assert(r, "old", "inactive admin");
	assert_switched_from(r, "new", NULL, 0);
	/* The link is the other one's now: it was not taken off behind its back. */
	assert_int_equal(fake_kernel_counts("old").detaches, 0);
}

static void test_old_is_detached_meanwhile_and_it_fails(void **state)
{
	struct rig *r = *state;
	struct switched s;
	const char *why;

	fake_kernel_script_all("new", FAKE_KEPT);
	begin_held(r, &s);
	assert_true(manager_detach(r->manager, rig_get(r, "old"), &why));
	fake_kernel_hold("new", false);
	switch_assert(r, &s, false, "in place of old: the fake kernel was told to fail");
	rig_run_until(r, rig_state(r, "old") == STATE_INACTIVE);
	assert_false(fake_kernel_is_attached("old"));
	rig_assert(r, "old", "inactive admin");
}

static void test_new_is_detached_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched s;
	const char *why;

	fake_kernel_script_all("new", FAKE_HANG);
	begin_held(r, &s);
	assert_true(manager_detach(r->manager, rig_get(r, "new"), &why));
	switch_assert(r, &s, false, "inactive");
	rig_assert(r, "new", "inactive admin");
	rig_assert(r, "old", "attached admin");
	assert_old_goes_on(r);
}

static void test_restart_is_refused_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched s;
	const char *why;

	begin_held(r, &s);
	assert_false(manager_restart(r->manager, rig_get(r, "old"), &why));
	assert_non_null(strstr(why, "under way"));
	assert_false(manager_restart(r->manager, rig_get(r, "new"), &why));
	switch_to(r, "new", SWITCH_FOR_GOOD, false, "already");
	fake_kernel_hold("new", false);
	switch_assert(r, &s, true, "in place of old");
}

/* The second one waits for the first, and what it finds then is that one. */
static void test_another_switch_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched first, second;

	begin_held(r, &first);
	switch_ask(r, "third", SWITCH_FOR_GOOD, &second);
	rig_run_until(r, fake_kernel_counts("third").checks == 1);
	fake_kernel_hold("new", false);
	switch_assert(r, &first, true, "in place of old");
	switch_assert(r, &second, true, "in place of new");
	assert_in_kernel(r, "third");
	assert_switched_from(r, "third", "old", SWITCH_FOR_GOOD);
	rig_assert(r, "old", "inactive admin");
	rig_assert(r, "new", "inactive admin");
}

static void test_foreign_detachment_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched s;

	fake_kernel_script_all("new", FAKE_REFUSED);
	begin_held(r, &s);
	fake_kernel_detach_foreign("old");
	fake_kernel_hold("new", false);
	switch_assert(r, &s, false, "told to fail");
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED &&
				 fake_kernel_counts("old").relinks +
						 fake_kernel_counts("old").attaches ==
					 2);
	assert_in_kernel(r, "old");
}

static void test_reload_waits(void **state)
{
	struct rig *r = *state;
	struct switched s;
	bool ok;

	begin_held(r, &s);
	rig_policy(r, "old", "RestartSec=1ms\n[Fields]\nx=1");
	rig_policy_text(r, "new", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n[Fields]\nx=1\n");
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	rig_run_until(r, fake_kernel_counts("old").checks == 1 &&
				 fake_kernel_counts("new").checks == 2);
	for (int i = 0; i < 20; i++)
		rig_turn(r);
	rig_assert(r, "old", "updating admin");
	rig_assert(r, "new", "loading admin");
	fake_kernel_hold("new", false);
	switch_assert(r, &s, true, "in place of old");
	free(rig_reload(r, &ok));
	assert_true(ok);
	assert_in_kernel(r, "new");
	assert_int_equal(rig_get(r, "new")->policy->n_fields, 1);
	assert_int_equal(fake_kernel_counts("new").replaces, 2);
	assert_switched_from(r, "new", "old", SWITCH_FOR_GOOD);
	rig_assert(r, "old", "inactive admin");
}

static void test_stop_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched s;

	begin_held(r, &s);
	manager_stop(r->manager);
	fake_kernel_hold("new", false);
	rig_run_until(r, r->loop_ended);
	rig_assert(r, "old", "inactive admin");
	rig_assert(r, "new", "inactive admin");
	assert_false(fake_kernel_is_attached("old"));
	assert_false(fake_kernel_is_attached("new"));
}

/* It leaves only when one of the two is attached. */
static void test_leave_meanwhile(void **state)
{
	struct rig *r = *state;
	struct switched s;

	r->config.keep_links = KEEP_LINKS_PIN;
	begin_held(r, &s);
	manager_leave(r->manager);
	for (int i = 0; i < 20; i++)
		rig_turn(r);
	assert_false(r->loop_ended);
	fake_kernel_hold("new", false);
	rig_end(r);
	rig_start(r);
	rig_assert(r, "new", "attached adopted");
	rig_assert(r, "old", "inactive admin");
	assert_switched_from(r, "new", "old", SWITCH_FOR_GOOD);
}

/* It is the next daemon's business, and this one must not make a failure of it. */
static void test_time_ends_while_it_leaves(void **state)
{
	struct rig *r = *state;
	usec_t ends;

	r->config.keep_links = KEEP_LINKS_PIN;
	switch_start(r);
	ends = rig_now() + 300 * USEC_PER_MSEC;
	switch_to(r, "new", ends, true, "in place of old");
	fake_kernel_hold("other", true);
	attachment_replace(rig_get(r, "other"), REASON_ADMIN, NULL);
	rig_run_until(r, fake_kernel_counts("other").replaces == 1);
	manager_leave(r->manager);
	rig_run_until(r, rig_now() > ends + 50 * USEC_PER_MSEC);
	assert_in_kernel(r, "new");
	fake_kernel_hold("other", false);
	rig_end(r);
	rig_start(r);
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	assert_in_kernel(r, "old");
}

static void test_stop_during_the_check(void **state)
{
	struct rig *r = *state;
	struct switched s;

	switch_start(r);
	fake_kernel_hold_check("new", true);
	switch_ask(r, "new", SWITCH_FOR_GOOD, &s);
	rig_run_until(r, fake_kernel_counts("new").checks == 1);
	manager_stop(r->manager);
	switch_assert(r, &s, false, "being stopped");
	rig_run_until(r, r->loop_ended);
	fake_kernel_hold_check("new", false);
}

/* What comes afterwards. */

static void test_policy_of_the_old_goes(void **state)
{
	struct rig *r = *state;
	bool ok;

	switch_start(r);
	switch_to(r, "new", rig_now() + USEC_PER_HOUR, true, "in place of old");
	rig_remove_policy(r, "old");
	free(rig_reload(r, &ok));
	assert_in_kernel(r, "new");
	assert_switched_from(r, "new", NULL, 0);
	assert_null(rig_get(r, "new")->switch_source);
	switch_back(r, "new", false, "not in place of another");
}

/* It has a place of its own by now, so there is nothing to go back to. */
static void test_old_is_attached_beside_it(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	switch_start(r);
	switch_to(r, "new", rig_now() + USEC_PER_HOUR, true, "in place of old");
	assert_true(manager_attach(r->manager, rig_get(r, "old"), &sentence));
	rig_run_until(r,
		      rig_state(r, "old") == STATE_ATTACHED && !rig_get(r, "new")->switched_from);
	assert_null(rig_get(r, "new")->switch_source);
	assert_in_kernel(r, "new");
	assert_in_kernel(r, "old");
}

static void test_old_is_disabled(void **state)
{
	struct rig *r = *state;
	bool ok;

	switch_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	switch_off_policy(r, "old");
	free(rig_reload(r, &ok));
	assert_switched_from(r, "new", NULL, 0);
}

static void test_policy_of_the_new_goes(void **state)
{
	struct rig *r = *state;
	bool ok;

	switch_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	rig_remove_policy(r, "new");
	free(rig_reload(r, &ok));
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	switch_assert_detail(r, "old", "link");
	rig_assert(r, "old", "attached reload");
	assert_in_kernel(r, "old");
}

static void test_new_is_detached_by_hand(void **state)
{
	struct rig *r = *state;
	const char *why;

	switch_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	assert_true(manager_detach(r->manager, rig_get(r, "new"), &why));
	rig_run_until(r, rig_state(r, "new") == STATE_INACTIVE);
	assert_switched_from(r, "new", NULL, 0);
	rig_turn(r);
	rig_assert(r, "old", "inactive admin");
}

static void test_old_is_left_off_by_hand(void **state)
{
	struct rig *r = *state;
	const char *why;

	switch_start(r);
	switch_to(r, "new", rig_now() + USEC_PER_HOUR, true, "in place of old");
	assert_true(manager_detach(r->manager, rig_get(r, "old"), &why));
	assert_switched_from(r, "new", NULL, 0);
	assert_in_kernel(r, "new");
}

static void test_new_fails_for_good(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "old", "");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	rig_policy_text(r, "new",
			"[Policy]\nEnabled=no\n[Object]\nPath=/object\n[Attach]\nRestartSec=0\n");
	fake_kernel_set_slot("new", SWITCH_SLOT);
	fake_kernel_set_relinkable("new", false);
	fake_kernel_script_all("new", FAKE_SWAPPED, FAKE_REFUSED);
	rig_start(r);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	fake_kernel_detach_foreign("new");
	rig_run_until(r, rig_state(r, "old") == STATE_ATTACHED);
	rig_assert(r, "old", "attached fallback");
	rig_assert(r, "new", "failed load-failed");
	assert_switched_from(r, "new", NULL, 0);
}

/* The holder tries again and again: whoever is put in its place does not have to wait for that. */
static void test_holder_that_waits(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "old", "RestartSec=1h\nRestartMaxDelaySec=1h");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	switch_off_policy(r, "new");
	rig_start(r);
	fake_kernel_detach_foreign("old");
	rig_run_until(r, rig_state(r, "old") == STATE_WAITING);
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "attached");
	rig_assert(r, "old", "inactive admin");
	assert_in_kernel(r, "new");
	assert_switched_from(r, "new", "old", SWITCH_FOR_GOOD);
}

/* Another one tries in vain to get the place; who is attached is the one that gives it. */
static void test_holder_and_one_that_tries(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "before", "RestartSec=1h\nRestartMaxDelaySec=1h");
	fake_kernel_set_slot("before", SWITCH_SLOT);
	fake_kernel_script_all("before", FAKE_BUSY);
	switch_start(r);
	rig_assert(r, "before", "waiting attach-failed");
	switch_to(r, "new", SWITCH_FOR_GOOD, true, "in place of old");
	rig_assert(r, "before", "waiting attach-failed");
	assert_in_kernel(r, "new");
}

static void must_not_come(void *userdata, bool done, const char *text)
{
	fail_msg("an answer to nobody: %s", text);
}

static void test_who_asked_is_gone(void **state)
{
	struct rig *r = *state;
	struct manager_switch *s;

	switch_start(r);
	assert_int_equal(manager_switch(r->manager, rig_get(r, "new"), SWITCH_FOR_GOOD,
					must_not_come, NULL, &s),
			 0);
	manager_switch_disown(s);
	rig_run_until(r, rig_state(r, "new") == STATE_ATTACHED);
	assert_in_kernel(r, "new");
}

static void test_template_has_no_place(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "t", "[Object]\nPath=/object\n[Match]\nHid=*:1:1\n");
	rig_start(r);
	switch_to(r, "t", SWITCH_FOR_GOOD, false, "template");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_old_is_detached_meanwhile),
		rig_test(test_old_is_detached_meanwhile_and_it_fails),
		rig_test(test_new_is_detached_meanwhile),
		rig_test(test_restart_is_refused_meanwhile),
		rig_test(test_another_switch_meanwhile),
		rig_test(test_foreign_detachment_meanwhile),
		rig_test(test_reload_waits),
		rig_test(test_stop_meanwhile),
		rig_test(test_leave_meanwhile),
		rig_test(test_time_ends_while_it_leaves),
		rig_test(test_stop_during_the_check),
		rig_test(test_policy_of_the_old_goes),
		rig_test(test_old_is_attached_beside_it),
		rig_test(test_old_is_disabled),
		rig_test(test_policy_of_the_new_goes),
		rig_test(test_new_is_detached_by_hand),
		rig_test(test_old_is_left_off_by_hand),
		rig_test(test_new_fails_for_good),
		rig_test(test_holder_that_waits),
		rig_test(test_holder_and_one_that_tries),
		rig_test(test_who_asked_is_gone),
		rig_test(test_template_has_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
