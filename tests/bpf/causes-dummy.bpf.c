/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf_dummy_ops, the kernel's own for its tests: nobody can attach it, one operator may sleep, one argument may be NULL. */
#include "tcp.h"

struct bpf_dummy_ops_state {
	int val;
} __attribute__((preserve_access_index));

struct bpf_dummy_ops {
	int (*test_1)(struct bpf_dummy_ops_state *state);
};

SEC("?struct_ops")
int BPF_PROG(harmless, struct bpf_dummy_ops_state *state)
{
	return 0;
}

SEC("?struct_ops.s")
int BPF_PROG(sleeper, struct bpf_dummy_ops_state *state)
{
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(careless, struct bpf_dummy_ops_state *state)
{
	return state->val;
}

SEC("?.struct_ops.link")
struct bpf_dummy_ops no_links = {.test_1 = (void *)harmless};

SEC("?.struct_ops.link")
struct bpf_dummy_ops member_unsupported = {.test_1 = (void *)sleeper};

SEC("?.struct_ops.link")
struct bpf_dummy_ops null_unchecked = {.test_1 = (void *)careless};
