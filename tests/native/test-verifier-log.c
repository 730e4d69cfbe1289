/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verifier's log in the forms that kernels give it, as they printed it. */
#include "daemon/kernel/verifier-log.h"
#include "tests/unit/test.h"

#define TEN "0123456789"
static const struct {
	const char *log, *sentence;
} logs[] = {
	/* 6.18 */
	{"0: R1=ctx() R10=fp0\n"
	 "; __u32 BPF_PROG(wild, struct sock *sk) @ maps.bpf.c:79\n"
	 "0: (79) r1 = *(u64 *)(r1 +0)\n"
	 "; return *(__u32 *)x; @ maps.bpf.c:81\n"
	 "2: (61) r0 = *(u32 *)(r1 +0)\n"
	 "R1 invalid mem access 'scalar'\n"
	 "processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0\n",
	 "R1 invalid mem access 'scalar' (at: return *(__u32 *)x; @ maps.bpf.c:81, instruction 2)"},
	/* 6.1: no place behind the source, and more at the end */
	{"; return 1;\n"
	 "R0 !read_ok\n"
	 "verification time 12 usec\n"
	 "stack depth 0\n"
	 "processed 1 insns (limit 1000000) max_states_per_insn 0\n\n",
	 "R0 !read_ok (at: return 1;)"},
	/* 7.3: the same, and then an explanation */
	{"; int BPF_PROG(look) @ unchecked.bpf.c:7\n"
	 "1: (61) r0 = *(u32 *)(r1 +0)\n"
	 "R1 invalid mem access 'trusted_ptr_or_null_'\n"
	 "\n"
	 "Verification failed: Register Type Safety: Invalid dereference\n"
	 "\n"
	 "Reason:\n"
	 "  R1 may be NULL here.\n"
	 "\n"
	 "At:\n"
	 "      >>> 7 | int BPF_PROG(look)\n"
	 "\n"
	 "Suggestion:\n"
	 "  Add a NULL check before the access,\n"
	 "  and only then access.\n"
	 "\n"
	 "processed 2 insns (limit 1000000)\n",
	 "R1 invalid mem access 'trusted_ptr_or_null_' (at: int BPF_PROG(look) @ "
	 "unchecked.bpf.c:7, instruction 1). "
	 "The verifier suggests: Add a NULL check before the access, and only then access."},
	/* A macro is one long line: its beginning, whole characters, and where it is. */
	{"; " TEN TEN TEN TEN TEN TEN TEN TEN TEN "123456789ääx @ m.bpf.c:7\n"
	 "2: (61) r0 = *(u32 *)(r1 +0)\n"
	 "R0 !read_ok\n"
	 "processed 3 insns\n",
	 "R0 !read_ok (at: " TEN TEN TEN TEN TEN TEN TEN TEN TEN
	 "123456789… @ m.bpf.c:7, instruction 2)"},
	{"processed 1 insns\nVerification failed: x\nSuggestion:", "no reason given"},
	/* 6.1, which keeps the beginning of a log that is too long, up to the middle of a line. */
	{"; sum += i;\n"
	 "12: (07) r4 += 1\n"
	 "13: (55) if r4 != 0x3d09",
	 "the log ends before the reason (at: sum += i;, instruction 13)"},
	{"", "no reason given"},
	{"processed 0 insns\n", "no reason given"},
};

static void test_sentences(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		char *got = verifier_log_sentence(logs[i].log);

		assert_string_equal(got, logs[i].sentence);
		free(got);
	}
}

static void test_end_of_a_long_log(void **state)
{
	static char log[40000];
	char *end;

	for (size_t i = 0; i + 100 < sizeof(log); i += 100)
		memcpy(log + i,
		       "a line of a hundred bytes "
		       ".........................................................."
		       "...............\n",
		       100);
	end = verifier_log_end(log);
	assert_in_range(strlen(end), 16 * 1024 - 100, 16 * 1024);
	assert_true(strncmp(end, "a line", 6) == 0);
	free(end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_end_of_a_long_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
