/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WatchPolicies=: each way in which policies change on disk is told once, on real folders and a real event loop. */
#include <sys/stat.h>

#include "common/sentence.h"
#include "daemon/service/policy-watch.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define SETTLE (20 * USEC_PER_MSEC)
#define PATIENCE (60 * USEC_PER_SEC)

struct fixture {
	struct scratch *dir;
	char *folders[3];
	sd_event *event;
	struct policy_watch *watch;
	unsigned changes;
};

/* As ln -sfn does it: a new link is moved over the old one. */
static void point(const struct fixture *f, const char *path, const char *target)
{
	_cleanup_(freep) char *whole = scratch_path(f->dir, path);
	_cleanup_(freep) char *beside = sentence("%s.new", whole);

	assert_non_null(beside);
	assert_int_equal(symlink(target, beside), 0);
	assert_int_equal(rename(beside, whole), 0);
}

static void note_change(void *userdata)
{
	struct fixture *f = userdata;

	f->changes++;
}

static void start(struct fixture *f)
{
	assert_int_equal(policy_watch_new(f->event, f->folders, SETTLE, note_change, f, &f->watch),
			 0);
}

static int on_too_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	fail_msg("no change was noticed");
	return 0;
}

/* Runs the loop until one more change was told. */
static void expect_change(struct fixture *f)
{
	sd_event_source *timer = NULL;
	unsigned before = f->changes;

	assert_true(sd_event_add_time_relative(f->event, &timer, CLOCK_MONOTONIC, PATIENCE, 0,
					       on_too_late, NULL) >= 0);
	while (f->changes == before)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_int_equal(f->changes, before + 1);
	sd_event_source_disable_unref(timer);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	void *dir = NULL;

	assert_non_null(f);
	scratch_setup(&dir);
	f->dir = dir;
	f->folders[0] = scratch_path(f->dir, "policies");
	f->folders[1] = scratch_path(f->dir, "far/away/policies");
	assert_true(sd_event_new(&f->event) >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	policy_watch_free(f->watch);
	sd_event_unref(f->event);
	free(f->folders[0]);
	free(f->folders[1]);
	*state = f->dir;
	free(f);
	return scratch_teardown(state);
}

static void test_file_written_changed_removed(void **state)
{
	_cleanup_(freep) char *path = NULL;
	struct fixture *f = *state;

	scratch_folder(f->dir, "policies");
	start(f);
	scratch_text(f->dir, "policies/a.policy", "[Object]\nPath=a\n");
	expect_change(f);
	scratch_text(f->dir, "policies/a.policy", "[Object]\nPath=b\n");
	expect_change(f);
	path = scratch_path(f->dir, "policies/a.policy");
	assert_int_equal(unlink(path), 0);
	expect_change(f);
}

static void test_dropins(void **state)
{
	struct fixture *f = *state;

	scratch_folder(f->dir, "policies");
	scratch_text(f->dir, "policies/a.policy", "[Object]\nPath=a\n");
	start(f);
	scratch_folder(f->dir, "policies/a.policy.d");
	scratch_text(f->dir, "policies/a.policy.d/10.conf", "[Policy]\nEnabled=no\n");
	expect_change(f);
	/* The drop-in folder is watched itself by now. */
	scratch_text(f->dir, "policies/a.policy.d/10.conf", "[Policy]\nEnabled=yes\n");
	expect_change(f);
}

static void test_folder_that_comes_later(void **state)
{
	struct fixture *f = *state;

	start(f);
	scratch_folder(f->dir, "far");
	scratch_folder(f->dir, "far/away");
	scratch_folder(f->dir, "far/away/policies");
	scratch_text(f->dir, "far/away/policies/a.policy", "[Object]\nPath=a\n");
	expect_change(f);
	scratch_text(f->dir, "far/away/policies/a.policy", "[Object]\nPath=b\n");
	expect_change(f);
}

/* As kubelet writes a ConfigMap: a.policy -> ..data/a.policy, ..data -> ..1, and then ..data is moved. */
static void test_data_link_swapped(void **state)
{
	struct fixture *f = *state;

	scratch_folder(f->dir, "policies");
	scratch_folder(f->dir, "policies/..1");
	scratch_folder(f->dir, "policies/..2");
	scratch_text(f->dir, "policies/..1/a.policy", "[Object]\nPath=a\n");
	scratch_text(f->dir, "policies/..2/a.policy", "[Object]\nPath=b\n");
	point(f, "policies/..data", "..1");
	point(f, "policies/a.policy", "..data/a.policy");
	start(f);
	point(f, "policies/..data", "..2");
	expect_change(f);
}

static void test_folder_link_swapped(void **state)
{
	struct fixture *f = *state;

	scratch_folder(f->dir, "v1");
	scratch_folder(f->dir, "v2");
	scratch_text(f->dir, "v1/a.policy", "[Object]\nPath=a\n");
	scratch_text(f->dir, "v2/a.policy", "[Object]\nPath=b\n");
	point(f, "policies", "v1");
	start(f);
	point(f, "policies", "v2");
	expect_change(f);
	/* What it points to now is watched, what it pointed to is not. */
	scratch_text(f->dir, "v2/a.policy", "[Object]\nPath=c\n");
	expect_change(f);
}

static void test_file_that_is_a_link(void **state)
{
	struct fixture *f = *state;

	scratch_folder(f->dir, "policies");
	scratch_folder(f->dir, "elsewhere");
	scratch_text(f->dir, "elsewhere/real", "[Object]\nPath=a\n");
	point(f, "policies/a.policy", "../elsewhere/real");
	start(f);
	point(f, "policies/a.policy", "../elsewhere/other"); /* dangles */
	expect_change(f);
	scratch_text(f->dir, "elsewhere/other", "[Object]\nPath=b\n");
	expect_change(f);
}

/* What changes nothing is not told: the one change that is counted is the last. */
static void test_only_differences(void **state)
{
	_cleanup_(freep) char *mark = NULL;
	struct fixture *f = *state;

	scratch_folder(f->dir, "policies");
	scratch_text(f->dir, "policies/a.policy", "[Object]\nPath=a\n");
	start(f);
	scratch_text(f->dir, "policies/.a.policy.swp", "an editor's");
	scratch_text(f->dir, "policies/a.policy", "[Object]\nPath=a\n");
	scratch_text(f->dir, "policies/README", "nothing");
	/* Its event is handled after those before it. */
	mark = scratch_path(f->dir, "policies");
	assert_int_equal(chmod(mark, 0700), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_true(sd_event_run(f->event, SETTLE) >= 0);
	assert_int_equal(f->changes, 0);
	scratch_text(f->dir, "policies/a.policy", "[Object]\nPath=b\n");
	expect_change(f);
}

/* A writer that never pauses: the change is told all the same. */
static void test_never_quiet(void **state)
{
	struct fixture *f = *state;
	unsigned i = 0;

	scratch_folder(f->dir, "policies");
	start(f);
	while (f->changes == 0) {
		_cleanup_(freep) char *text = sentence("[Object]\nPath=%u\n", ++i);

		scratch_text(f->dir, "policies/a.policy", text);
		assert_true(sd_event_run(f->event, 0) >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file_written_changed_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_that_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_data_link_swapped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_link_swapped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_that_is_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_differences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_quiet, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
