/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reload looks at before it changes anything, and what happens while it looks. */
#include "tests/service/rig.h"

#include <linux/capability.h>

static void assert_reload(struct rig *r, bool ok, const char *wanted)
{
	bool got_ok;
	char *lines = rig_reload(r, &got_ok);

	assert_string_equal(lines, wanted);
	assert_int_equal(got_ok, ok);
	free(lines);
}

struct answer {
	bool come, ok;
	char text[512];
};

static void on_answer(void *userdata, bool ok, const struct reload_line *lines, size_t n)
{
	struct answer *a = userdata;

	assert_false(a->come);
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(a->text);

		snprintf(a->text + length, sizeof(a->text) - length, "%s: %s\n", lines[i].name,
			 lines[i].text);
	}
	a->come = true;
	a->ok = ok;
}

static void ask(struct rig *r, struct answer *a)
{
	*a = (struct answer){0};
	assert_int_equal(manager_reload(r->manager, on_answer, a, NULL), 0);
}

static void test_only_what_would_be_loaded_is_checked(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "same", "");
	rig_policy(r, "settings", "");
	rig_policy(r, "changed", "");
	rig_policy(r, "off", "");
	fake_kernel_script_all("failed", FAKE_REFUSED, FAKE_ATTACHED);
	rig_policy(r, "failed", "");
	r->config.workers_max = 1; /* so that the links are numbered in order */
	rig_start(r);
	rig_assert(r, "failed", "failed load-failed");
	rig_policy(r, "settings", "RestartSec=3s");
	rig_policy(r, "changed", "[Fields]\nx=1");
	rig_policy(r, "failed", "RestartSec=3s");
	rig_policy_text(r, "off", "[Policy]\nEnabled=no\n[Object]\nPath=/other\n");
	rig_policy_text(r, "new-off", "[Policy]\nEnabled=no\n[Object]\nPath=/other\n");
	rig_policy(r, "new", "");
	assert_reload(r, true,
		      "changed: updated (atomic, link 1)\nfailed: attached (link 5)\n"
		      "new: attached (link 6)\nnew-off: new, not attached (Enabled=no)\n"
		      "off: detached\nsame: kept\nsettings: kept, with its new settings\n");
	assert_int_equal(fake_kernel_counts("same").checks, 0);
	assert_int_equal(fake_kernel_counts("settings").checks, 0);
	assert_int_equal(fake_kernel_counts("off").checks, 0);
	assert_int_equal(fake_kernel_counts("new-off").checks, 0);
	assert_int_equal(fake_kernel_counts("changed").checks, 1);
	assert_int_equal(fake_kernel_counts("failed").checks, 1);
	assert_int_equal(fake_kernel_counts("new").checks, 1);
}

/* It parses what somebody wrote: it can read files, and tell what it found. */
static void test_checks_have_no_privileges(void **state)
{
	struct rig *r = *state;
	struct fake_counts counts;

	rig_start(r);
	rig_policy(r, "a", "");
	assert_reload(r, true, "a: attached (link 1)\n");
	counts = fake_kernel_counts("a");
	assert_int_equal(counts.check_capabilities & ~(UINT64_C(1) << CAP_DAC_READ_SEARCH), 0);
	assert_int_equal(counts.check_fds, 3 + 1);
}

static uint64_t last_seq(struct rig *r)
{
	uint64_t last = 0;

	for (size_t i = 0; i < manager_count(r->manager); i++) {
		const struct event_ring *events = &manager_get(r->manager, i)->events;

		if (events->n)
			last = MAX(last, event_ring_get(events, events->n - 1)->seq);
	}
	return last;
}

static void test_objects_that_do_not_fit_change_nothing(void **state)
{
	struct rig *r = *state;
	uint64_t seq;

	rig_policy(r, "a", "");
	rig_policy(r, "b", "");
	rig_policy(r, "goes", "");
	rig_policy(r, "settings", "RestartSec=1s");
	r->config.workers_max = 1; /* so that the links are numbered in order */
	rig_start(r);
	seq = last_seq(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	rig_policy(r, "b", "[Fields]\nx=1");
	rig_policy(r, "c", "");
	rig_policy(r, "d", "");
	rig_policy(r, "settings", "RestartSec=2s");
	rig_remove_policy(r, "goes");
	fake_kernel_refuse_check("b", "b.policy:5: no such member");
	fake_kernel_refuse_check("d", "d.policy: no such object");
	assert_reload(r, false, "b: b.policy:5: no such member\nd: d.policy: no such object\n");
	assert_int_equal(last_seq(r), seq);
	assert_int_equal(fake_kernel_counts("a").checks, 1);
	assert_int_equal(fake_kernel_counts("a").replaces, 0);
	assert_null(manager_find(r->manager, "c"));
	assert_int_equal(rig_get(r, "settings")->policy->restart.delay, USEC_PER_SEC);
	assert_true(fake_kernel_is_attached("goes"));

	/* What runs is what it was also after a detachment. */
	assert_int_equal(rig_get(r, "b")->policy->n_fields, 0);
	fake_kernel_refuse_check("b", NULL);
	fake_kernel_refuse_check("d", NULL);
	assert_reload(
		r, true,
		"a: updated (atomic, link 1)\nb: updated (atomic, link 2)\n"
		"c: attached (link 5)\nd: attached (link 6)\n"
		"goes: detached, the policy is gone\nsettings: kept, with its new settings\n");
}

static void test_check_that_crashes_or_hangs(void **state)
{
	struct rig *r = *state;
	struct answer answer;

	rig_policy(r, "a", "");
	r->config.worker_timeout = 300 * USEC_PER_MSEC;
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	fake_kernel_misbehave_at_check("a", FAKE_CRASH);
	ask(r, &answer);
	rig_run_until(r, answer.come);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.text, "a: the worker was killed by SIGSEGV"));
	fake_kernel_misbehave_at_check("a", FAKE_HANG);
	ask(r, &answer);
	rig_run_until(r, answer.come);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.text, "WorkerTimeoutSec="));
	assert_int_equal(fake_kernel_counts("a").replaces, 0);
	rig_assert(r, "a", "attached boot");
}

/* The check fitted, and then the object was another one: the load says so, and the former stands. */
static void test_object_changes_behind_the_check(void **state)
{
	struct rig *r = *state;
	struct answer answer;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_KEPT);
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	ask(r, &answer);
	rig_run_until(r, answer.come);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.text, "the former attachment stands"));
	assert_int_equal(fake_kernel_counts("a").checks, 1);
	assert_true(fake_kernel_is_attached("a"));
}

static void touch_object(struct rig *r, const char *content)
{
	scratch_text(r->scratch, "object", content);
}

static void object_policy(struct rig *r, const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), "[Object]\nPath=%s/object\n", r->scratch->path);
	rig_policy_text(r, name, text);
}

static void test_object_file_changed(void **state)
{
	struct rig *r = *state;

	touch_object(r, "one");
	object_policy(r, "a");
	rig_start(r);
	assert_reload(r, true, "a: kept\n");
	touch_object(r, "another");
	fake_kernel_refuse_check("a", "no ELF file");
	assert_reload(r, false, "a: no ELF file\n");
	rig_assert(r, "a", "attached boot");
	fake_kernel_refuse_check("a", NULL);
	assert_reload(r, true, "a: updated (atomic, link 1)\n");
}

/* A module may bring it. */
static void test_missing_type_is_no_error(void **state)
{
	struct rig *r = *state;
	struct answer answer;

	rig_start(r);
	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_NO_TYPE);
	ask(r, &answer);
	rig_run_until(r, answer.come);
	rig_assert(r, "a", "waiting load-failed");
}

static void test_template_is_checked_once(void **state)
{
	struct rig *r = *state;
	uint32_t id;

	rig_start(r);
	id = fake_kernel_plug(3, 0x46d, 0xc52b, "Receiver");
	rig_policy_text(r, "t", "[Object]\nPath=/object\n[Match]\nHid=*:046d:*\n");
	fake_kernel_refuse_check("t@0000-0000-0000.0000", "t.policy:2: no such object");
	assert_reload(r, false, "t: t.policy:2: no such object\n");
	assert_null(manager_find(r->manager, "t"));
	fake_kernel_refuse_check("t@0000-0000-0000.0000", NULL);
	assert_reload(r, true,
		      "t: waiting: template: 1 device matches *:046D:*: t@0003-046D-C52B.0001 "
		      "loading\nt@0003-046D-C52B.0001: attached (link 1)\n");
	assert_int_equal(fake_kernel_counts("t@0003-046D-C52B.0001").checks, 0);
	fake_kernel_unplug(id);
	rig_run_until(r, !manager_find(r->manager, "t@0003-046D-C52B.0001"));
}

/* One reload waits behind the other, however many ask for it, and sees what was written before they asked. */
static void test_reloads_queue_up(void **state)
{
	struct rig *r = *state;
	struct answer first, second, third;

	rig_policy(r, "a", "");
	r->config.workers_max = 1; /* so that the links are numbered in order */
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	fake_kernel_hold_check("a", true);
	ask(r, &first);
	rig_run_until(r, fake_kernel_counts("a").checks == 1);
	rig_policy(r, "b", "");
	ask(r, &second);
	rig_policy(r, "c", "");
	ask(r, &third);
	for (int i = 0; i < 10; i++)
		rig_turn(r);
	assert_false(first.come || second.come || third.come);
	assert_null(manager_find(r->manager, "b"));
	fake_kernel_hold_check("a", false);
	rig_run_until(r, first.come && second.come && third.come);
	assert_string_equal(first.text, "a: updated (atomic, link 1)\n");
	/* Whether the update of "a" is still under way then is all the same. */
	assert_true(second.ok);
	assert_non_null(strstr(second.text, "\nb: attached (link 2)\nc: attached (link 3)\n"));
	assert_string_equal(third.text, second.text);
	assert_int_equal(fake_kernel_counts("b").checks, 1);
}

static void test_reload_behind_a_refused_one(void **state)
{
	struct rig *r = *state;
	struct answer first, second;

	rig_policy(r, "a", "");
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	fake_kernel_refuse_check("a", "no such member");
	fake_kernel_hold_check("a", true);
	ask(r, &first);
	rig_run_until(r, fake_kernel_counts("a").checks == 1);
	rig_policy(r, "a", "");
	ask(r, &second);
	fake_kernel_hold_check("a", false);
	rig_run_until(r, first.come && second.come);
	assert_false(first.ok);
	assert_string_equal(second.text, "a: kept\n");
}

static void begin_held(struct rig *r, struct answer *answer)
{
	fake_kernel_hold_check("held", true);
	rig_policy(r, "held", "");
	ask(r, answer);
	rig_run_until(r, fake_kernel_counts("held").checks == 1);
}

static void end_held(struct rig *r, struct answer *answer)
{
	assert_false(answer->come);
	fake_kernel_hold_check("held", false);
	rig_run_until(r, answer->come);
}

static void test_detached_by_hand_meanwhile(void **state)
{
	struct rig *r = *state;
	struct answer answer;
	const char *why;

	rig_policy(r, "a", "");
	rig_policy(r, "slow", "");
	rig_start(r);
	rig_policy(r, "a", "[Fields]\nx=1");
	rig_policy(r, "slow", "[Fields]\nx=1");
	begin_held(r, &answer);
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &why));
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	fake_kernel_hold("slow", true);
	assert_true(manager_detach(r->manager, rig_get(r, "slow"), &why));
	end_held(r, &answer);
	assert_string_equal(answer.text, "a: kept, with its new settings\nheld: attached (link 3)\n"
					 "slow: kept, with its new settings\n");
	fake_kernel_hold("slow", false);
	rig_run_until(r, rig_state(r, "slow") == STATE_INACTIVE);
	rig_assert(r, "a", "inactive admin");
}

/* Its change was not checked, since it was off: so that is made up for before it is loaded. */
static void test_attached_by_hand_meanwhile(void **state)
{
	struct rig *r = *state;
	struct answer answer;
	const char *why;

	rig_policy(r, "a", "");
	rig_start(r);
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &why));
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	rig_policy(r, "a", "[Fields]\nx=1");
	fake_kernel_refuse_check("a", "no such member");
	begin_held(r, &answer);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &why));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("a").checks, 0);
	end_held(r, &answer);
	assert_string_equal(answer.text, "a: no such member\n");
	assert_null(manager_find(r->manager, "held"));
	rig_assert(r, "a", "attached admin");
}

static void test_removed_and_attached_by_hand_meanwhile(void **state)
{
	struct rig *r = *state;
	struct answer answer;
	const char *why;

	rig_policy_text(r, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	rig_start(r);
	rig_remove_policy(r, "a");
	begin_held(r, &answer);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &why));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	end_held(r, &answer);
	assert_string_equal(answer.text,
			    "a: detached, the policy is gone\nheld: attached (link 2)\n");
	assert_false(fake_kernel_is_attached("a"));
}

static void test_foreign_detachment_meanwhile(void **state)
{
	struct rig *r = *state;
	struct answer answer;

	rig_policy(r, "a", "RestartSec=0");
	rig_start(r);
	begin_held(r, &answer);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").relinks == 1 && rig_state(r, "a") == STATE_ATTACHED);
	end_held(r, &answer);
	assert_string_equal(answer.text, "a: kept\nheld: attached (link 3)\n");
}

static void test_instance_goes_meanwhile(void **state)
{
	static const char template[] = "[Object]\nPath=/object\n[Match]\nHid=*:046d:*\n";
	struct rig *r = *state;
	struct answer answer;
	uint32_t id;

	rig_policy_text(r, "t", template);
	id = fake_kernel_plug(3, 0x46d, 0xc52b, "Receiver");
	rig_start(r);
	rig_run_until(r, rig_state(r, "t@0003-046D-C52B.0001") == STATE_ATTACHED);
	rig_policy_text(r, "t", "[Object]\nPath=/object\n[Match]\nHid=*:046d:*\n[Fields]\nx=1\n");
	begin_held(r, &answer);
	fake_kernel_unplug(id);
	rig_run_until(r, !manager_find(r->manager, "t@0003-046D-C52B.0001"));
	end_held(r, &answer);
	assert_true(answer.ok);
	assert_null(strstr(answer.text, "C52B"));
}

static void test_stop_during_the_check(void **state)
{
	struct rig *r = *state;
	struct answer first, second, late;

	rig_policy(r, "a", "");
	rig_start(r);
	begin_held(r, &first);
	ask(r, &second);
	fake_kernel_hold("a", true);
	manager_stop(r->manager);
	assert_true(first.come && second.come);
	assert_string_equal(first.text, ": the daemon is being stopped: nothing was changed\n");
	assert_string_equal(second.text, first.text);
	ask(r, &late);
	assert_true(late.come);
	assert_string_equal(late.text, first.text);

	/* What the check finds is of no interest any more. */
	fake_kernel_hold_check("held", false);
	for (int i = 0; i < 20; i++)
		rig_turn(r);
	fake_kernel_hold("a", false);
	rig_run_until(r, r->loop_ended);
}

static void test_leave_during_the_check(void **state)
{
	struct rig *r = *state;
	struct answer answer;

	r->config.keep_links = KEEP_LINKS_PIN;
	rig_policy(r, "a", "");
	rig_start(r);
	begin_held(r, &answer);
	manager_leave(r->manager);
	assert_true(answer.come);
	assert_false(answer.ok);
	rig_end(r);
	fake_kernel_hold_check("held", false);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	rig_assert(r, "held", "attached boot");
}

static void test_end_of_the_daemon_during_the_check(void **state)
{
	struct rig *r = *state;
	struct answer first, second;

	rig_policy(r, "a", "");
	rig_start(r);
	begin_held(r, &first);
	ask(r, &second);
	rig_kill(r);
	assert_false(first.come || second.come);
	fake_kernel_hold_check("held", false);
}

static void test_who_asked_is_gone(void **state)
{
	struct rig *r = *state;
	struct manager_reload *asked;

	rig_policy(r, "a", "");
	rig_start(r);
	rig_policy(r, "b", "");
	assert_int_equal(manager_reload(r->manager, on_answer, NULL, &asked), 0);
	manager_reload_forget(asked);
	rig_run_until(r, manager_find(r->manager, "b") && rig_state(r, "b") == STATE_ATTACHED);
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_checks_have_no_privileges),
		rig_test(test_only_what_would_be_loaded_is_checked),
		rig_test(test_objects_that_do_not_fit_change_nothing),
		rig_test(test_check_that_crashes_or_hangs),
		rig_test(test_object_changes_behind_the_check),
		rig_test(test_object_file_changed),
		rig_test(test_missing_type_is_no_error),
		rig_test(test_template_is_checked_once),
		rig_test(test_reloads_queue_up),
		rig_test(test_reload_behind_a_refused_one),
		rig_test(test_detached_by_hand_meanwhile),
		rig_test(test_attached_by_hand_meanwhile),
		rig_test(test_removed_and_attached_by_hand_meanwhile),
		rig_test(test_foreign_detachment_meanwhile),
		rig_test(test_instance_goes_meanwhile),
		rig_test(test_stop_during_the_check),
		rig_test(test_leave_during_the_check),
		rig_test(test_end_of_the_daemon_during_the_check),
		rig_test(test_who_asked_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
