/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one daemon to the next: ends in the middle of something, state files and pins that are wrong, ends for good. */
#include <fcntl.h>

#include "tests/service/adopting.h"

/* In the middle of something. */

static void test_left_in_the_middle_of_an_update(void **state)
{
	struct rig *r = *state;
	uint32_t link;

	start_one(r, "");
	link = link_of(r, "a");
	change_and_reload(r);
	manager_leave(r->manager);
	for (int i = 0; i < 20; i++)
		rig_turn(r);
	assert_false(r->loop_ended);
	fake_kernel_hold("a", false);
	rig_end(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
	assert_int_equal(link_of(r, "a"), link);
	assert_attaches("a", 1, 1, 0);
}

/* Whether the update came that far is not known, so it is made once more. */
static void test_killed_in_the_middle_of_an_update(void **state)
{
	struct rig *r = *state;
	uint32_t link;

	start_one(r, "");
	link = link_of(r, "a");
	change_and_reload(r);
	kill_daemon(r);
	fake_kernel_hold("a", false);
	rig_start(r);
	rig_assert(r, "a", "attached reload");
	assert_int_equal(link_of(r, "a"), link);
	assert_attaches("a", 1, 2, 0);
}

static void during_a_load(struct rig *r, void (*end)(struct rig *r))
{
	with_pins(r);
	rig_policy(r, "a", "");
	fake_kernel_hold("a", true);
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	rig_run_until(r, fake_kernel_counts("a").attaches == 1);
	end(r);
	fake_kernel_hold("a", false);
	assert_false(fake_kernel_is_attached("a"));
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_attaches("a", 2, 0, 0);
}

static void test_left_in_the_middle_of_a_load(void **state)
{
	during_a_load(*state, leave);
}

static void test_killed_in_the_middle_of_a_load(void **state)
{
	during_a_load(*state, kill_daemon);
}

static void test_killed_in_the_middle_of_a_detachment(void **state)
{
	struct rig *r = *state;
	const char *refusal;

	start_one(r, "");
	fake_kernel_hold("a", true);
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &refusal));
	quiet(r);
	kill_daemon(r);
	fake_kernel_hold("a", false);
	rig_start(r);
	rig_assert(r, "a", "inactive admin");
	assert_false(fake_kernel_is_attached("a"));
	quiet(r);
	assert_false(fake_kernel_has_pins("a"));
	assert_int_equal(fake_kernel_counts("a").detaches, 1);
}

static size_t count_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

/* Nothing that changes the kernel begins before it is written down. A worker that was started is a descriptor more. */
static void test_work_is_written_down_before_it_begins(void **state)
{
	struct rig *r = *state;
	const char *refusal;
	size_t before;

	start_one(r, "");
	quiet(r);
	before = count_descriptors();
	assert_true(manager_detach(r->manager, rig_get(r, "a"), &refusal));
	while (count_descriptors() <= before)
		assert_true(sd_event_run(r->event, UINT64_MAX) > 0);
	rig_kill(r);
	rig_start(r);
	rig_assert(r, "a", "inactive admin");
}

/* State files and pins that are not what they should be. */

static void patch_state(struct rig *r, const char *name, off_t at, char byte)
{
	char file[128], *path;
	int fd;

	snprintf(file, sizeof(file), "state/%s.state", name);
	path = scratch_path(r->scratch, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	free(path);
}

/* Its link goes on, and it is loaded anew beside it, since nobody knows any more what was loaded. */
static void without_record(struct rig *r, off_t at, char byte)
{
	uint32_t link;

	start_one(r, "");
	link = link_of(r, "a");
	kill_daemon(r);
	patch_state(r, "a", at, byte);
	rig_start(r);
	assert_int_equal(link_of(r, "a"), link);
	rig_assert(r, "a", "attached reload");
	assert_attaches("a", 1, 1, 0);
	kill_daemon(r);
	rig_start(r);
	rig_assert(r, "a", "attached adopted");
}

static void test_damaged_state(void **state)
{
	without_record(*state, 90, '\xff');
}

static void test_newer_state(void **state)
{
	struct rig *r = *state;
	char *path = scratch_path(r->scratch, "state/a.newer");

	without_record(r, 4, 99);
	assert_int_equal(access(path, F_OK), 0);
	free(path);
}

static void test_state_of_another_boot(void **state)
{
	without_record(*state, 10, '\x11');
}

static void test_state_of_what_is_not_there(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	kill_daemon(r);
	fake_kernel_drop_pins();
	assert_false(fake_kernel_is_attached("a"));
	rig_start(r);
	rig_assert(r, "a", "attached boot");
	assert_attaches("a", 2, 0, 0);
}

static void test_pins_that_are_none(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "b", "");
	start_one(r, "");
	kill_daemon(r);
	fake_kernel_put_pin("nobody");
	fake_kernel_spoil_pin("a", NULL);
	fake_kernel_spoil_pin("b", "a"); /* too late: it is a file now */
	rig_start(r);
	rig_run_until(r,
		      rig_state(r, "a") == STATE_ATTACHED && rig_state(r, "b") == STATE_ATTACHED);
	quiet(r);
	assert_false(fake_kernel_has_pins("nobody"));
	assert_attaches("a", 1, 0, 1); /* the map was still there */
	assert_attaches("b", 1, 0, 1);
}

/* The link of one under the name of the other: it is nobody's but the one's. */
static void test_pin_of_another(void **state)
{
	struct rig *r = *state;
	uint32_t link;

	rig_policy(r, "b", "");
	start_one(r, "");
	link = link_of(r, "b");
	kill_daemon(r);
	fake_kernel_spoil_pin("a", "b");
	rig_start(r);
	rig_assert(r, "b", "attached adopted");
	assert_int_equal(link_of(r, "b"), link);
	rig_assert(r, "a", "attached boot");
	assert_int_not_equal(link_of(r, "a"), link);
	assert_attaches("a", 2, 0, 0);
	assert_attaches("b", 1, 0, 0);
}

/* The end for good. */

static void test_stop_forgets_everything(void **state)
{
	struct rig *r = *state;
	const char *refusal;

	rig_policy(r, "b", LATER);
	rig_policy(r, "c", "");
	rig_policy_text(r, "off", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	start_one(r, "");
	fake_kernel_detach_foreign("b");
	rig_run_until(r, rig_state(r, "b") == STATE_WAITING);
	assert_true(manager_detach(r->manager, rig_get(r, "c"), &refusal));
	rig_run_until(r, rig_state(r, "c") == STATE_INACTIVE);
	stop(r);
	assert_int_equal(count_state_files(r), 0);
	assert_false(fake_kernel_has_pins("a") || fake_kernel_has_pins("b"));
	assert_false(fake_kernel_is_attached("a"));
	rig_start(r);
	rig_assert(r, "a", "attached boot");
	rig_assert(r, "b", "attached boot");
	rig_assert(r, "c", "attached boot");
	rig_assert(r, "off", "inactive boot");
}

/* What it had not detached yet is loaded anew on its link, the other afresh. */
static void test_stop_that_is_killed(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "b", "");
	start_one(r, "");
	fake_kernel_hold("a", true);
	manager_stop(r->manager);
	rig_run_until(r, rig_state(r, "b") == STATE_INACTIVE);
	kill_daemon(r);
	fake_kernel_hold("a", false);
	rig_start(r);
	rig_run_until(r, rig_state(r, "a") == STATE_ATTACHED);
	assert_int_equal(rig_state(r, "b"), STATE_ATTACHED);
	assert_true(fake_kernel_is_attached("a") && fake_kernel_is_attached("b"));
}

static void test_stop_after_leaving(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	change_and_reload(r);
	manager_leave(r->manager);
	manager_stop(r->manager);
	fake_kernel_hold("a", false);
	rig_end(r);
	assert_false(fake_kernel_is_attached("a"));
	assert_int_equal(count_state_files(r), 0);
}

static void test_leaving_after_stop_is_too_late(void **state)
{
	struct rig *r = *state;

	start_one(r, "");
	manager_stop(r->manager);
	manager_leave(r->manager);
	rig_end(r);
	assert_false(fake_kernel_is_attached("a"));
	assert_false(fake_kernel_has_pins("a"));
	assert_int_equal(count_state_files(r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adopt_test(test_left_in_the_middle_of_an_update),
		adopt_test(test_killed_in_the_middle_of_an_update),
		adopt_test(test_left_in_the_middle_of_a_load),
		adopt_test(test_killed_in_the_middle_of_a_load),
		adopt_test(test_killed_in_the_middle_of_a_detachment),
		adopt_test(test_work_is_written_down_before_it_begins),
		adopt_test(test_damaged_state),
		adopt_test(test_newer_state),
		adopt_test(test_state_of_another_boot),
		adopt_test(test_state_of_what_is_not_there),
		adopt_test(test_pins_that_are_none),
		adopt_test(test_pin_of_another),
		adopt_test(test_stop_forgets_everything),
		adopt_test(test_stop_that_is_killed),
		adopt_test(test_stop_after_leaving),
		adopt_test(test_leaving_after_stop_is_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
