/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps: chosen, tried one after the other, loaded or refused with a reason. */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/native/kernel-fixture.h"

static void run_object(void **state, struct run *run, const char *path)
{
	char name[TCP_NAME_SIZE];

	run_policy(state, run, NULL, "[Object]\nPath=%s\n[Fields]\nname=%s\n", path,
		   tcp_name(name, "obj"));
}

static void run_map(void **state, struct run *run, const char *maps)
{
	char name[TCP_NAME_SIZE];

	run_policy(state, run, NULL, "[Object]\nPath=maps.bpf.o\nMap=%s\n[Fields]\nname=%s\n", maps,
		   tcp_name(name, "map"));
}

static void test_choice_of_the_map(void **state)
{
	_run_ struct run none = RUN_NULL, misspelt = RUN_NULL, second = RUN_NULL, good = RUN_NULL;

	run_object(state, &none, "maps.bpf.o");
	assert_verdict(&none, VERDICT_REFUSED,
		       "struct_ops maps: name the one to attach in [Object] Map=");
	assert_verdict(&none, VERDICT_REFUSED, "first, second");
	run_map(state, &misspelt, "frist");
	assert_verdict(&misspelt, VERDICT_REFUSED, "[Object] Map= \"frist\"");
	assert_verdict(&misspelt, VERDICT_REFUSED, "(did you mean first?); it has");
	/* Found before the first alternative is tried. */
	run_map(state, &second, "first scond");
	assert_verdict(&second, VERDICT_REFUSED, "[Object] Map= \"scond\"");
	run_map(state, &good, "second");
	assert_attached(&good);
	assert_string_equal(good.outcome.map, "second");
}

static void test_section_variants(void **state)
{
	_run_ struct run plain = RUN_NULL, optional = RUN_NULL, link = RUN_NULL;

	run_map(state, &plain, "plain");
	assert_attached(&plain);
	assert_note(&plain, "map \"plain\" is in a \".struct_ops\" section");
	run_done(&plain);
	plain = RUN_NULL;
	run_map(state, &optional, "optional");
	assert_attached(&optional);
	run_done(&optional);
	optional = RUN_NULL;
	run_map(state, &link, "first");
	assert_attached(&link);
	assert_no_note(&link, ".struct_ops");
}

static const struct {
	const char *map, *sentence;
} refused_maps[] = {
	{"future", "member \"knob\" of map \"future\" is set, but this kernel's ("},
	{"wide", "member \"flags\" of map \"wide\" does not fit this kernel's ("},
	{"wide", "it has another size there"},
	{"bits", "it is a bitfield, which libbpf cannot set"},
	{"scheduler",
	 "map \"scheduler\" is of struct_ops type \"sched_ext_ops\", which this kernel ("},
	{"scheduler",
	 "was built without. It came with Linux 6.12 and needs CONFIG_SCHED_CLASS_EXT: use "},
	{"wild", "the verifier refused program \"wild_ssthresh\" of object \""},
	{"wild", "invalid mem access 'scalar' (at: "},
	{"unfinished", "the kernel refuses the values of map \"unfinished\" (tcp_congestion_ops)"},
	{"doubled", "program \"ssthresh\" is the operator of both \"ssthresh\" and \"undo_cwnd\""},
};

static void test_refused_maps(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_maps); i++) {
		_run_ struct run run = RUN_NULL;

		run_map(state, &run, refused_maps[i].map);
		assert_verdict(&run, VERDICT_REFUSED, refused_maps[i].sentence);
		assert_int_equal(run.handles.link_fd, -EBADF);
	}
}

/* A type that is not known to be the kernel's own may come with a module. */
static void test_type_that_may_come(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_map(state, &run, "imagined");
	assert_verdict(&run, VERDICT_NO_TYPE,
		       "of struct_ops type \"t_imagined_ops\", which this kernel (");
	assert_verdict(&run, VERDICT_NO_TYPE, "attached as soon as a module is loaded");
}

/* Nothing that this kernel could have makes it possible. */
static void test_type_that_no_policy_can_attach(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_policy(state, &run, NULL, "[Object]\nPath=types.bpf.o\nMap=ring\n");
	assert_verdict(&run, VERDICT_REFUSED,
		       "of struct_ops type \"io_uring_bpf_ops\", which no policy can attach: its "
		       "ring_fd is a descriptor of the attaching process");
	run_done(&run);
	run = RUN_NULL;
	/* It is a mistake in the policy, not a lack of this kernel that an alternative could make up for. */
	run_policy(state, &run, NULL, "[Object]\nPath=types.bpf.o\nMap=ring handshake\n");
	assert_verdict(&run, VERDICT_REFUSED, "which no policy can attach");
}

/* With its module it is attached as a map alone; until then the sentence tells what it takes. */
static void test_type_without_links(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_policy(state, &run, NULL, "[Object]\nPath=types.bpf.o\nMap=handshake\n");
	assert_note(&run, "smc_hs_ctrl takes no link in any kernel, so map \"handshake\" is "
			  "attached without one");
	if (run.outcome.verdict == VERDICT_ATTACHED) {
		assert_true(run.outcome.linkless);
		kernel_unregister_later(state, run.handles.map_fd);
		return;
	}
	assert_verdict(&run, VERDICT_NO_TYPE,
		       "does not have now. It came with Linux 6.19 and needs "
		       "CONFIG_SMC_HS_CTRL_BPF; attached as soon as a module is loaded");
}

static void test_verifier_log(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_map(state, &run, "wild");
	assert_non_null(run.outcome.verifier_log);
	assert_non_null(strstr(run.outcome.verifier_log, "invalid mem access 'scalar'"));
	assert_non_null(strstr(run.outcome.verifier_log, "processed "));
	assert_true(strlen(run.outcome.verifier_log) <= 16 * 1024);
}

/* With the member cleared the kernel's lack of it is only noted. */
static void test_dropped_members(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_policy(state, &run, NULL,
		   "[Object]\nPath=maps.bpf.o\nMap=future\n[Fields]\nname=%s\nknob=0\n",
		   tcp_name(name, "drop"));
	assert_attached(&run);
	assert_string_equal(run.outcome.type, "tcp_congestion_ops");
	assert_note(&run,
		    "member knob dropped: this kernel's tcp_congestion_ops has no such member");
	assert_note(&run, "member foresee dropped");
	assert_string_equal(run.outcome.fields[1].member, "knob");
	assert_null(run.outcome.fields[1].actual);
}

static void test_alternatives(void **state)
{
	_run_ struct run run = RUN_NULL, none = RUN_NULL, policy = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_map(state, &run, "imagined wild unfinished second first");
	assert_attached(&run);
	assert_string_equal(run.outcome.map, "second");
	assert_field(&run, "name", tcp_name(name, "map"));
	assert_int_equal(run.outcome.n_fields, 1);
	assert_note(&run,
		    "alternative imagined passed over: map \"imagined\" is of struct_ops type");
	assert_note(&run, "alternative wild passed over: the verifier refused");
	assert_note(&run, "alternative unfinished passed over: the kernel refuses the values");

	run_map(state, &none, "imagined wild");
	assert_verdict(&none, VERDICT_NO_TYPE,
		       "no alternative of [Object] Map= was accepted: imagined");
	assert_verdict(&none, VERDICT_NO_TYPE, "; wild passed over: the verifier refused");
	assert_non_null(none.outcome.verifier_log);

	/* A mistake in the policy is none of the kernel's: no alternative hides it. */
	run_policy(state, &policy, NULL,
		   "[Object]\nPath=maps.bpf.o\nMap=wild second\n[Fields wild]\nflags=x\n");
	assert_verdict(&policy, VERDICT_REFUSED, "test.policy:5: [Fields wild] flags: \"x\"");
}

/* Each alternative gets its own overrides and only those. */
static void test_fields_of_alternatives(void **state)
{
	_run_ struct run run = RUN_NULL;
	char wide[TCP_NAME_SIZE], second[TCP_NAME_SIZE];

	run_policy(state, &run, NULL,
		   "[Object]\nPath=maps.bpf.o\nMap=wide second\n"
		   "[Fields wide]\nname=%s\nflags=7\n[Fields second]\nname=%s\n",
		   tcp_name(wide, "wide"), tcp_name(second, "2nd"));
	assert_attached(&run);
	assert_int_equal(run.outcome.n_fields, 1);
	assert_field(&run, "name", second);
}

static void test_missing_kfunc(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_object(state, &run, "kfunc.bpf.o");
	assert_verdict(&run, VERDICT_REFUSED,
		       "calls the kernel function \"t_imagined_kfunc\", which this kernel (");
}

/* Runs f in a child, so that what it gives up is given up there only. */
static void in_child(void **state, void (*f)(void **state))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		f(state);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void without_capabilities(void **state)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	_run_ struct run run = RUN_NULL;

	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	run_object(state, &run, "values.bpf.o");
	if (run.outcome.verdict != VERDICT_REFUSED ||
	    !strstr(or_empty(run.outcome.detail), "the daemon lacks CAP_BPF and CAP_PERFMON")) {
		print_error("%s\n", or_empty(run.outcome.detail));
		_exit(1);
	}
}

static void test_missing_capabilities(void **state)
{
	in_child(state, without_capabilities);
}

static void without_descriptors(void **state)
{
	bool foretold = false;

	for (int limit = 3; limit < 64; limit++) {
		struct rlimit l = {.rlim_cur = (rlim_t)limit, .rlim_max = 64};
		_run_ struct run run = RUN_NULL;

		assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
		run_object(state, &run, "values.bpf.o");
		if (run.outcome.verdict == VERDICT_ATTACHED)
			_exit(foretold ? 0 : 1);
		if (run.outcome.verdict != VERDICT_BUSY || run.outcome.error != EMFILE) {
			print_error("limit %d: %d %s\n", limit, run.outcome.verdict,
				    or_empty(run.outcome.detail));
			_exit(1);
		}
		foretold |= strstr(run.outcome.detail, "file descriptors to load, and ") != NULL;
	}
	_exit(1);
}

/* Whichever call finds no descriptor left: it is a matter of this moment, and nothing stays behind. */
static void test_missing_descriptors(void **state)
{
	in_child(state, without_descriptors);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_choice_of_the_map),
		TEST(test_section_variants),
		TEST(test_refused_maps),
		TEST(test_type_that_may_come),
		TEST(test_type_that_no_policy_can_attach),
		TEST(test_type_without_links),
		TEST(test_verifier_log),
		TEST(test_dropped_members),
		TEST(test_alternatives),
		TEST(test_fields_of_alternatives),
		TEST(test_missing_kfunc),
		TEST(test_missing_capabilities),
		TEST(test_missing_descriptors),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
