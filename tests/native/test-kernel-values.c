/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Overrides: what BTF kinds take, how each mistake is answered, what the kernel then has. */
#include "tests/native/kernel-fixture.h"

/* A policy for values.bpf.o with one more section. */
static void run_values(void **state, struct run *run, const char *section)
{
	char name[TCP_NAME_SIZE];

	run_policy(state, run, NULL, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n%s\n",
		   tcp_name(name, "val"), section);
}

static void test_data_fields(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_values(state, &run, "flags = 0x1\nflags |= 2\nflags &= ~1");
	assert_attached(&run);
	assert_field(&run, "name", tcp_name(name, "val"));
	assert_field(&run, "flags", "2");
	assert_int_equal(run.outcome.n_fields, 2);
	assert_true(tcp_is_registered(name));
}

/* Inside a member: as far from its start in the kernel's struct as in the object's. */
static void test_elements_of_fields(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_values(state, &run, "name[1] = 46");
	assert_attached(&run);
	tcp_name(name, "val");
	name[1] = '.';
	assert_field(&run, "name", name);
	assert_field(&run, "name[1]", "46");
	assert_true(tcp_is_registered(name));
}

static void test_operators(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_values(state, &run, "cong_avoid = other_cong_avoid\ninit =");
	assert_attached(&run);
	assert_field(&run, "cong_avoid", "other_cong_avoid");
	assert_field(&run, "init", "");
	assert_program(&run, "ssthresh", "ssthresh");
	assert_program(&run, "cong_avoid", "other_cong_avoid");
	assert_program(&run, "undo_cwnd", "undo_cwnd");
	assert_program(&run, "init", NULL);
}

/* A program that moves from its member to another is loaded all the same. */
static void test_moved_operators(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_values(state, &run, "ssthresh = undo_cwnd\nundo_cwnd = ssthresh");
	assert_attached(&run);
	assert_program(&run, "ssthresh", "undo_cwnd");
	assert_program(&run, "undo_cwnd", "ssthresh");
}

/* Nothing set means: as the object has it. */
static void test_empty_leaves_the_object(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_values(state, &run, "flags =\n[Globals]\ng_u32 =\ng_u8 =\ng_u8 |= 2");
	assert_attached(&run);
	assert_field(&run, "Globals.g_u8", "3");
	assert_int_equal(run.outcome.n_fields, 2);
}

static const struct {
	const char *path, *text, *value;
} good_globals[] = {
	{"g_u8", "255", "255"},
	{"g_s8", "-128", "-128"},
	{"g_u16", "0xffff", "65535"},
	{"g_s16", "-32768", "-32768"},
	{"g_u32", "4294967295", "4294967295"},
	{"g_s32", "-2147483648", "-2147483648"},
	{"g_u64", "0xffffffffffffffff", "18446744073709551615"},
	{"g_s64", "-9223372036854775808", "-9223372036854775808"},
	{"g_u32", "COLOR_GREEN|COLOR_BLUE", "6"},
	/* Nowhere in the object, so it comes from the kernel's own BTF. */
	{"g_u32", "TCP_CA_Loss", "4"},
	{"g_bool", "on", "yes"},
	{"g_color", "COLOR_GREEN", "COLOR_GREEN"},
	{"g_color", "COLOR_GREEN|COLOR_BLUE", "6"},
	{"g_balance", "BALANCE_LOW", "BALANCE_LOW"},
	{"g_text", "fifteen letters", "fifteen letters"},
	{"g_numbers", "10, 20", "10, 20, 0, 0"},
	{"g_numbers[3]", "9", "9"},
	{"g_bools", "yes, no, yes", "yes, no, yes"},
	{"g_colors", "COLOR_BLUE, COLOR_RED", "COLOR_BLUE, COLOR_RED"},
	{"g_matrix[1]", "4, 5, 6", "4, 5, 6"},
	{"g_matrix[1][2]", "7", "7"},
	{"g_names[1]", "second", "second"},
	{"g_port", "443", "443"},
	{"g_limits.max[2]", "0x10", "16"},
	{"g_limits.max", "4, 3, 2, 1", "4, 3, 2, 1"},
	{"g_limits.low", "-7", "-7"},
	{"g_limits.strict", "true", "yes"},
	{"g_limits.inner[1].color", "COLOR_BLUE", "COLOR_BLUE"},
	{"g_limits.inner[0].label", "inside", "inside"},
	{"g_limits.raw.word", "0x01020304", "16909060"},
	{"g_limits.raw.bytes[1]", "2", "2"},
	{"g_data", "50", "50"},
	{"g_static", "51", "51"},
	{"g_zeroed.max[3]", "52", "52"},
	{"g_own_section", "53", "53"},
	{"g_own_constant", "54", "54"},
};

static void test_globals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good_globals); i++) {
		_run_ struct run run = RUN_NULL;
		_cleanup_(freep) char *section = NULL, *member = NULL;

		assert_true(asprintf(&section, "[Globals]\n%s = %s", good_globals[i].path,
				     good_globals[i].text) > 0);
		assert_true(asprintf(&member, "Globals.%s", good_globals[i].path) > 0);
		run_values(state, &run, section);
		assert_attached(&run);
		assert_field(&run, member, good_globals[i].value);
	}
}

/* The verifier saw them too: a constant that the program divides by, say, is the policy's. */
static void test_all_globals_at_once(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_values(
		state, &run,
		"[Globals]\ng_u8=3\ng_u32 = 1\ng_u32 |= 4\ng_numbers = 1,2,3,4\ng_numbers[1] = 9\n"
		"g_limits.max[0]=1\ng_limits.inner[0].label = x\n");
	assert_attached(&run);
	assert_field(&run, "Globals.g_u32", "5");
	assert_field(&run, "Globals.g_numbers", "1, 9, 3, 4");
	assert_field(&run, "Globals.g_numbers[1]", "9");
	assert_field(&run, "Globals.g_limits.inner[0].label", "x");
}

/* Line 5 of the policy; the sentence begins like the parser's own. */
static const struct {
	const char *line, *sentence;
} bad_fields[] = {
	{"flgas = 1", "test.policy:5: [Fields] flgas: struct tcp_congestion_ops has no member "
		      "\"flgas\" (did you mean flags?)"},
	{"colour = 1", "[Fields] colour: struct tcp_congestion_ops has no member \"colour\""},
	{"flags = 4294967296",
	 "[Fields] flags: 4294967296 does not fit into __u32 (0 … 4294967295)"},
	{"flags = x", "[Fields] flags: \"x\" is neither an integer nor a known enumerator"},
	{"flags = COLOUR_RED", "(did you mean COLOR_RED?)"},
	{"flags[0] = 1", "[Fields] flags[0]: __u32 has no elements, so no [0]"},
	{"flags.low = 1", "[Fields] flags.low: __u32 has no members, so no \"low\""},
	{"name = sixteen_letters_",
	 "[Fields] name: \"sixteen_letters_\" has 16 bytes, char[16] has room for 15"},
	{"name[16] = 1",
	 "[Fields] name[16]: [16] is beyond the end of char[16]: its elements are 0 … 15"},
	{"ssthresh = other_sstresh",
	 "no struct_ops program \"other_sstresh\" (did you mean other_ssthresh?)"},
	{"ssthresh = 7",
	 "[Fields] ssthresh: it is an operator (function pointer), and the object has no "
	 "struct_ops program \"7\""},
	{"ssthresh = tracer", "program \"tracer\" is of SEC(\"raw_tp/sys_enter\"), but an operator "
			      "needs one of SEC(\"struct_ops\")"},
	{"ssthresh |= other_ssthresh",
	 "only \"=\" with the name of a struct_ops program makes sense"},
	{"ssthresh = undo_cwnd", "test.policy:5: [Fields] ssthresh: program \"undo_cwnd\" is the "
				 "operator of member \"undo_cwnd\" already"},
};

static void test_bad_fields(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_fields); i++) {
		_run_ struct run run = RUN_NULL;

		run_values(state, &run, bad_fields[i].line);
		assert_verdict(&run, VERDICT_REFUSED, bad_fields[i].sentence);
		assert_int_equal(run.handles.link_fd, -EBADF);
	}
}

static const struct {
	const char *line, *sentence;
} bad_globals[] = {
	{"g_u9 = 1", "test.policy:6: [Globals] g_u9: the object has no global variable \"g_u9\" "
		     "(did you mean g_u"},
	{"elsewhere = 1", "[Globals] elsewhere: the object has no global variable \"elsewhere\""},
	{"g_u8 = 256", "[Globals] g_u8: 256 does not fit into __u8 (0 … 255)"},
	{"g_s8 = 128", "128 does not fit into __s8 (-128 … 127)"},
	{"g_bool = perhaps", "\"perhaps\" is no boolean, expected yes or no"},
	{"g_color = COLOR_GREY", "(did you mean COLOR_RED?)"},
	{"g_text = sixteen letters!",
	 "\"sixteen letters!\" has 16 bytes, char[16] has room for 15"},
	{"g_numbers = 1,2,3,4,5", "has 5 values, expected at most 4 of __u16"},
	{"g_numbers[4] = 1", "[4] is beyond the end of __u16[4]: its elements are 0 … 3"},
	{"g_matrix = 1", "it is __u8[2][3], rows of arrays: name one row, as in member[0]"},
	{"g_limits = 1", "it is struct limits, not a single value: name one of its members"},
	{"g_limits.raw = 1", "whose bytes have several meanings: name the member meant"},
	{"g_limits.narrow = 1", "a bitfield: libbpf and the kernel refuse to set those"},
	{"g_limits.address = 1",
	 "it is a pointer, an address in the kernel: no text can give that"},
	{"g_limits.maxx[0] = 1", "struct limits has no member \"maxx\" (did you mean max?)"},
	{"g_float = 1.5", "it is float, a floating-point number"},
	{"g_folded = 1", "it is const but not volatile, so the compiler may have put its value "
			 "straight into the code"},
	{"LINUX_KERNEL_VERSION = 1", "it is extern (section \".kconfig\")"},
	{"values = 1", "it is a struct_ops map: its members are set in [Fields values]"},
	{"counters = 1", "it is in section \".maps\", which is no data of the programs"},
	{"LICENSE = MIT", "it is in section \"license\", which is no data of the programs"},
};

static void test_bad_globals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_globals); i++) {
		_run_ struct run run = RUN_NULL;
		_cleanup_(freep) char *section = NULL;

		assert_true(asprintf(&section, "[Globals]\n%s", bad_globals[i].line) > 0);
		run_values(state, &run, section);
		assert_verdict(&run, VERDICT_REFUSED, bad_globals[i].sentence);
	}
}

/* [Fields] is for whichever map is chosen, [Fields MAP] for that one, and has the last word. */
static void test_fields_of_a_map(void **state)
{
	_run_ struct run run = RUN_NULL, wrong = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_policy(state, &run, NULL,
		   "[Object]\nPath=values.bpf.o\n[Fields "
		   "values]\nname=%s\n[Fields]\nname=t_never\nflags=1\n",
		   tcp_name(name, "map"));
	assert_attached(&run);
	assert_field(&run, "name", name);
	assert_field(&run, "flags", "1");
	assert_int_equal(run.outcome.n_fields, 2);

	run_policy(state, &wrong, NULL, "[Object]\nPath=values.bpf.o\n[Fields valeus]\nflags=1\n");
	assert_verdict(&wrong, VERDICT_REFUSED,
		       "test.policy:4: [Fields valeus] \"valeus\": object \"");
	assert_verdict(&wrong, VERDICT_REFUSED,
		       "has no such struct_ops map (did you mean values?); it has values");
}

/* Bitfields and pointers of the struct itself. */
static void test_members_that_cannot_be_set(void **state)
{
	_run_ struct run bits = RUN_NULL, owner = RUN_NULL;

	run_policy(state, &bits, NULL, "[Object]\nPath=maps.bpf.o\nMap=bits\n[Fields]\nflags=1\n");
	assert_verdict(&bits, VERDICT_REFUSED,
		       "test.policy:5: [Fields] flags: cannot be set: it is __u32, a bitfield");
	run_policy(state, &owner, NULL, "[Object]\nPath=maps.bpf.o\nMap=bits\n[Fields]\nowner=1\n");
	assert_verdict(&owner, VERDICT_REFUSED,
		       "[Fields] owner: cannot be set: it is a pointer, an address in the kernel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_data_fields, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(test_elements_of_fields, kernel_setup,
						kernel_teardown),
		cmocka_unit_test_setup_teardown(test_operators, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(test_moved_operators, kernel_setup,
						kernel_teardown),
		cmocka_unit_test_setup_teardown(test_empty_leaves_the_object, kernel_setup,
						kernel_teardown),
		cmocka_unit_test_setup_teardown(test_globals, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(test_all_globals_at_once, kernel_setup,
						kernel_teardown),
		cmocka_unit_test_setup_teardown(test_bad_fields, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(test_bad_globals, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(test_fields_of_a_map, kernel_setup,
						kernel_teardown),
		cmocka_unit_test_setup_teardown(test_members_that_cannot_be_set, kernel_setup,
						kernel_teardown),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
