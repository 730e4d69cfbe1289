/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bus says is compared with what the kernel says at that moment. */
#include "tests/service/bed.h"

/* The kernel disagrees: the row says so at that moment, and soon after the state does. */
static void test_disagreement_that_is_an_end(void **state)
{
	static const struct exit_record sysrq = {.kind = 67, .reason = "disabled by sysrq-S"};
	struct bed *b = *state;
	struct answer answer;
	bool found;

	rig_policy(b->rig, "a", "");
	fake_kernel_set_scheduler("a", true);
	fake_kernel_set_users("a", 3);
	bed_start(b);
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "a");
	assert_row_number(&answer, KEY_STATUS_USERS, 3);
	bed_call(b, &answer, METHOD_LIST, "");
	assert_int_equal(count_rows(&answer, KEY_DEVICE, &found), 1);
	assert_true(found);
	bed_call(b, &answer, METHOD_LIST, "");
	assert_int_equal(count_rows(&answer, KEY_DISAGREEMENTS, &found), 1);
	assert_false(found);

	fake_kernel_exit_unseen("a", &sysrq);
	bed_call(b, &answer, METHOD_LIST, "");
	assert_row_text(&answer, KEY_DISAGREEMENTS, "no fake scheduler runs");
	rig_run_until(b->rig, rig_state(b->rig, "a") == STATE_INACTIVE);
	rig_assert(b->rig, "a", "inactive kernel-exit");
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "a");
	assert_row_number(&answer, KEY_STATUS_EXIT_KIND, 67);
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "a");
	assert_row_text(&answer, KEY_STATUS_EXIT_FILE, "/exits/a");
}

/* It is attached, with what somebody else put there: said, and nothing is done about it. */
static void test_disagreement_that_is_none(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "a", "");
	fake_kernel_set_default("a", "cubic");
	bed_start(b);
	fake_kernel_replace_unseen("a");
	for (int i = 0; i < 2; i++) {
		bed_call(b, &answer, METHOD_LIST, "");
		assert_row_text(&answer, KEY_DISAGREEMENTS, "another map");
		rig_assert(b->rig, "a", "attached boot");
	}
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "a");
	assert_row_text(&answer, KEY_STATUS_DEFAULTS, "cubic");
}

/* An end that was not noticed yet (here: links are looked at every three seconds only) is noticed by asking. */
static void test_disagreement_about_a_link(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	bool found;

	rig_policy(b->rig, "a", "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_set_pollable(false);
	bed_start(b);
	fake_kernel_detach_foreign("a");
	bed_call(b, &answer, METHOD_LIST, "");
	assert_int_equal(count_rows(&answer, KEY_DISAGREEMENTS, &found), 1);
	assert_true(found);
	rig_run_until(b->rig, rig_state(b->rig, "a") == STATE_WAITING);
	rig_assert(b->rig, "a", "waiting link-detached");
}

static void test_foreign(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "a", "");
	rig_policy(b->rig, "b", "");
	fake_kernel_set_foreign("bpftool[4711]");
	bed_start(b);
	bed_call(b, &answer, METHOD_FOREIGN, "");
	assert_row_text(&answer, KEY_HOLDERS, "bpftool[4711]");
	assert_int_equal(fake_kernel_surveyed(), 2);
	fake_kernel_set_foreign("");
	bed_call(b, &answer, METHOD_FOREIGN, "");
	assert_error(&answer, SD_BUS_ERROR_FAILED, strerror(EPERM));

	/* and one who leaves before the answer */
	bed_call_async(b->bus, &answer, METHOD_FOREIGN, "");
	rig_turn(b->rig);
	sd_bus_close_unref(b->bus);
	b->bus = bed_connect(b);
	fake_kernel_set_foreign("pin /sys/fs/bpf/x");
	bed_call(b, &answer, METHOD_FOREIGN, "");
	assert_row_text(&answer, KEY_HOLDERS, "pin /sys/fs/bpf/x");
}

static void test_attach_where_the_place_is_taken(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "a", "");
	rig_policy_text(b->rig, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/b\n");
	fake_kernel_set_scheduler("a", true);
	fake_kernel_set_scheduler("b", true);
	bed_start(b);
	bed_call(b, &answer, METHOD_ATTACH, "sb", "b", 1);
	assert_verdict(&answer, false,
		       "waiting: the only place for " FAKE_SLOT " is held by policy a;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bed_test(test_disagreement_that_is_an_end),
		bed_test(test_disagreement_that_is_none),
		bed_test(test_disagreement_about_a_link),
		bed_test(test_foreign),
		bed_test(test_attach_where_the_place_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
