/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy-merge.h"
#include "tests/unit/test.h"

/* The lines as "section|key|op|value|file:line\n…". */
static char *merge(const char *first, const char *second, int expected_result)
{
	struct policy_source sources[] = {
		{.path = (char *)"a", .text = (char *)first, .length = strlen(first)},
		{.path = (char *)"b", .text = (char *)second, .length = strlen(second)},
	};
	_cleanup_(merged_policy_done) struct merged_policy m = {0};
	_cleanup_(messages_done) struct messages errors = MESSAGES_NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(policy_merge(sources, ARRAY_SIZE(sources), &m, &errors), expected_result);
	assert_int_equal(errors.n > 0, expected_result < 0);
	for (size_t i = 0; i < m.n; i++)
		fprintf(f, "%s|%s|%s|%s|%s:%u\n", m.lines[i].section, m.lines[i].key,
			override_op_to_string(m.lines[i].op), m.lines[i].value, m.lines[i].file,
			m.lines[i].line);
	fclose(f);
	return text;
}

static void assert_merged(const char *first, const char *second, const char *expected)
{
	_cleanup_(freep) char *text = merge(first, second, 0);

	assert_string_equal(text, expected);
}

static void test_the_later_wins(void **state)
{
	assert_merged("[Policy]\nDescription=one\nEnabled=no\n[Attach]\nRestartSec=1s\n",
		      "; a comment\n[Policy]\n  Description = two ; and another\n",
		      "Policy|Enabled|=|no|a:3\nPolicy|Description|=|two|b:3\n"
		      "Attach|RestartSec|=|1s|a:5\n");
}

static void test_an_empty_assignment_resets(void **state)
{
	assert_merged("[Policy]\nFallback=other\n", "[Policy]\nFallback=\n", "");
}

/* There it is a value: an operator that is NULL. */
static void test_an_empty_override_stays(void **state)
{
	assert_merged("[Fields]\ncwnd_event = x\n", "[Fields]\ncwnd_event =\n",
		      "Fields|cwnd_event|=||b:2\n");
	assert_merged("[Fields aimd]\nx = 1\n[Globals]\ny=2\n", "[Globals]\ny=\n",
		      "Fields aimd|x|=|1|a:2\nGlobals|y|=||b:2\n");
}

static void test_operators_add_up(void **state)
{
	assert_merged("[Fields]\nflags |= 1\nflags &= ~2\n", "[Fields]\nflags |= 4\n",
		      "Fields|flags||=|1|a:2\nFields|flags|&=|~2|a:3\nFields|flags||=|4|b:2\n");
	assert_merged("[Fields]\nflags |= 1\n[Fields m]\nflags |= 8\n", "[Fields]\nflags = 4\n",
		      "Fields m|flags||=|8|a:4\nFields|flags|=|4|b:2\n");
}

static void test_bad_lines_do_not_hide_the_others(void **state)
{
	_cleanup_(freep) char *text = merge("[Policy\nx=1\n[Object]\nPath=p\n", "", -EBADMSG);

	assert_string_equal(text, "Object|Path|=|p|a:4\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_later_wins),
		cmocka_unit_test(test_an_empty_assignment_resets),
		cmocka_unit_test(test_an_empty_override_stays),
		cmocka_unit_test(test_operators_add_up),
		cmocka_unit_test(test_bad_lines_do_not_hide_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
