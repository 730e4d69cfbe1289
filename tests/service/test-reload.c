/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reload in all its directions, and that it is all or nothing. */
#include "tests/service/rig.h"

static void assert_reload(struct rig *r, bool ok, const char *wanted)
{
	bool got_ok;
	char *lines = rig_reload(r, &got_ok);

	assert_string_equal(lines, wanted);
	assert_int_equal(got_ok, ok);
	free(lines);
}

static void test_nothing_changed(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	rig_policy_text(r, "off", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	rig_start(r);
	assert_reload(r, true, "a: kept\noff: kept\n");
	assert_int_equal(fake_kernel_counts("a").attaches, 1);
	assert_int_equal(fake_kernel_counts("a").replaces, 0);
}

static void test_added_and_removed(void **state)
{
	_cleanup_(freep) char *log = NULL;
	struct rig *r = *state;

	rig_policy(r, "goes", "");
	rig_start(r);
	log = attachment_log_path(rig_get(r, "goes")); /* which makes the folder */
	scratch_text(r->scratch, "logs/goes", "what the verifier said");
	rig_remove_policy(r, "goes");
	rig_policy(r, "comes", "");
	rig_policy_text(r, "comes-not", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	assert_reload(r, true,
		      "comes: attached (link 2)\ncomes-not: new, not attached (Enabled=no)\n"
		      "goes: detached, the policy is gone\n");
	assert_false(fake_kernel_is_attached("goes"));
	rig_run_until(r, manager_find(r->manager, "goes") == NULL);
	assert_int_equal(access(log, F_OK), -1);
}

static void test_masked_is_gone(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	rig_start(r);
	rig_remove_policy(r, "a");
	scratch_link(r->scratch, "policies/a.policy", "/dev/null");
	assert_reload(r, true, "a: detached, the policy is gone\n");
}

static void test_removed_and_back_before_it_was_forgotten(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	rig_start(r);
	rig_remove_policy(r, "a");
	fake_kernel_hold("a", true);
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	assert_int_equal(rig_state(r, "a"), STATE_DETACHING);
	rig_policy(r, "a", "");
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	rig_run_until(r, !rig_get(r, "a")->removed);
	fake_kernel_hold("a", false);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_true(fake_kernel_is_attached("a"));
}

static void test_settings_change_in_place(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "RestartSec=1h\nRestartMaxDelaySec=1h");
	rig_start(r);
	rig_policy(r, "a", "RestartSec=0");
	assert_reload(r, true, "a: kept, with its new settings\n");
	assert_int_equal(fake_kernel_counts("a").replaces, 0);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").relinks == 1 && rig_state(r, "a") == STATE_ATTACHED);
}

static void test_changed_override_is_updated(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "RestartSec=0\nStartLimitBurst=0");
	rig_start(r);
	rig_policy(r, "a", "RestartSec=0\nStartLimitBurst=0\n[Fields]\nx=1");
	assert_reload(r, true, "a: updated (atomic, link 1)\n");
	assert_true(fake_kernel_is_attached("a"));

	/* The link is watched as before. */
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").relinks == 1 && rig_state(r, "a") == STATE_ATTACHED);
}

static void test_changed_override_is_swapped(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "RestartSec=0");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_SWAPPED);
	rig_start(r);
	rig_policy(r, "a", "RestartSec=0\n[Fields]\nx=1");
	assert_reload(r, true, "a: swapped (gap 0s, link 2)\n");
	assert_int_equal(rig_get(r, "a")->machine.restarts, 0);
}

static void test_change_that_fails_keeps_the_former(void **state)
{
	struct rig *r = *state;
	bool ok;
	char *lines;

	rig_policy(r, "a", "RestartSec=0");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_KEPT, FAKE_KEPT_RELINKED, FAKE_ATTACHED);
	rig_start(r);
	for (int i = 0; i < 2; i++) {
		rig_policy(r, "a",
			   i ? "RestartSec=0\n[Fields]\nx=2" : "RestartSec=0\n[Fields]\nx=1");
		lines = rig_reload(r, &ok);
		assert_false(ok);
		assert_non_null(strstr(lines, "the former attachment stands"));
		assert_non_null(strstr(lines, "told to fail"));
		free(lines);
		rig_assert(r, "a", "attached attach-failed");
		assert_true(fake_kernel_is_attached("a"));
		assert_true(rig_get(r, "a")->stale);
		assert_int_equal(rig_get(r, "a")->outcome.notes.n, 1);
	}
	rig_policy(r, "a", "RestartSec=0\n[Fields]\nx=3");
	assert_reload(r, true, "a: updated (atomic, link 2)\n");
	assert_false(rig_get(r, "a")->stale);
	assert_int_equal(rig_get(r, "a")->outcome.notes.n, 0);
}

/* An object that was refused is not tried again before there is another one. */
static void test_refused_object_is_not_tried_again(void **state)
{
	struct rig *r = *state;
	_cleanup_(freep) char *object = scratch_path(r->scratch, "object"), *lines = NULL;
	char text[256];
	bool ok;

	snprintf(text, sizeof(text), "[Object]\nPath=%s\n", object);
	scratch_text(r->scratch, "object", "good");
	rig_policy_text(r, "a", text);
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_KEPT, FAKE_ATTACHED);
	rig_start(r);
	scratch_text(r->scratch, "object", "bad, and longer");
	lines = rig_reload(r, &ok);
	assert_false(ok);
	assert_non_null(strstr(lines, "the former attachment stands"));
	assert_reload(r, true, "a: kept\n");
	assert_int_equal(fake_kernel_counts("a").replaces, 1);
	scratch_text(r->scratch, "object", "good again, and longer still");
	assert_reload(r, true, "a: updated (atomic, link 1)\n");
}

static void test_change_that_loses_everything_is_tried_again(void **state)
{
	struct rig *r = *state;
	bool ok;

	rig_policy(r, "a", "RestartSec=1ms");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_LOST, FAKE_ATTACHED);
	rig_start(r);
	rig_policy(r, "a", "RestartSec=1ms\n[Fields]\nx=1");
	free(rig_reload(r, &ok));
	assert_false(ok);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

static void test_worker_dies_during_the_change(void **state)
{
	struct rig *r = *state;
	bool ok;
	char *lines;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_CRASH);
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	lines = rig_reload(r, &ok);
	assert_false(ok);
	assert_non_null(strstr(lines, "SIGSEGV"));
	free(lines);
	rig_assert(r, "a", "attached worker-timeout");
	assert_true(fake_kernel_is_attached("a"));
}

/* The link has a map that nobody knows: no facts could be told about it, so all begins anew. */
static void test_worker_dies_right_after_the_update(void **state)
{
	struct rig *r = *state;
	bool ok;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_UPDATED_AND_CRASHED, FAKE_ATTACHED);
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	free(rig_reload(r, &ok));
	rig_assert(r, "a", "attached worker-timeout");
	assert_int_equal(fake_kernel_counts("a").attaches, 2);
	assert_true(fake_kernel_is_attached("a"));
}

static void test_disabled_and_enabled(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	rig_start(r);
	rig_policy_text(r, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	assert_reload(r, true, "a: detached\n");
	rig_policy(r, "a", "");
	assert_reload(r, true, "a: attached (link 2)\n");
}

static void test_one_bad_file_changes_nothing(void **state)
{
	struct rig *r = *state;
	bool ok;
	char *lines;

	rig_policy(r, "a", "");
	rig_policy(r, "b", "");
	rig_start(r);
	rig_remove_policy(r, "a");
	rig_policy(r, "b", "[Fields]\nx=1");
	rig_policy(r, "c", "");
	rig_policy_text(r, "bad", "[Object]\nPath=/object\nPth=1\n[Attach]\nRestart=perhaps\n");
	lines = rig_reload(r, &ok);
	assert_false(ok);
	assert_non_null(strstr(lines, "bad.policy:3: [Object] Pth"));
	assert_non_null(strstr(lines, "bad.policy:5: [Attach] Restart"));
	free(lines);

	assert_true(fake_kernel_is_attached("a"));
	assert_int_equal(fake_kernel_counts("b").replaces, 0);
	assert_null(manager_find(r->manager, "c"));
	assert_null(manager_find(r->manager, "bad"));
}

static void test_invalid_is_mended(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "a", "[Objekt]\n");
	rig_policy_text(r, "off", "[Objekt]\n");
	rig_start(r);
	rig_policy(r, "a", "");
	rig_policy_text(r, "off", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	assert_reload(r, true, "a: attached (link 1)\noff: mended, not attached (Enabled=no)\n");
	rig_assert(r, "off", "inactive reload");
}

static void test_failed_is_tried_again_only_when_changed(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_ATTACHED);
	rig_start(r);
	assert_reload(r, true, "a: kept\n");
	rig_assert(r, "a", "failed load-failed");
	rig_policy(r, "a", "[Globals]\ny=2");
	assert_reload(r, true, "a: attached (link 1)\n");
}

static void test_reload_while_loading(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_HANG, FAKE_ATTACHED);
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	rig_run_until(r, fake_kernel_counts("a").attaches == 1);
	rig_policy(r, "a", "[Fields]\nx=1");
	assert_reload(r, true, "a: attached (link 1)\n");
	rig_assert(r, "a", "attached reload");
}

/* Attached by hand, and then enabled and changed at once: the change is brought in. */
static void test_enabled_while_attached_by_hand(void **state)
{
	struct rig *r = *state;
	const char *why;

	rig_policy_text(r, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	rig_start(r);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &why));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	rig_policy_text(r, "a", "[Object]\nPath=/object\n[Fields]\nx=1\n");
	assert_reload(r, true, "a: updated (atomic, link 1)\n");
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_nothing_changed),
		rig_test(test_added_and_removed),
		rig_test(test_masked_is_gone),
		rig_test(test_removed_and_back_before_it_was_forgotten),
		rig_test(test_settings_change_in_place),
		rig_test(test_changed_override_is_updated),
		rig_test(test_changed_override_is_swapped),
		rig_test(test_change_that_fails_keeps_the_former),
		rig_test(test_refused_object_is_not_tried_again),
		rig_test(test_change_that_loses_everything_is_tried_again),
		rig_test(test_worker_dies_during_the_change),
		rig_test(test_worker_dies_right_after_the_update),
		rig_test(test_disabled_and_enabled),
		rig_test(test_one_bad_file_changes_nothing),
		rig_test(test_invalid_is_mended),
		rig_test(test_failed_is_tried_again_only_when_changed),
		rig_test(test_reload_while_loading),
		rig_test(test_enabled_while_attached_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
