/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends that no EPOLLHUP tells of: schedulers that the kernel throws out, devices that go, uevents that lie or are lost. */
#include <sys/stat.h>

#include "tests/service/rig.h"

#define AT_ONCE "RestartSec=0\nStartLimitBurst=0\n"

static const struct exit_record stall = {
	.kind = 1026,
	.reason = "runnable task stall",
	.message = "victim[250] failed to run for 2.656s",
};
static const struct exit_record hotplug = {
	.kind = 66, .code = 0x1000100000000, .reason = "unregistered from the main kernel"};
static const struct exit_record sysrq = {.kind = 67, .reason = "disabled by sysrq-S"};
static const struct exit_record unreg = {.kind = 64, .reason = "unregistered from user space"};
static const struct exit_record parent = {.kind = 68, .reason = "parent exiting"};

static void start_scheduler(struct rig *r, const char *lines)
{
	rig_policy(r, "s", lines);
	fake_kernel_set_scheduler("s", true);
	rig_start(r);
	rig_assert(r, "s", "attached boot");
}

static void assert_detail(struct rig *r, const char *name, const char *part)
{
	if (!strstr(attachment_detail(rig_get(r, name)), part))
		fail_msg("\"%s\" does not have \"%s\"", attachment_detail(rig_get(r, name)), part);
}

static void test_error_is_loaded_afresh_after_a_while(void **state)
{
	struct rig *r = *state;
	struct attachment *a;
	struct stat st;
	char *path;

	start_scheduler(r, "RestartSec=50ms\n");
	a = rig_get(r, "s");
	assert_string_equal(a->outcome.device, FAKE_SCHEDULER_DEVICE);
	fake_kernel_exit("s", &stall);
	rig_run_until(r, rig_state(r, "s") == STATE_WAITING);
	rig_assert(r, "s", "waiting kernel-exit");
	assert_detail(r, "s",
		      "runnable task stall: victim[250] failed to run for 2.656s (kind 1026)");
	assert_detail(r, "s", "restart 1 in ");

	path = scratch_path(r->scratch, "exits/s");
	assert_detail(r, "s", path);
	assert_string_equal(a->outcome.end_file, path);
	assert_int_equal(stat(path, &st), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	free(path);

	rig_run_until(r, rig_state(r, "s") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("s").attaches, 2);
	assert_int_equal(fake_kernel_counts("s").relinks, 0);
	assert_int_equal(a->machine.restarts, 1);
	assert_int_equal(a->outcome.end.kind, 1026);
}

static void test_restart_that_the_kernel_asks_for(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_exit("s", &hotplug);
	rig_run_until(r,
		      fake_kernel_counts("s").attaches == 2 && rig_state(r, "s") == STATE_ATTACHED);
	rig_assert(r, "s", "attached kernel-exit");
	assert_int_equal(rig_get(r, "s")->machine.restarts, 0);
}

/* The kernel asks a hundred times, each time at once: it gets what a failure gets. */
static void test_restarts_are_no_storm(void **state)
{
	struct rig *r = *state;
	usec_t began = rig_now();

	start_scheduler(r, AT_ONCE);
	for (unsigned i = 1; i <= 100; i++) {
		fake_kernel_exit("s", &hotplug);
		rig_run_until(r, fake_kernel_counts("s").attaches == i + 1 &&
					 rig_state(r, "s") == STATE_ATTACHED);
	}
	assert_true(rig_now() >= began + 97 * 10 * USEC_PER_MSEC);
	assert_int_equal(rig_get(r, "s")->machine.restarts, 97);
}

static void test_crash_loop_ends_with_the_fallback(void **state)
{
	struct rig *r = *state;
	unsigned exits = 0;

	rig_policy_text(r, "s",
			"[Policy]\nFallback=b\n[Object]\nPath=/s\n[Attach]\nRestartSec=1ms\n"
			"StartLimitBurst=5\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/b\n");
	fake_kernel_set_scheduler("s", true);
	fake_kernel_set_scheduler("b", true);
	rig_start(r);
	while (rig_state(r, "s") != STATE_FAILED) {
		assert_int_equal(rig_state(r, "s"), STATE_ATTACHED);
		fake_kernel_exit("s", &stall);
		exits++;
		rig_run_until(r, rig_state(r, "s") == STATE_FAILED ||
					 fake_kernel_counts("s").attaches == exits + 1);
		rig_run_until(r, rig_state(r, "s") == STATE_FAILED ||
					 rig_state(r, "s") == STATE_ATTACHED);
	}
	rig_run_until(r, rig_state(r, "b") == STATE_ATTACHED);
	rig_assert(r, "s", "failed limit-hit");
	rig_assert(r, "b", "attached fallback");
	assert_int_equal(exits, 5);
	assert_int_equal(fake_kernel_counts("s").attaches, 5);
	assert_detail(r, "s", "runnable task stall");
}

static void test_wish_is_respected(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "");
	fake_kernel_exit("s", &sysrq);
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
	rig_assert(r, "s", "inactive kernel-exit");
	assert_detail(r, "s", "disabled by sysrq-S (kind 67)");
	assert_detail(r, "s", "not attached again (Restart=on-detach)");
	assert_int_equal(rig_get(r, "s")->handles.link_fd, -EBADF);
}

static void test_wish_and_restart_always(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "Restart=always\nRestartSec=1ms\n");
	fake_kernel_exit("s", &sysrq);
	rig_run_until(r,
		      fake_kernel_counts("s").attaches == 2 && rig_state(r, "s") == STATE_ATTACHED);
	assert_int_equal(rig_get(r, "s")->machine.restarts, 1);
}

static void test_restart_no(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "Restart=no\n");
	fake_kernel_exit("s", &hotplug);
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
	rig_assert(r, "s", "inactive kernel-exit");
}

static void test_parent_is_waited_for(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "");
	fake_kernel_exit("s", &parent);
	rig_run_until(r, rig_state(r, "s") == STATE_WAITING);
	rig_assert(r, "s", "waiting kernel-exit");
	assert_null(rig_get(r, "s")->deadline_source);
	fake_kernel_uevent("add", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_run_until(r, rig_state(r, "s") == STATE_ATTACHED);
	assert_int_equal(rig_get(r, "s")->machine.restarts, 0);
}

/* One that was never there: the same. */
static void test_parent_that_is_not_there_yet(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "s", "");
	fake_kernel_set_scheduler("s", true);
	fake_kernel_script_all("s", FAKE_NO_PARENT, FAKE_NO_PARENT, FAKE_ATTACHED);
	rig_start(r);
	rig_assert(r, "s", "waiting attach-failed");
	assert_null(rig_get(r, "s")->deadline_source);
	for (unsigned attempts = 2; attempts <= 3; attempts++) {
		fake_kernel_uevent("add", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
		rig_run_until(r, fake_kernel_counts("s").attaches == attempts &&
					 !state_is_busy(rig_state(r, "s")));
	}
	rig_assert(r, "s", "attached attach-failed");
	assert_int_equal(rig_get(r, "s")->machine.restarts, 0);
}

/* Another tool detaches the link: EPOLLHUP comes and says so, and the record agrees. */
static void test_scheduler_detached_by_another_process(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, AT_ONCE);
	fake_kernel_set_end("s", &unreg);
	fake_kernel_detach_foreign("s");
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
	rig_assert(r, "s", "inactive link-detached");
	assert_detail(r, "s", "the link was detached by another process");
}

/* The uevent may come first, while the link looks healthy. */
static void test_detach_that_is_seen_by_its_uevent(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "");
	fake_kernel_exit("s", &unreg);
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
	rig_assert(r, "s", "inactive link-detached");
}

static void test_detach_and_restart_always(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "Restart=always\nRestartSec=1ms\n");
	fake_kernel_set_end("s", &unreg);
	fake_kernel_detach_foreign("s");
	rig_run_until(r,
		      fake_kernel_counts("s").attaches == 2 && rig_state(r, "s") == STATE_ATTACHED);
	rig_assert(r, "s", "attached link-detached");
}

static void test_object_without_a_record(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "s", "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_set_scheduler("s", false);
	rig_start(r);
	fake_kernel_exit("s", NULL);
	rig_run_until(r, rig_state(r, "s") == STATE_WAITING);
	rig_assert(r, "s", "waiting kernel-exit");
	assert_detail(r, "s", "no fake scheduler runs (the object has no exit record");
}

static void test_other_uevents_are_ignored(void **state)
{
	static const char *const others[] = {
		FAKE_SCHEDULER_DEVICE "/sub",     FAKE_SCHEDULER_DEVICE "/",
		"/kernel/sched_ext/roo",          "/kernel/sched_ext",
		"/devices/kernel/sched_ext/root",
	};
	struct rig *r = *state;

	rig_add_sentinel(r);
	start_scheduler(r, "");
	/* It is dead, but none of these says so. */
	fake_kernel_exit_unseen("s", &sysrq);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		fake_kernel_uevent("remove", others[i], "sched_ext", NULL, NULL);
	fake_kernel_uevent("change", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_read_uevents(r);
	rig_assert(r, "s", "attached boot");
	fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
}

static void test_old_uevent_is_ignored(void **state)
{
	struct rig *r = *state;

	rig_add_sentinel(r);
	start_scheduler(r, "");
	fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_read_uevents(r);
	rig_assert(r, "s", "attached boot");
}

static void test_lost_uevents(void **state)
{
	struct rig *r = *state;

	start_scheduler(r, "");
	fake_kernel_exit_unseen("s", &sysrq);
	fake_kernel_lose_uevents();
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
	rig_assert(r, "s", "inactive kernel-exit");
}

static bool was_attached(const struct attachment *a)
{
	for (size_t i = 0; i < a->events.n; i++)
		if (event_ring_get(&a->events, i)->to == STATE_ATTACHED)
			return true;
	return false;
}

/* The worker saw it alive, the daemon must not: at no moment is it called attached. */
static void test_death_before_the_report(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "s", "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_set_scheduler("s", true);
	fake_kernel_hold("s", true);
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	rig_run_until(r, fake_kernel_is_attached("s"));
	fake_kernel_exit("s", &stall);
	fake_kernel_hold("s", false);
	rig_run_until(r, rig_state(r, "s") == STATE_WAITING);
	rig_assert(r, "s", "waiting kernel-exit");
	assert_detail(r, "s", "runnable task stall");
	assert_false(was_attached(rig_get(r, "s")));
}

/* Swapping takes the old scheduler off, and the kernel says so: that is not the end of the new one. */
/* Why it ends decides what happens next, so a look at it on its way out decides nothing. No uevent is needed then. */
static void test_look_while_it_is_disabled(void **state)
{
	struct rig *r = *state;
	struct attachment *a;
	unsigned looks;

	start_scheduler(r, "RestartSec=0\n");
	a = rig_get(r, "s");
	fake_kernel_disable("s");
	attachment_check_soon(a);
	looks = fake_kernel_counts("s").looks;
	rig_run_until(r, fake_kernel_counts("s").looks >= looks + 3);
	rig_assert(r, "s", "attached boot");
	fake_kernel_exit_unseen("s", &sysrq);
	rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
	rig_assert(r, "s", "inactive kernel-exit");
	assert_detail(r, "s", "disabled by sysrq-S (kind 67)");
}

static void test_swap_is_no_exit(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_add_sentinel(r);
	fake_kernel_script_all("s", FAKE_ATTACHED, FAKE_SWAPPED);
	start_scheduler(r, "");
	fake_kernel_hold("s", true);
	assert_true(manager_restart(r->manager, rig_get(r, "s"), &sentence));
	rig_run_until(r, fake_kernel_counts("s").replaces == 1);
	fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
	rig_read_uevents(r);
	assert_int_equal(rig_state(r, "s"), STATE_UPDATING);
	fake_kernel_hold("s", false);
	rig_run_until(r, rig_state(r, "s") == STATE_ATTACHED);
	rig_assert(r, "s", "attached admin");
	assert_int_equal(fake_kernel_counts("s").attaches, 1);
}

static void test_death_during_an_update(void **state)
{
	static const enum fake_result ends[] = {FAKE_SWAPPED, FAKE_KEPT};
	struct rig *r = *state;
	const char *sentence;

	start_scheduler(r, "");
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		unsigned replaces = fake_kernel_counts("s").replaces;

		fake_kernel_script("s", &ends[i], 1);
		fake_kernel_hold("s", true);
		assert_true(manager_restart(r->manager, rig_get(r, "s"), &sentence));
		rig_run_until(r, fake_kernel_counts("s").replaces == replaces + 1);
		fake_kernel_exit("s", &sysrq);
		fake_kernel_hold("s", false);
		rig_run_until(r, rig_state(r, "s") == STATE_INACTIVE);
		rig_assert(r, "s", "inactive kernel-exit");
		fake_kernel_script_all("s", FAKE_ATTACHED);
		assert_true(manager_attach(r->manager, rig_get(r, "s"), &sentence));
		rig_run_until(r, rig_state(r, "s") == STATE_ATTACHED);
	}
}

static void test_dead_on_arrival_says_why(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "s", "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_set_scheduler("s", true);
	fake_kernel_set_end("s", &stall);
	fake_kernel_script_all("s", FAKE_DEAD);
	rig_start(r);
	rig_assert(r, "s", "waiting dead-on-arrival");
	assert_int_equal(rig_get(r, "s")->outcome.end.kind, 1026);
	assert_int_equal(rig_get(r, "s")->handles.map_fd, -EBADF);
}

/* Devices. */

#define HID_POLICY "[Object]\nPath=/h\n[Fields]\nhid_id=1\n"

static void test_device_that_is_unplugged(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "h", HID_POLICY);
	fake_kernel_plug(3, 0x46d, 0xc52b, "mouse");
	rig_start(r);
	rig_assert(r, "h", "attached boot");
	fake_kernel_unplug(1);
	rig_run_until(r, rig_state(r, "h") == STATE_WAITING);
	rig_assert(r, "h", "waiting device-gone");
	assert_detail(r, "h", "its device 0003:046D:C52B.0001 is gone");
	assert_null(rig_get(r, "h")->deadline_source);
	assert_int_equal(fake_kernel_counts("h").attaches, 1);
}

/* The kernel says so a moment before its folder in sysfs goes: that must not be taken for a disagreement. */
static void test_device_whose_folder_is_still_there(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "h", HID_POLICY);
	fake_kernel_plug(3, 0x46d, 0xc52b, "mouse");
	rig_start(r);
	fake_kernel_uevent("remove", rig_get(r, "h")->outcome.device, "hid", NULL, NULL);
	rig_run_until(r, rig_state(r, "h") == STATE_WAITING);
	rig_assert(r, "h", "waiting device-gone");
}

static void test_device_that_is_rebound(void **state)
{
	struct rig *r = *state;

	rig_add_sentinel(r);
	rig_policy_text(r, "h", HID_POLICY);
	fake_kernel_plug(3, 0x46d, 0xc52b, "mouse");
	rig_start(r);
	fake_kernel_rebind(1);
	rig_read_uevents(r);
	rig_assert(r, "h", "attached boot");
	assert_int_equal(fake_kernel_counts("h").attaches, 1);
}

static void test_device_that_is_not_there_yet(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "h", HID_POLICY);
	rig_start(r);
	rig_assert(r, "h", "waiting device-gone");
	fake_kernel_plug(3, 0x46d, 0xc52b, "mouse");
	rig_run_until(r, rig_state(r, "h") == STATE_ATTACHED);
	assert_int_equal(rig_get(r, "h")->machine.restarts, 0);
}

/* A device and a parent, whose uevents were lost: whoever waits looks again. */
static void test_what_came_unseen(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "h", HID_POLICY);
	rig_policy(r, "s", "");
	fake_kernel_set_scheduler("s", true);
	fake_kernel_script_all("s", FAKE_NO_PARENT, FAKE_ATTACHED);
	rig_start(r);
	rig_assert(r, "h", "waiting device-gone");
	rig_assert(r, "s", "waiting attach-failed");
	fake_kernel_plug(3, 0x46d, 0xc52b, "mouse");
	fake_kernel_lose_uevents();
	rig_run_until(r, rig_state(r, "h") == STATE_ATTACHED);
	rig_run_until(r, rig_state(r, "s") == STATE_ATTACHED);
}

static void test_device_that_goes_during_an_update(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_add_sentinel(r);
	rig_policy_text(r, "h", HID_POLICY);
	fake_kernel_plug(3, 0x46d, 0xc52b, "mouse");
	rig_start(r);
	fake_kernel_hold("h", true);
	assert_true(manager_restart(r->manager, rig_get(r, "h"), &sentence));
	rig_run_until(r, fake_kernel_counts("h").replaces == 1);
	fake_kernel_unplug(1);
	rig_read_uevents(r);
	assert_int_equal(rig_state(r, "h"), STATE_UPDATING);
	fake_kernel_hold("h", false);
	rig_run_until(r, rig_state(r, "h") == STATE_WAITING);
	rig_assert(r, "h", "waiting device-gone");
}

/* Settings that were pointed at an attachment are given back, once, however it ends. */

static void test_detach_gives_back(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy(r, "t", "");
	fake_kernel_set_default("t", "cubic");
	rig_start(r);
	assert_int_equal(rig_get(r, "t")->outcome.n_defaults, 1);
	assert_true(manager_detach(r->manager, rig_get(r, "t"), &sentence));
	rig_run_until(r, attachment_is_at_rest(rig_get(r, "t")));
	assert_int_equal(fake_kernel_counts("t").given_back, 1);
	assert_int_equal(rig_get(r, "t")->outcome.n_defaults, 0);
}

static void test_end_for_good_gives_back(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "t", "Restart=no\n");
	fake_kernel_set_default("t", "cubic");
	rig_start(r);
	fake_kernel_detach_foreign("t");
	rig_run_until(r, rig_state(r, "t") == STATE_INACTIVE);
	assert_true(rig_get(r, "t")->giving_back);
	rig_run_until(r, attachment_is_at_rest(rig_get(r, "t")));
	assert_int_equal(fake_kernel_counts("t").given_back, 1);
	assert_int_equal(fake_kernel_counts("t").detaches, 0);
}

/* Through a failed attempt and back-off nothing is given back, and the next life knows what was before the first. */
static void test_defaults_go_on(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "t", "RestartSec=1ms\n");
	fake_kernel_set_relinkable("t", false);
	fake_kernel_set_default("t", "cubic");
	fake_kernel_script_all("t", FAKE_ATTACHED, FAKE_BUSY, FAKE_ATTACHED);
	rig_start(r);
	fake_kernel_set_default("t", "ours");
	fake_kernel_detach_foreign("t");
	rig_run_until(r,
		      fake_kernel_counts("t").attaches == 3 && rig_state(r, "t") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("t").inherited, 1);
	assert_int_equal(fake_kernel_counts("t").given_back, 0);
	assert_string_equal(rig_get(r, "t")->outcome.defaults[0].former, "cubic");
}

/* Started again before it is over: the new attempt comes after it, or it would be undone. */
static void test_start_waits_for_the_giving_back(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy(r, "t", "Restart=no\n");
	fake_kernel_set_default("t", "cubic");
	rig_start(r);
	fake_kernel_hold("t", true);
	fake_kernel_detach_foreign("t");
	rig_run_until(r, fake_kernel_counts("t").given_back == 1);
	assert_true(manager_attach(r->manager, rig_get(r, "t"), &sentence));
	assert_int_equal(rig_state(r, "t"), STATE_LOADING);
	assert_null(rig_get(r, "t")->worker);
	fake_kernel_hold("t", false);
	rig_run_until(r, rig_state(r, "t") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("t").inherited, 0);
}

static void test_stop_waits_for_the_giving_back(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "t", "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_set_default("t", "cubic");
	rig_start(r);
	fake_kernel_detach_foreign("t");
	rig_run_until(r, rig_state(r, "t") == STATE_WAITING);
	manager_stop(r->manager);
	rig_run_until(r, r->loop_ended);
	assert_int_equal(fake_kernel_counts("t").given_back, 1);
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_error_is_loaded_afresh_after_a_while),
		rig_test(test_restart_that_the_kernel_asks_for),
		rig_test(test_restarts_are_no_storm),
		rig_test(test_crash_loop_ends_with_the_fallback),
		rig_test(test_wish_is_respected),
		rig_test(test_wish_and_restart_always),
		rig_test(test_restart_no),
		rig_test(test_parent_is_waited_for),
		rig_test(test_parent_that_is_not_there_yet),
		rig_test(test_scheduler_detached_by_another_process),
		rig_test(test_detach_that_is_seen_by_its_uevent),
		rig_test(test_detach_and_restart_always),
		rig_test(test_object_without_a_record),
		rig_test(test_other_uevents_are_ignored),
		rig_test(test_old_uevent_is_ignored),
		rig_test(test_lost_uevents),
		rig_test(test_death_before_the_report),
		rig_test(test_look_while_it_is_disabled),
		rig_test(test_swap_is_no_exit),
		rig_test(test_death_during_an_update),
		rig_test(test_dead_on_arrival_says_why),
		rig_test(test_device_that_is_unplugged),
		rig_test(test_device_whose_folder_is_still_there),
		rig_test(test_device_that_is_rebound),
		rig_test(test_device_that_is_not_there_yet),
		rig_test(test_what_came_unseen),
		rig_test(test_device_that_goes_during_an_update),
		rig_test(test_detach_gives_back),
		rig_test(test_end_for_good_gives_back),
		rig_test(test_defaults_go_on),
		rig_test(test_start_waits_for_the_giving_back),
		rig_test(test_stop_waits_for_the_giving_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
