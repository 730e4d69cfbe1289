/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/fingerprint.h"
#include "tests/unit/test.h"

static struct policy *parse(const char *name, const char *text)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	struct policy_source source = {
		.path = (char *)"test.policy",
		.text = (char *)text,
		.length = strlen(text),
	};
	struct policy *p = NULL;

	if (policy_parse(name, &source, 1, &p, &messages) < 0)
		fail_msg("the test's own policy is wrong: %s", messages.n ? messages.items[0] : "");
	return p;
}

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Each differs from each other one in something that counts. */
static const char *const different[] = {
	"[Object]\nPath=/a\n",
	"[Object]\nPath=/b\n",
	"[Object]\nPath=/a\nMap=x\n",
	"[Object]\nPath=/a\nMap=x y\n",
	"[Object]\nPath=/a\nMap=xy\n",
	"[Object]\nPath=/a\nMap=y x\n",
	"[Object]\nPath=/a\nMap=ab c\n",
	"[Object]\nPath=/a\nMap=a bc\n",
	"[Object]\nPath=/a\nSHA256=" DIGEST "\n",
	"[Object]\nPath=/a\n[Fields]\nflags=1\n",
	"[Object]\nPath=/a\n[Fields]\nflags=2\n",
	"[Object]\nPath=/a\n[Fields]\nflags|=1\n",
	"[Object]\nPath=/a\n[Fields]\nflags&=1\n",
	"[Object]\nPath=/a\n[Fields]\nflags=\n",
	"[Object]\nPath=/a\n[Fields x]\nflags=1\n",
	"[Object]\nPath=/a\n[Fields]\nflag=s1\n",
	"[Object]\nPath=/a\n[Fields]\nflags=1\nname=x\n",
	"[Object]\nPath=/a\n[Fields]\nname=x\nflags=1\n",
	"[Object]\nPath=/a\n[Globals]\nflags=1\n",
	"[Policy]\nDescription=x\n[Object]\nPath=/a\n",
	"[Policy]\nDescription=y\n[Object]\nPath=/a\n",
	"[Policy]\nFallback=z\n[Object]\nPath=/a\n",
	"[Policy]\nEnabled=no\n[Object]\nPath=/a\n",
	"[Object]\nPath=/a\n[Attach]\nRestart=no\n",
	"[Object]\nPath=/a\n[Attach]\nRestart=always\n",
	"[Object]\nPath=/a\n[Attach]\nRestartSec=7\n",
	"[Object]\nPath=/a\n[Attach]\nRestartSteps=7\n",
	"[Object]\nPath=/a\n[Attach]\nRestartMaxDelaySec=7\n",
	"[Object]\nPath=/a\n[Attach]\nStartLimitBurst=7\n",
	"[Object]\nPath=/a\n[Attach]\nStartLimitIntervalSec=7\n",
	"[Object]\nPath=/a\n[Tcp]\nDefault=yes\n",
	"[Object]\nPath=/a\n[Tcp]\nDefault=yes\nNetns=x\n",
	"[Object]\nPath=/a\n[Tcp]\nDefault=yes\nNetns=x y\n",
	"[Object]\nPath=/a\n[Match]\nHid=*:*:*\n",
	"[Object]\nPath=/a\n[Match]\nHid=3:046d:c52b\n",
	"[Object]\nPath=/a\n[Match]\nHid=3:046d:*\n",
	"[Object]\nPath=/a\n[Match]\nHid=3:*:c52b\n",
	"[Object]\nPath=/a\n[Match]\nHid=3:046d:c52b:Log*\n",
};

static void check_pair(const struct policy *a, const struct policy *b)
{
	assert_int_equal(fingerprint_equal(fingerprint_of_object(a), fingerprint_of_object(b)),
			 policy_same_object(a, b));
	assert_int_equal(fingerprint_equal(fingerprint_of_policy(a), fingerprint_of_policy(b)),
			 policy_equal(a, b));
}

/* Equal where the policies are equal, and nowhere else: the two functions say the same of each pair. */
static void test_pairs(void **state)
{
	struct policy *p[ARRAY_SIZE(different)];

	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		p[i] = parse("x", different[i]);
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		for (size_t j = 0; j < ARRAY_SIZE(different); j++) {
			if (policy_equal(p[i], p[j]) != (i == j))
				fail_msg("the same policy?\n%s\n%s", different[i], different[j]);
			check_pair(p[i], p[j]);
		}
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		policy_free(p[i]);
}

/* How it is written does not count. */
static void test_same(void **state)
{
	static const char *const same[] = {
		"[Object]\nPath=/a\nMap=x y\n[Fields]\nflags=1\n[Attach]\nRestartSec=1000ms\n",
		"# words\n[Attach]\nRestartSec=1s\n\n[Fields]\nflags=7\nflags = "
		"1\n[Object]\nPath=/b\n"
		"Path = /a\nMap=x   y\n",
	};
	_cleanup_(policy_freep) struct policy *a = parse("x", same[0]), *b = parse("x", same[1]);

	assert_true(policy_equal(a, b));
	check_pair(a, b);
}

static void test_names(void **state)
{
	_cleanup_(policy_freep) struct policy *a = parse("x", different[0]);
	_cleanup_(policy_freep) struct policy *b = parse("y", different[0]);

	assert_true(policy_same_object(a, b));
	check_pair(a, b);
}

/* The vectors of draft-eastlake-fnv: what is on disk after an upgrade must still mean the same. */
static void test_vectors(void **state)
{
	static const struct {
		const char *text;
		struct fingerprint expected;
	} cases[] = {
		{"", {0x6c62272e07bb0142, 0x62b821756295c58d}},
		{"a", {0xd228cb696f1a8caf, 0x78912b704e4a8964}},
		{"foobar", {0x343e1662793c64bf, 0x6f0d3597ba446f18}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fingerprint f = fingerprint_of_bytes(cases[i].text, strlen(cases[i].text));

		assert_true(fingerprint_equal(f, cases[i].expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
