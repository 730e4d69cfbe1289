/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_check(): what can be said of a policy without the kernel. */
#include <sys/wait.h>

#include "daemon/kernel/scx.h"
#include "tests/native/kernel-fixture.h"

/* The policy of a test, and what is said of it. */
struct check {
	struct policy *policy;
	struct outcome outcome;
};

static void check_done(struct check *c)
{
	policy_free(c->policy);
	outcome_done(&c->outcome);
}
#define _check_ _cleanup_(check_done)

static void check(struct check *ret, const char *format, ...) _printf_(2, 3);
static void check(struct check *ret, const char *format, ...)
{
	char *folders[] = {getenv("TEST_OBJECTS"), NULL};
	struct kernel_job job = {.object_path = folders};
	va_list args;

	va_start(args, format);
	job.policy = ret->policy = policy_of_text(format, args);
	va_end(args);
	assert_int_equal(kernel_check(&job, &ret->outcome), 0);
}

static void assert_check(const struct check *c, enum verdict verdict, const char *part_of_detail)
{
	const struct run as_run = {.outcome = c->outcome, .handles = KERNEL_HANDLES_NULL};

	assert_verdict(&as_run, verdict, part_of_detail);
}

static void test_fits(void **state)
{
	_check_ struct check c = {0};
	const struct outcome *o = &c.outcome;
	char name[TCP_NAME_SIZE];

	check(&c, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\nflags |= 1\n",
	      tcp_name(name, "chk"));
	assert_check(&c, VERDICT_FITS, "");
	assert_null(o->detail);
	assert_string_equal(o->type, "tcp_congestion_ops");
	assert_string_equal(o->map, "values");
	assert_string_equal(o->ops_name, name);
	assert_string_equal(o->slot + strlen("tcp_congestion_ops "), name);
	assert_int_equal(strlen(o->digest), 64);
	assert_true(o->stamp.inode != 0);
	assert_non_null(strstr(o->object_file, "/values.bpf.o"));
	assert_int_equal(o->n_fields, 2);
	assert_string_equal(o->fields[1].wanted, "1");
	assert_null(o->fields[1].actual);
	assert_int_equal(o->map_id, 0);
	assert_false(tcp_is_registered(name));
}

/* The type may come with a module, or be one's of which only one can run. */
static void test_types_that_are_not_there(void **state)
{
	_check_ struct check imagined = {0}, scheduler = {0};

	check(&imagined, "[Object]\nPath=maps.bpf.o\nMap=imagined\n");
	assert_check(&imagined, VERDICT_FITS, "");
	assert_string_equal(imagined.outcome.slot, "t_imagined_ops t_imagined");
	check(&scheduler, "[Object]\nPath=maps.bpf.o\nMap=scheduler\n");
	assert_check(&scheduler, VERDICT_FITS, "");
	assert_string_equal(scheduler.outcome.slot, "sched_ext_ops");
}

#define NO_DIGEST "0000000000000000000000000000000000000000000000000000000000000000"

/* In the very words in which the attempt would be refused. */
static void test_refused_as_by_an_attempt(void **state)
{
	static const char *const texts[] = {
		"[Object]\nPath=/nowhere.bpf.o\n",
		"[Object]\nPath=no-btf.bpf.o\n",
		"[Object]\nPath=maps.bpf.o\n",
		"[Object]\nPath=maps.bpf.o\nMap=frist\n",
		"[Object]\nPath=values.bpf.o\nSHA256=" NO_DIGEST "\n",
		"[Object]\nPath=values.bpf.o\n[Fields]\nflags=x\n",
		"[Object]\nPath=values.bpf.o\n[Fields]\ncong_avoid=nobody\n",
		"[Object]\nPath=values.bpf.o\n[Globals]\ng_u8=256\n",
		"[Object]\nPath=maps.bpf.o\nMap=imagined\n[Tcp]\nDefault=yes\n",
		"[Object]\nPath=maps.bpf.o\nMap=first second\n[Fields first]\nflags=x\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_check_ struct check c = {0};
		_run_ struct run run = RUN_NULL;

		check(&c, "%s", texts[i]);
		run_policy(state, &run, NULL, "%s", texts[i]);
		assert_verdict(&run, VERDICT_REFUSED, "");
		assert_check(&c, VERDICT_REFUSED, run.outcome.detail);
		assert_int_equal(c.outcome.error, run.outcome.error);
	}
}

/* The kernel may take the first one, and then what is wrong with the second does not matter. */
static void test_alternatives(void **state)
{
	_check_ struct check c = {0};

	check(&c, "[Object]\nPath=maps.bpf.o\nMap=first second optional\n"
		  "[Fields second]\nflags=x\n");
	assert_check(&c, VERDICT_FITS, "");
	assert_string_equal(c.outcome.map, "first");
	assert_int_equal(c.outcome.notes.n, 1);
	assert_non_null(strstr(c.outcome.notes.items[0], "alternative second would be refused: "));
	assert_non_null(strstr(c.outcome.notes.items[0], "flags"));
}

/* A user who may read the object, and nothing else. */
static void test_takes_no_privileges(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		_check_ struct check c = {0};

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		check(&c, "[Object]\nPath=values.bpf.o\n[Globals]\ng_u8=255\n");
		print_message("%s\n", or_empty(c.outcome.detail));
		_exit(c.outcome.verdict == VERDICT_FITS ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_fits),
		TEST(test_types_that_are_not_there),
		TEST(test_refused_as_by_an_attempt),
		TEST(test_alternatives),
		TEST(test_takes_no_privileges),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
