/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/nearest.h"
#include "tests/unit/test.h"

static const char *const keys[] = {
	"Restart", "RestartSec", "RestartSteps", "RestartMaxDelaySec", "Path", "Map", "flags", "x",
};

static void test_best(void **state)
{
	static const struct {
		const char *wanted, *best;
	} cases[] = {
		{"Restart", "Restart"},
		{"restartsec", "RestartSec"},   /* case does not count */
		{"RestartSecs", "RestartSec"},  /* one too many */
		{"RestartSc", "RestartSec"},    /* one missing */
		{"RestrtStep", "RestartSteps"}, /* two missing */
		{"Paht", "Path"},               /* neighbours swapped: one edit, not two */
		{"Pth", "Path"},                /* the limit is at least 1 */
		{"lfag", NULL},                 /* a swap and a letter: 2 of 4 is too far … */
		{"lfags", "flags"},             /* … a swap alone is not */
		{"Pxxh", NULL},
		{"Completely", NULL},
		{"y", NULL}, /* nothing is left of the word */
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nearest n = NEAREST(cases[i].wanted);

		for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
			nearest_offer(&n, keys[j]);
		assert_text(n.best, cases[i].best);
	}
}

static void test_first_of_equals(void **state)
{
	struct nearest n = NEAREST("abcd");

	nearest_offer(&n, "abcx");
	nearest_offer(&n, "abcy");
	assert_string_equal(n.best, "abcx");
	nearest_offer(&n, "abcd");
	assert_string_equal(n.best, "abcd");
}

static void test_long_words(void **state)
{
	char word[1001], other[1001];
	struct nearest n = NEAREST(word);

	memset(word, 'a', sizeof(word) - 1);
	memset(other, 'a', sizeof(other) - 1);
	word[1000] = other[1000] = '\0';
	nearest_offer(&n, other);
	assert_null(n.best);
	word[255] = '\0';
	nearest_offer(&n, other);
	assert_null(n.best);
	other[255] = '\0';
	other[100] = 'b';
	nearest_offer(&n, other);
	assert_ptr_equal(n.best, other);
	assert_int_equal(n.distance, 1);
}

static void test_hint(void **state)
{
	struct nearest n = NEAREST("Pth");
	char text[64];

	snprintf(text, sizeof(text), "unknown" NEAREST_FORMAT ", sorry", NEAREST_ARGS(n));
	assert_string_equal(text, "unknown, sorry");
	nearest_offer(&n, "Path");
	snprintf(text, sizeof(text), "unknown" NEAREST_FORMAT ", sorry", NEAREST_ARGS(n));
	assert_string_equal(text, "unknown (did you mean Path?), sorry");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_first_of_equals),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
