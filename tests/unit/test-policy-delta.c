/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy-delta.h"
#include "tests/unit/scratch.h"

static const char *below(const struct scratch *s, const char *path)
{
	if (!path)
		return "-";
	assert_memory_equal(path, s->path, strlen(s->path));
	return path + strlen(s->path) + 1;
}

/* SCRATCH/etc before SCRATCH/usr: a line each, "kind policy by path". */
static void assert_deltas(const struct scratch *s, const char *expected)
{
	_cleanup_(freep) char *etc = scratch_path(s, "etc"), *usr = scratch_path(s, "usr");
	_cleanup_(policy_deltas_done) struct deltas d = {0};
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(policy_deltas_read((char *[]){etc, usr, NULL}, &d), 0);
	assert_int_equal(d.warnings.n, 0);
	for (size_t i = 0; i < d.n; i++)
		fprintf(f, "%s %s %s %s\n", delta_kind_to_string(d.items[i].kind),
			d.items[i].policy, below(s, d.items[i].by), below(s, d.items[i].path));
	fclose(f);
	assert_string_equal(text, expected);
}

static void test_nothing(void **state)
{
	assert_deltas(*state, "");
	scratch_text(*state, "usr/a.policy", "x");
	assert_deltas(*state, "");
}

static void test_the_earlier_folder_wins(void **state)
{
	scratch_text(*state, "etc/a.policy", "x");
	scratch_text(*state, "usr/a.policy", "y");
	scratch_text(*state, "etc/b.policy", "x");
	scratch_text(*state, "usr/b.policy", "x");
	assert_deltas(*state, "overridden a etc/a.policy usr/a.policy\n"
			      "equivalent b etc/b.policy usr/b.policy\n");
}

static void test_masks(void **state)
{
	scratch_folder(*state, "etc");
	scratch_link(*state, "etc/a.policy", "/dev/null");
	scratch_text(*state, "usr/a.policy", "y");
	scratch_text(*state, "etc/b.policy", "");
	scratch_text(*state, "usr/c.policy", "x");
	scratch_text(*state, "etc/c.policy.d/1.conf", "");
	scratch_text(*state, "usr/c.policy.d/1.conf", "y");
	assert_deltas(*state, "masked a etc/a.policy usr/a.policy\n"
			      "masked b etc/b.policy -\n"
			      "masked c etc/c.policy.d/1.conf usr/c.policy.d/1.conf\n");
}

static void test_dropins(void **state)
{
	scratch_text(*state, "usr/a.policy", "x");
	scratch_text(*state, "usr/a.policy.d/2.conf", "y");
	scratch_text(*state, "usr/a.policy.d/1.conf", "y");
	scratch_text(*state, "etc/a.policy.d/1.conf", "z");
	assert_deltas(*state, "overridden a etc/a.policy.d/1.conf usr/a.policy.d/1.conf\n"
			      "extended a etc/a.policy.d/1.conf usr/a.policy\n"
			      "extended a usr/a.policy.d/2.conf usr/a.policy\n");
}

static void test_dropins_of_nothing(void **state)
{
	scratch_text(*state, "etc/a.policy.d/1.conf", "z");
	scratch_text(*state, "usr/b.policy", "x");
	scratch_text(*state, "etc/b.policy", "");
	scratch_text(*state, "usr/b.policy.d/1.conf", "x");
	assert_deltas(*state, "unused a - etc/a.policy.d/1.conf\n"
			      "masked b etc/b.policy usr/b.policy\n"
			      "unused b - usr/b.policy.d/1.conf\n");
}

#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_nothing),
		scratch_test(test_the_earlier_folder_wins),
		scratch_test(test_masks),
		scratch_test(test_dropins),
		scratch_test(test_dropins_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
