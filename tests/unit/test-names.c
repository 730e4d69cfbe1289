/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every enum with words: each number has one, no two share one, and the word leads back. */
#include "common/names.h"
#include "daemon/core/config.h"
#include "daemon/core/policy.h"
#include "tests/unit/test.h"

#define assert_table(name, max)                                                       \
	do {                                                                          \
		for (int i = 0; i < (max); i++) {                                     \
			assert_non_null(name##_to_string(i));                         \
			assert_int_equal(name##_from_string(name##_to_string(i)), i); \
		}                                                                     \
		assert_null(name##_to_string(max));                                   \
		assert_null(name##_to_string(-1));                                    \
		assert_int_equal(name##_from_string("no such word"), -EINVAL);        \
		assert_int_equal(name##_from_string(""), -EINVAL);                    \
		assert_int_equal(name##_from_string(NULL), -EINVAL);                  \
	} while (0)

static void test_tables(void **state)
{
	assert_table(state, _STATE_MAX);
	assert_table(reason, _REASON_MAX);
	assert_table(restart_mode, _RESTART_MODE_MAX);
	assert_table(override_op, _OVERRIDE_OP_MAX);
	assert_table(keep_links, _KEEP_LINKS_MAX);
}

/* The words are a contract with everybody who reads them (design.md, section 3): spelt out once more here. */
static void test_contract(void **state)
{
	static const char *const states[] = {
		"inactive", "loading",   "attached", "updating",
		"waiting",  "detaching", "failed",   "invalid",
	};
	static const char *const reasons[] = {
		"boot",        "admin",           "reload",      "link-detached", "kernel-exit",
		"device-gone", "dead-on-arrival", "load-failed", "attach-failed", "worker-timeout",
		"limit-hit",   "adopted",         "fallback",
	};

	assert_int_equal(ARRAY_SIZE(states), _STATE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		assert_int_not_equal(state_from_string(states[i]), -EINVAL);
	assert_int_equal(ARRAY_SIZE(reasons), _REASON_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		assert_int_not_equal(reason_from_string(reasons[i]), -EINVAL);
}

static void test_policy_names(void **state)
{
	static const char *const good[] = {
		"a",
		"tcp-reno",
		"A.b_c@d-9",
		"-",
		"@",
		"x.policy",
		"0123456789012345678901234567890123456789012345678901234567890123", /* 64 */
	};
	static const char *const bad[] = {
		"",    ".",
		"..",  ".hidden",
		"a b", "a/b",
		"ä",   "a\n",
		"a:b", "01234567890123456789012345678901234567890123456789012345678901234", /* 65 */
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(policy_name_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(policy_name_is_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_contract),
		cmocka_unit_test(test_policy_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
