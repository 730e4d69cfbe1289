/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's life with attachments: start, every way in which they end, back-off, fallback, stop. */
#include <signal.h>

#include "tests/service/rig.h"

#define AT_ONCE "RestartSec=0\nStartLimitBurst=0\n"

static void test_start_attaches_what_is_enabled(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "on", "");
	rig_policy_text(r, "off", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	rig_policy_text(r, "broken", "[Object]\nPath=/object\nPaht=x\n");
	rig_start(r);

	rig_assert(r, "on", "attached boot");
	assert_true(fake_kernel_is_attached("on"));
	assert_int_equal(rig_state(r, "off"), STATE_INACTIVE);
	assert_false(fake_kernel_is_attached("off"));
	rig_assert(r, "broken", "invalid boot");
	assert_non_null(
		strstr(attachment_detail(rig_get(r, "broken")), "broken.policy:3: [Object] Paht"));
}

static void test_foreign_detach_is_relinked(void **state)
{
	struct rig *r = *state;
	struct attachment *a;

	rig_policy(r, "a", AT_ONCE);
	rig_start(r);
	a = rig_get(r, "a");
	for (unsigned i = 1; i <= 200; i++) {
		uint32_t link = a->outcome.link_id;

		fake_kernel_detach_foreign("a");
		rig_run_until(r, a->machine.state == STATE_ATTACHED && a->outcome.link_id != link);
		rig_assert(r, "a", "attached link-detached");
		assert_int_equal(a->machine.restarts, i);
	}
	assert_true(fake_kernel_is_attached("a"));
	assert_int_equal(fake_kernel_counts("a").attaches, 1);
	assert_int_equal(fake_kernel_counts("a").relinks, 200);
}

static void test_type_with_state_is_loaded_afresh(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", AT_ONCE);
	fake_kernel_set_relinkable("a", false);
	rig_start(r);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").attaches == 2 && rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("a").relinks, 0);
}

static void test_relink_that_fails_becomes_a_load(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", AT_ONCE);
	fake_kernel_fail_relink("a", EEXIST);
	rig_start(r);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").attaches == 2 && rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("a").relinks, 1);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 1);
}

static void test_links_that_cannot_be_polled_are_looked_at(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", AT_ONCE);
	fake_kernel_set_pollable(false);
	rig_start(r);
	assert_true(rig_get(r, "a")->watch_poll);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").relinks == 1 && rig_state(r, "a") == STATE_ATTACHED);
}

static void test_back_off_waits(void **state)
{
	struct rig *r = *state;
	usec_t detached;

	rig_policy(r, "a", "RestartSec=50ms\n");
	rig_start(r);
	fake_kernel_detach_foreign("a");
	detached = rig_now();
	rig_run_until(r, rig_state(r, "a") == STATE_WAITING);
	rig_assert(r, "a", "waiting link-detached");
	assert_non_null(strstr(attachment_detail(rig_get(r, "a")), "restart 1 in "));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_true(rig_now() >= detached + 50 * USEC_PER_MSEC);
}

static void test_restart_no(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "Restart=no\n");
	rig_start(r);
	fake_kernel_detach_foreign("a");
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	rig_assert(r, "a", "inactive link-detached");
	assert_non_null(strstr(attachment_detail(rig_get(r, "a")), "Restart=no"));
	assert_int_equal(rig_get(r, "a")->handles.map_fd, -EBADF);
}

static void test_limit_ends_in_failed_and_fallback(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "a",
			"[Policy]\nFallback=b\n[Object]\nPath=/a\n[Attach]\nRestartSec=10ms\n"
			"RestartSteps=0\nStartLimitBurst=3\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/b\n");
	fake_kernel_script_all("a", FAKE_BUSY);
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_FAILED && rig_state(r, "b") == STATE_ATTACHED);
	rig_assert(r, "a", "failed limit-hit");
	rig_assert(r, "b", "attached fallback");
	assert_int_equal(fake_kernel_counts("a").attaches, 3);
	assert_non_null(strstr(attachment_detail(rig_get(r, "a")), "told to fail"));
}

static void test_fallback_goes_when_the_first_is_back(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy_text(r, "a", "[Policy]\nFallback=b\n[Object]\nPath=/a\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/b\n");
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_ATTACHED);
	rig_start(r);
	rig_run_until(r, rig_state(r, "b") == STATE_ATTACHED);
	assert_true(manager_restart(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r,
		      rig_state(r, "a") == STATE_ATTACHED && rig_state(r, "b") == STATE_INACTIVE);
	rig_assert(r, "b", "inactive fallback");
}

/* Both want the same slot: the fallback has to leave before the first can be attached. */
static void test_fallback_makes_room(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy_text(r, "a", "[Policy]\nFallback=b\n[Object]\nPath=/a\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\n[Object]\nPath=/b\n");
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_BUSY, FAKE_ATTACHED);
	rig_start(r);
	rig_run_until(r, rig_state(r, "b") == STATE_ATTACHED);
	assert_true(manager_restart(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(rig_state(r, "b"), STATE_INACTIVE);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 0);
}

static void test_fallbacks_in_a_circle_end(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "a", "[Policy]\nFallback=b\n[Object]\nPath=/a\n");
	rig_policy_text(r, "b", "[Policy]\nEnabled=no\nFallback=a\n[Object]\nPath=/b\n");
	fake_kernel_script_all("a", FAKE_REFUSED);
	fake_kernel_script_all("b", FAKE_REFUSED);
	rig_start(r);
	rig_run_until(r, rig_state(r, "b") == STATE_FAILED);
	rig_assert(r, "a", "failed load-failed");
	assert_int_equal(fake_kernel_counts("a").attaches, 1);
	assert_int_equal(fake_kernel_counts("b").attaches, 1);
}

static void test_refused_is_not_tried_again(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", AT_ONCE);
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_ATTACHED);
	rig_start(r);
	rig_assert(r, "a", "failed load-failed");
	assert_string_equal(attachment_detail(rig_get(r, "a")), "the fake kernel was told to fail");
	assert_int_equal(fake_kernel_counts("a").attaches, 1);
}

/* The type is a module's that is not there yet: no timer runs, the module's uevent brings the next attempt. */
static void test_type_that_comes_with_a_module(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_NO_TYPE, FAKE_NO_TYPE, FAKE_NO_TYPE, FAKE_ATTACHED);
	rig_start(r);
	rig_assert(r, "a", "waiting load-failed");
	assert_null(rig_get(r, "a")->deadline_source);
	fake_kernel_load_module();
	rig_run_until(r,
		      fake_kernel_counts("a").attaches == 2 && rig_state(r, "a") == STATE_WAITING);
	fake_kernel_lose_uevents();
	rig_run_until(r,
		      fake_kernel_counts("a").attaches == 3 && rig_state(r, "a") == STATE_WAITING);
	fake_kernel_load_module();
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 0);
}

static void test_dead_on_arrival_is_tried_again(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "RestartSec=1ms\n");
	fake_kernel_script_all("a", FAKE_DEAD, FAKE_ATTACHED);
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	rig_assert(r, "a", "attached dead-on-arrival");
}

static void test_worker_that_crashes(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "RestartSec=1ms\n");
	fake_kernel_script_all("a", FAKE_CRASH, FAKE_GARBAGE, FAKE_ATTACHED);
	rig_start(r);
	rig_assert(r, "a", "waiting worker-timeout");
	assert_non_null(strstr(attachment_detail(rig_get(r, "a")), "killed by SIGSEGV"));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(rig_get(r, "a")->machine.restarts, 2);
}

static void test_worker_that_hangs(void **state)
{
	struct rig *r = *state;

	r->config.worker_timeout = 100 * USEC_PER_MSEC;
	rig_policy(r, "a", "Restart=no\n");
	rig_policy(r, "b", "");
	fake_kernel_script_all("a", FAKE_HANG);
	rig_start(r);
	rig_assert(r, "a", "failed worker-timeout");
	assert_non_null(
		strstr(attachment_detail(rig_get(r, "a")), "within 100ms (WorkerTimeoutSec=)"));
	rig_assert(r, "b", "attached boot");
}

static void test_detach_while_loading(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy_text(r, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/a\n");
	fake_kernel_script_all("a", FAKE_HANG, FAKE_ATTACHED);
	rig_start(r);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, fake_kernel_counts("a").attaches == 1);
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, rig_state(r, "a") == STATE_INACTIVE);
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

static void test_verbs(void **state)
{
	struct rig *r = *state;
	const char *sentence;
	struct attachment *a;

	rig_policy(r, "a", "");
	rig_policy_text(r, "broken", "no section\n");
	rig_start(r);
	a = rig_get(r, "a");
	assert_true(manager_detach(r->manager, a, &sentence));
	rig_run_until(r, a->machine.state == STATE_INACTIVE);
	rig_assert(r, "a", "inactive admin");
	assert_false(fake_kernel_is_attached("a"));
	assert_true(manager_restart(r->manager, a, &sentence));
	rig_run_until(r, a->machine.state == STATE_ATTACHED);
	assert_true(manager_restart(r->manager, a, &sentence));
	rig_run_until(r, a->machine.state == STATE_ATTACHED);
	assert_int_equal(fake_kernel_counts("a").replaces, 1);

	assert_false(manager_attach(r->manager, rig_get(r, "broken"), &sentence));
	assert_non_null(strstr(sentence, "broken.policy:1"));
}

static void test_reset_failed(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_REFUSED, FAKE_ATTACHED);
	rig_start(r);
	manager_reset_failed(r->manager, rig_get(r, "a"));
	rig_assert(r, "a", "inactive admin");
	assert_true(manager_attach(r->manager, rig_get(r, "a"), &sentence));
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
}

/* The helper is the only child that lives on. */
static pid_t helper_pid(void)
{
	char path[64];
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static void test_helper_that_dies_is_replaced(void **state)
{
	struct rig *r = *state;
	pid_t first;

	rig_policy(r, "a", AT_ONCE);
	rig_start(r);
	first = helper_pid();
	kill(first, SIGKILL);
	rig_run_until(r, helper_pid() != first);
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").relinks == 1 && rig_state(r, "a") == STATE_ATTACHED);
}

static void test_helper_that_hangs_is_replaced(void **state)
{
	struct rig *r = *state;

	r->config.worker_timeout = 100 * USEC_PER_MSEC;
	rig_policy(r, "a", AT_ONCE);
	rig_start(r);
	fake_kernel_hang_relink("a");
	fake_kernel_detach_foreign("a");
	rig_run_until(r,
		      fake_kernel_counts("a").attaches == 2 && rig_state(r, "a") == STATE_ATTACHED);
}

static void test_stop_detaches_everything(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	rig_policy(r, "b", "");
	rig_policy(r, "waits", "RestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_script_all("waits", FAKE_BUSY);
	rig_start(r);
	manager_stop(r->manager);
	rig_run_until(r, r->loop_ended);
	assert_false(fake_kernel_is_attached("a"));
	assert_false(fake_kernel_is_attached("b"));
	assert_int_equal(rig_state(r, "a"), STATE_INACTIVE);
	assert_int_equal(fake_kernel_counts("a").attaches, 1);
}

static void test_stop_while_loading(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	fake_kernel_script_all("a", FAKE_HANG);
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	rig_run_until(r, fake_kernel_counts("a").attaches == 1);
	manager_stop(r->manager);
	rig_run_until(r, r->loop_ended);
}

/* In a hurry: what hangs is not waited for, and ends with the process, but for what outlives its descriptors. */
static void test_stop_twice(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "a", "");
	rig_policy(r, "linkless", "");
	fake_kernel_set_linkless("linkless");
	rig_start(r);
	fake_kernel_hold("a", true);
	fake_kernel_hold("linkless", true);
	manager_stop(r->manager);
	rig_run_until(r, rig_state(r, "a") == STATE_DETACHING);
	manager_stop(r->manager);
	rig_end(r);
	assert_false(fake_kernel_is_attached("a"));
	assert_int_equal(fake_kernel_counts("a").attaches, 1);
}

/* Many at once: no more workers than allowed, and nobody is forgotten. */
static void test_many(void **state)
{
	struct rig *r = *state;
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "p%02d", i);
		rig_policy(r, name, AT_ONCE);
	}
	rig_start(r);
	for (size_t i = 0; i < manager_count(r->manager); i++)
		assert_int_equal(manager_get(r->manager, i)->machine.state, STATE_ATTACHED);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "p%02d", i);
		fake_kernel_detach_foreign(name);
	}
	rig_run_until(r, fake_kernel_counts("p49").relinks == 1);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "p%02d", i);
		rig_run_until(r, fake_kernel_counts(name).relinks == 1 &&
					 rig_state(r, name) == STATE_ATTACHED);
	}
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_start_attaches_what_is_enabled),
		rig_test(test_foreign_detach_is_relinked),
		rig_test(test_type_with_state_is_loaded_afresh),
		rig_test(test_relink_that_fails_becomes_a_load),
		rig_test(test_links_that_cannot_be_polled_are_looked_at),
		rig_test(test_back_off_waits),
		rig_test(test_restart_no),
		rig_test(test_limit_ends_in_failed_and_fallback),
		rig_test(test_fallback_goes_when_the_first_is_back),
		rig_test(test_fallback_makes_room),
		rig_test(test_fallbacks_in_a_circle_end),
		rig_test(test_refused_is_not_tried_again),
		rig_test(test_type_that_comes_with_a_module),
		rig_test(test_dead_on_arrival_is_tried_again),
		rig_test(test_worker_that_crashes),
		rig_test(test_worker_that_hangs),
		rig_test(test_detach_while_loading),
		rig_test(test_verbs),
		rig_test(test_reset_failed),
		rig_test(test_helper_that_dies_is_replaced),
		rig_test(test_helper_that_hangs_is_replaced),
		rig_test(test_stop_detaches_everything),
		rig_test(test_stop_while_loading),
		rig_test(test_stop_twice),
		rig_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
