/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one daemon to the next: what goes on whatever the end was, and what was changed while none was there. */
#include "tests/service/adopting.h"

/* What goes on. */

static void goes_on(struct rig *r, void (*end)(struct rig *r))
{
	usec_t attached_usec;
	uint64_t last_seq;
	uint32_t link;

	start_one(r, AT_ONCE);
	detach_and_wait(r, "a");
	link = link_of(r, "a");
	attached_usec = rig_get(r, "a")->attached_realtime;
	last_seq = *rig_get(r, "a")->host->last_seq;

	for (int i = 0; i < 3; i++) {
		end(r);
		assert_true(fake_kernel_is_attached("a"));
		rig_start(r);
		rig_assert(r, "a", "attached adopted");
		assert_int_equal(link_of(r, "a"), link);
		assert_int_equal(rig_get(r, "a")->machine.restarts, 1);
		assert_int_equal(rig_get(r, "a")->attached_realtime, attached_usec);
		assert_true(*rig_get(r, "a")->host->last_seq > last_seq);
		assert_detail(r, "a", "goes on");
	}
	assert_attaches("a", 1, 0, 1);
	detach_and_wait(r, "a"); /* it is watched, and the map is the same */
	assert_attaches("a", 1, 0, 2);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 2);
}

static void test_left(void **state)
{
	goes_on(*state, leave);
}

static void test_killed(void **state)
{
	goes_on(*state, kill_daemon);
}

static void test_all_is_known_that_was_known(void **state)
{
	struct rig *r = *state;
	const struct outcome *o;

	fake_kernel_set_default("a", "cubic");
	start_one(r, "");
	kill_daemon(r);
	rig_start(r);
	o = &rig_get(r, "a")->outcome;
	assert_string_equal(o->object_file, "/object");
	assert_string_equal(o->type, "fake_ops");
	assert_int_equal(o->n_defaults, 1);
	assert_true(o->relinkable);
	stop(r);
	assert_int_equal(fake_kernel_counts("a").given_back, 1);
	assert_false(fake_kernel_is_attached("a"));
}

static void test_attached_by_hand(void **state)
{
	struct rig *r = *state;
	const char *refusal;

	with_pins(r);
	rig_policy_text(r, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	rig_start(r);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &refusal));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	kill_daemon(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_attaches("a", 1, 0, 0);
}

/* What is registered without a link is held by nobody. */
static void test_linkless_and_not_kept(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	fake_kernel_set_linkless("a");
	rig_start(r);
	kill_daemon(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_detail(r, "a", "registered without a link");
	assert_attaches("a", 1, 0, 0);
}

static void test_not_kept(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	quiet(r);
	fake_kernel_fail_pins(EROFS);
	detach_and_wait(r, "a");
	kill_daemon(r);
	assert_false(fake_kernel_is_attached("a"));
	fake_kernel_fail_pins(0);
	rig_start(r);
	/* The pins are of before: a dead link, and the map, which is as good as ever. */
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_attaches("a", 1, 0, 2);
}

static void test_kept_in_another_way_from_now_on(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	leave(r);
	r->config.keep_links = KEEP_LINKS_NO;
	rig_start(r);
	quiet(r);
	rig_assert(r, "a", "attached adopted");
	assert_false(fake_kernel_has_pins("a"));
	assert_true(fake_kernel_is_attached("a"));
	assert_attaches("a", 1, 0, 0);
}

/* What changed meanwhile. */

static void changed(struct rig *r, const char *text, unsigned replaces)
{
	uint32_t link;

	start_one(r, "");
	link = link_of(r, "a");
	leave(r);
	rig_policy_text(r, "a", text);
	rig_start(r);
	assert_int_equal(link_of(r, "a"), link);
	assert_attaches("a", 1, replaces, 0);
	assert_false(rig_get(r, "a")->stale);
}

static void test_policy_changed(void **state)
{
	struct rig *r = *state;

	changed(r, "[Object]\nPath=/object\n[Globals]\nx = 1\n", 1);
	rig_assert(r, "a", "attached reload");
	leave(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_attaches("a", 1, 1, 0);
}

static void test_settings_changed(void **state)
{
	changed(*state, "[Object]\nPath=/object\n[Attach]\nRestart=no\n", 0);
	rig_assert(*state, "a", "attached adopted");
	assert_int_equal(rig_get(*state, "a")->policy->restart.mode, RESTART_NO);
}

/* The next daemon knows them, although no state changed. */
static void test_settings_reloaded(void **state)
{
	struct rig *r = *state;
	bool ok;

	start_one(r, "");
	rig_policy(r, "a", "Restart=no\n");
	free(rig_reload(r, &ok));
	assert_true(ok);
	kill_daemon(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_null(strstr(attachment_detail(rig_get(r, "a")), "new settings"));
}

static void test_change_that_is_refused(void **state)
{
	struct rig *r = *state;
	uint32_t link;

	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_KEPT);
	start_one(r, "");
	link = link_of(r, "a");
	leave(r);
	rig_policy_text(r, "a", "[Object]\nPath=/object\n[Globals]\nx = 1\n");
	rig_start(r);
	assert_int_equal(link_of(r, "a"), link);
	assert_true(rig_get(r, "a")->stale);
	leave(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_true(rig_get(r, "a")->stale);
	assert_int_equal(link_of(r, "a"), link);
}

static void test_object_changed_or_gone(void **state)
{
	struct rig *r = *state;
	char text[160], *path = scratch_path(r->scratch, "object");

	with_pins(r);
	scratch_text(r->scratch, "object", "one");
	snprintf(text, sizeof(text), "[Object]\nPath=%s\n", path);
	rig_policy_text(r, "a", text);
	rig_start(r);
	leave(r);
	scratch_text(r->scratch, "object", "another");
	rig_start(r);
	rig_assert(r, "a", "attached reload");
	assert_attaches("a", 1, 1, 0);
	leave(r);
	assert_int_equal(unlink(path), 0);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_detail(r, "a", "object file is gone");
	assert_attaches("a", 1, 1, 0);
	free(path);
}

static void test_policy_removed(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	kill_daemon(r);
	rig_remove_policy(r, "a");
	rig_start(r);
	rig_run_until(r, manager_count(r->manager) == 0);
	assert_false(fake_kernel_is_attached("a"));
	assert_false(fake_kernel_has_pins("a"));
	assert_false(has_state_file(r, "a"));
}

static void test_policy_renamed(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	leave(r);
	rig_remove_policy(r, "a");
	rig_policy(r, "b", "");
	rig_start(r);
	rig_run_until(r, manager_count(r->manager) == 1);
	rig_assert(r, "b", "attached boot");
	assert_false(fake_kernel_is_attached("a"));
}

static void test_policy_disabled(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	leave(r);
	rig_policy_text(r, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	rig_start(r);
	rig_assert(r, "a", "inactive reload");
	assert_detail(r, "a", "Enabled=no");
	assert_false(fake_kernel_is_attached("a"));
	quiet(r);
	assert_false(fake_kernel_has_pins("a"));
}

static void test_policy_invalid(void **state)
{
	struct rig *r = *state;
	uint32_t link;
	char *lines;
	bool ok;

	start_one(r, "");
	link = link_of(r, "a");
	for (int i = 0; i < 2; i++) {
		leave(r);
		rig_policy_text(r, "a", "[Object]\nPaht=/object\n");
		rig_start(r);
		rig_assert(r, "a", "attached adopted");
		assert_int_equal(link_of(r, "a"), link);
		assert_detail(r, "a", "does not parse");
	}
	rig_policy(r, "a", "");
	lines = rig_reload(r, &ok);
	assert_true(ok);
	free(lines);
	assert_int_equal(rig_state(r, "a"), STATE_ATTACHED);
	assert_int_equal(link_of(r, "a"), link);
	assert_non_null(rig_get(r, "a")->policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adopt_test(test_left),
		adopt_test(test_killed),
		adopt_test(test_all_is_known_that_was_known),
		adopt_test(test_attached_by_hand),
		adopt_test(test_linkless_and_not_kept),
		adopt_test(test_not_kept),
		adopt_test(test_kept_in_another_way_from_now_on),
		adopt_test(test_policy_changed),
		adopt_test(test_settings_changed),
		adopt_test(test_settings_reloaded),
		adopt_test(test_change_that_is_refused),
		adopt_test(test_object_changed_or_gone),
		adopt_test(test_policy_removed),
		adopt_test(test_policy_renamed),
		adopt_test(test_policy_disabled),
		adopt_test(test_policy_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
