/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each mistake is made, and this kernel's own words for it are recognised. */
#include "daemon/kernel/causes.h"
#include "tests/native/kernel-fixture.h"

/* The maps of causes.bpf.c; each is named after its cause, with "_" for "-". */
static const char *const maps[] = {
	"null_unchecked",
	"beyond_memory",
	"beyond_struct",
	"write_member_denied",
	"helper_denied",
	"context",
	"uninitialised",
	"endless_loop",
	"unreachable",
	"stack_frame",
	"stack",
	"too_large",
	"unbounded_index",
	"reference_leak_at_exit",
	"member_unsupported",
};

/* What the cause's sentence begins with, up to the first word that is filled in. */
static char *beginning_of(const char *map)
{
	_cleanup_(freep) char *id = strdup(map);

	for (char *c = id; *c; c++)
		*c = *c == '_' ? '-' : *c;
	for (size_t i = 0; i < n_causes; i++)
		if (streq(causes[i].id, id))
			return strndup(causes[i].sentence, strcspn(causes[i].sentence, "{"));
	fail_msg("no cause \"%s\"", id);
	return NULL;
}

static void test_refused_by_the_verifier(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		_cleanup_(freep) char *beginning = beginning_of(maps[i]);
		_run_ struct run run = RUN_NULL;

		run_policy(state, &run, NULL, "[Object]\nPath=causes.bpf.o\nMap=%s\n", maps[i]);
		assert_verdict(&run, VERDICT_REFUSED, beginning);
		assert_verdict(&run, VERDICT_REFUSED, "of object \"/");
	}
}

/* Program, instruction and source line, where the log has them. */
static void test_place(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_policy(state, &run, NULL, "[Object]\nPath=causes.bpf.o\nMap=too_large\n");
	assert_verdict(&run, VERDICT_REFUSED, "program \"too_large_bad\"");
	assert_verdict(&run, VERDICT_REFUSED, "@ causes.bpf.c:");
	assert_verdict(&run, VERDICT_REFUSED, ", instruction ");
}

static void test_licence(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_policy(state, &run, NULL, "[Object]\nPath=licence.bpf.o\nMap=first\n");
	assert_verdict(&run, VERDICT_REFUSED, "SEC(\"license\")");
}

/* kernel_verify() says what kernel_attach() says, and attaches nothing. */

static void verify(struct outcome *ret, const char *text)
{
	char *folders[] = {getenv("TEST_OBJECTS"), NULL};
	struct policy_source source = {
		.path = strdup("t.policy"), .text = strdup(text), .length = strlen(text)};
	struct messages messages = MESSAGES_NULL;
	struct policy *policy = NULL;
	struct kernel_job job = {.object_path = folders};

	assert_int_equal(policy_parse("t", &source, 1, &policy, &messages), 0);
	job.policy = policy;
	assert_int_equal(kernel_verify(&job, ret), 0);
	policy_free(policy);
	messages_done(&messages);
	free(source.path);
	free(source.text);
}

static void test_verify_refuses_as_attach(void **state)
{
	static const char *const texts[] = {
		"[Object]\nPath=maps.bpf.o\nMap=wild\n",
		"[Object]\nPath=maps.bpf.o\nMap=future\n",
		"[Object]\nPath=maps.bpf.o\nMap=unfinished\n",
		"[Object]\nPath=maps.bpf.o\nMap=imagined unfinished\n",
		"[Object]\nPath=kfunc.bpf.o\n",
		"[Object]\nPath=/nowhere\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
		_run_ struct run run = RUN_NULL;

		verify(&o, texts[i]);
		run_policy(state, &run, NULL, "%s", texts[i]);
		assert_string_equal(o.detail, run.outcome.detail);
		assert_int_equal(o.verdict, run.outcome.verdict);
	}
}

static void test_verify_attaches_nothing(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL, plain = OUTCOME_NULL;
	_cleanup_(freep) char *text = NULL;
	char name[TCP_NAME_SIZE];

	assert_true(asprintf(&text, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n",
			     tcp_name(name, "vfy")) > 0);
	verify(&o, text);
	assert_int_equal(o.verdict, VERDICT_FITS);
	assert_null(o.detail);
	assert_int_equal(o.link_id, 0);
	assert_false(tcp_is_registered(name));
	verify(&plain, "[Object]\nPath=maps.bpf.o\nMap=plain\n");
	assert_int_equal(plain.verdict, VERDICT_FITS);
	assert_false(tcp_is_registered("t_plain"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_refused_by_the_verifier),
		TEST(test_place),
		TEST(test_licence),
		TEST(test_verify_refuses_as_attach),
		TEST(test_verify_attaches_nothing),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
