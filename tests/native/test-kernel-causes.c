/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each mistake is made, and this kernel's own words for it are recognised. */
#include <sys/utsname.h>

#include "daemon/kernel/causes.h"
#include "tests/native/kernel-fixture.h"

/* The longest that fits on five lines of a terminal, without the object's path. */
#define FIVE_LINES (5 * 100)

struct mistake {
	const char *object, *map;
	const char *cause; /* NULL: the map's name, with "-" for "_" */
	const char *word;  /* what is meant in particular; NULL: nothing is */
	enum verdict verdict;
};

static const struct mistake by_libbpf[] = {
	{"maps", "imagined", "type-missing", "t_imagined_ops", VERDICT_NO_TYPE},
	{"maps", "future", "member-missing", "knob"},
	{"maps", "wide", "member-size", "flags"},
	{"maps", "bits", "member-bitfield", "flags"},
	{"causes", "member_kind", NULL, "name"},
	{"causes", "member_pointer", NULL, "owner"},
	{"kfunc", "kfunc", "kfunc-missing", "t_imagined_kfunc"},
	{"kfunc-differs", "mistake", "kfunc-differs", "tcp_slow_start"},
	{"variable-missing", "mistake", "variable-missing", "t_imagined"},
	{"variable-differs", "mistake", "variable-missing", "bpf_prog_active"},
	{"extern-missing", "mistake", "extern-missing", "t_imagined"},
	{"config-missing", "mistake", "config-missing", "CONFIG_T_IMAGINED"},
	{"section-unknown", "mistake", "section-unknown", "imagined/section"},
	{"target-missing", "mistake", "target-missing", "t_imagined"},
	{"map-refused", "mistake", "map-refused-old", "wanted"},
	{"memory-limit", "mistake", "memory-limit-old", "wanted", VERDICT_BUSY},
	{"btf-refused", "mistake", "btf-refused"},
};

static const struct mistake by_the_verifier[] = {
	{"licence", "first", "licence"},
	{"licence-of-function", "mistake", "licence-of-function"},
	{"causes", "null_unchecked"},
	{"causes", "beyond_memory"},
	{"causes", "beyond_map_value"},
	{"causes", "beyond_struct", NULL, "tcp_sock"},
	{"causes", "write_denied"},
	{"causes", "write_member_denied"},
	{"causes", "pointer_is_number"},
	{"causes", "helper_denied", NULL, "bpf_override_return"},
	{"causes", "member_relocation", "member-relocation-named"},
	{"causes", "context"},
	{"causes", "argument"},
	{"causes", "uninitialised"},
	{"causes", "endless_loop"},
	{"causes", "unreachable"},
	{"causes", "falls_off"},
	{"causes", "stack_frame"},
	{"causes", "stack"},
	{"causes", "call_depth"},
	{"causes", "too_large"},
	{"causes", "unbounded_index"},
	{"causes", "unbounded_size"},
	{"causes", "callback_return"},
	{"causes", "reference_leak_at_exit"},
	{"causes", "sleeps_helper"},
	{"causes", "member_unsupported", NULL, "get_info"},
	{"causes-dummy", "member_unsupported", NULL, "test_1"},
	{"causes-dummy", "null_unchecked"},
	{"causes-kfuncs", "null_unchecked"},
	{"causes-kfuncs", "null_passed"},
	{"causes-kfuncs", "reference_leak", "reference-leak-at-exit"},
	{"causes-kfuncs", "release_unacquired"},
	{"causes-kfuncs", "other_type", NULL, "task_struct"},
	{"causes-kfuncs", "untrusted"},
	{"causes-kfuncs", "rcu"},
	{"causes-kfuncs", "kfunc_denied", NULL, "bpf_get_task_exe_file"},
	{"causes-kfuncs", "kfunc_unresolved", NULL, "t_imagined_kfunc"},
	{"causes-kfuncs", "sleeps"},
	{"causes-kfuncs", "sleeps_in_region"},
	{"causes-kfuncs", "region_open"},
	{"causes-kfuncs", "global_function"},
};

static const struct mistake at_the_attach[] = {
	{"maps", "unfinished", "values"},
	{"causes-dummy", "no_links"},
};

static const struct cause *cause_of(const struct mistake *m)
{
	_cleanup_(freep) char *id = strdup(m->cause ?: m->map);

	for (char *c = id; *c; c++)
		*c = *c == '_' ? '-' : *c;
	for (size_t i = 0; i < n_causes; i++)
		if (streq(causes[i].id, id))
			return &causes[i];
	fail_msg("no cause \"%s\"", id);
	return NULL;
}

/* The attempt ends with the cause's own sentence, every word of it. */
static void make_mistake(void **state, const struct mistake *m, struct run *run)
{
	const struct cause *cause = cause_of(m);
	_cleanup_(freep) char *path = NULL, *file = NULL, *text = NULL;
	struct cause_words words = {.word = m->word, .map = m->map};
	struct utsname kernel;

	assert_int_equal(uname(&kernel), 0);
	assert_true(asprintf(&file, "%s.bpf.o", m->object) > 0);
	path = object_path(file);
	words.object = path;
	words.kernel = kernel.release;
	run_policy(state, run, NULL, "[Object]\nPath=%s\nMap=%s\n", file, m->map);
	words.type = run->outcome.type;
	text = cause->sentence ? cause_sentence(cause, &words) : strdup(m->word);
	assert_verdict(run, m->verdict ?: VERDICT_REFUSED, text);
	assert_in_range(strlen(run->outcome.detail) - strlen(path), 1, FIVE_LINES);
	assert_null(strchr(run->outcome.detail, '\n'));
	assert_true(strstr(run->outcome.detail, path) || strstr(run->outcome.detail, m->map));
}

static void test_refused_by_libbpf(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_libbpf); i++) {
		_run_ struct run run = RUN_NULL;

		make_mistake(state, &by_libbpf[i], &run);
	}
}

/* With program, source line and instruction, where the log has them: what concerns the whole program has no line. */
static void test_refused_by_the_verifier(void **state)
{
	static const char *const whole[] = {"licence",           "unreachable", "falls_off",
					    "beyond_map_value",  "stack",       "first",
					    "member_unsupported"};

	for (size_t i = 0; i < ARRAY_SIZE(by_the_verifier); i++) {
		const struct mistake *m = &by_the_verifier[i];
		_run_ struct run run = RUN_NULL;
		bool has_line = true;

		make_mistake(state, m, &run);
		assert_verdict(&run, VERDICT_REFUSED, "the verifier refused program \"");
		for (size_t k = 0; k < ARRAY_SIZE(whole); k++)
			has_line &= !streq(m->map, whole[k]);
		if (!has_line)
			continue;
		assert_verdict(&run, VERDICT_REFUSED, " (at: ");
		assert_verdict(&run, VERDICT_REFUSED, ".bpf.c:");
		assert_verdict(&run, VERDICT_REFUSED, ", instruction ");
	}
}

static void test_refused_at_the_attach(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(at_the_attach); i++) {
		_run_ struct run run = RUN_NULL;

		make_mistake(state, &at_the_attach[i], &run);
	}
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
		TEST(test_refused_by_libbpf),       TEST(test_refused_by_the_verifier),
		TEST(test_refused_at_the_attach),   TEST(test_verify_refuses_as_attach),
		TEST(test_verify_attaches_nothing),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
