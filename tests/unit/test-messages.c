/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/messages.h"
#include "tests/unit/test.h"

static void test_join(void **state)
{
	_cleanup_(messages_done) struct messages m = MESSAGES_NULL;
	_cleanup_(freep) char *none = NULL, *one = NULL, *three = NULL;

	none = messages_join(&m, "; ");
	assert_string_equal(none, "");
	assert_int_equal(messages_add(&m, "%s:%d", "a", 1), 0);
	one = messages_join(&m, "; ");
	assert_string_equal(one, "a:1");
	assert_int_equal(messages_add(&m, "b"), 0);
	assert_int_equal(messages_add(&m, "%s", ""), 0);
	three = messages_join(&m, "; ");
	assert_string_equal(three, "a:1; b; ");
}

static void test_done_empties(void **state)
{
	struct messages m = MESSAGES_NULL;

	assert_int_equal(messages_add(&m, "a"), 0);
	messages_done(&m);
	assert_null(m.items);
	assert_int_equal(m.n, 0);
	messages_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_done_empties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
