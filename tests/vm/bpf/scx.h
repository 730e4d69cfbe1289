/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the schedulers of the VM tests have in common: the kernel's structs and functions that they use, and the map
 * "kick", into which a test writes a number when one shall end.
 */
#ifndef SCX_H
#define SCX_H

#include "vm.bpf.h"

struct task_struct {
	char comm[16];
} __attribute__((preserve_access_index));

enum scx_exit_kind {
	SCX_EXIT_NONE = 0,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	__s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
} __attribute__((preserve_access_index));

bool scx_bpf_dsq_insert___v2___now(struct task_struct *p, __u64 dsq_id, __u64 slice,
				   __u64 enq_flags) __ksym;
void scx_bpf_error_bstr(char *fmt, unsigned long long *data, __u32 data__sz) __ksym;

/* Filled in by the loader. */
const volatile __u64 __SCX_DSQ_GLOBAL __weak;
const volatile __u64 __SCX_SLICE_DFL __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} kick SEC(".maps");

/* The number; 0: go on. */
static __always_inline __u32 kicked(void)
{
	__u32 zero = 0, *wanted = bpf_map_lookup_elem(&kick, &zero);

	return wanted ? *wanted : 0;
}

/* The kernel (7.3) wants the data even of a text without any. */
#define say(function, ...)                                 \
	({                                                 \
		unsigned long long none[1] = {0};          \
		function(__VA_ARGS__, none, sizeof(none)); \
	})

#endif
