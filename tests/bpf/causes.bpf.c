/* SPDX-License-Identifier: GPL-2.0-only */
/* A map for each mistake that a verifier refuses, named after its cause in daemon/kernel/causes.c. */
#include "tcp.h"

#define MAP(map)                                  \
	SEC("?.struct_ops.link")                  \
	struct tcp_congestion_ops map = {         \
		.ssthresh = (void *)map##_bad,    \
		.cong_avoid = (void *)cong_avoid, \
		.undo_cwnd = (void *)undo_cwnd,   \
		.name = "t_cause",                \
	}
#define BAD(map)                            \
	extern __u32 map##_bad(__u64 *ctx); \
	MAP(map);                           \
	SEC("?struct_ops")                  \
	__u32 BPF_PROG(map##_bad, struct sock *sk)
/* What no compiler would write. */
#define ASM_BAD(map, text)                           \
	extern __u32 map##_bad(void);                \
	MAP(map);                                    \
	SEC("?struct_ops")                           \
	__attribute__((naked)) __u32 map##_bad(void) \
	{                                            \
		asm volatile(text);                  \
	}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32[4]);
} numbers SEC(".maps");

struct tcp_sock___far {
	__u32 nobody[4096];
	__u32 last;
};

__u32 somewhere;

BAD(null_unchecked)
{
	__u32 key = 0, *values = bpf_map_lookup_elem(&numbers, &key);

	return *values;
}

BAD(beyond_memory)
{
	__u32 key = 0, *values = bpf_map_lookup_elem(&numbers, &key);

	return values ? values[somewhere & 0xff] : 0;
}

BAD(beyond_struct)
{
	return ((volatile struct tcp_sock___far *)sk)->last;
}

BAD(write_member_denied)
{
	*(volatile __u32 *)sk = 1;
	return 0;
}

BAD(helper_denied)
{
	return bpf_override_return((void *)ctx, 1), 0;
}

/* A word beyond the operator's only argument. */
BAD(context)
{
	return (__u32)ctx[1];
}

ASM_BAD(uninitialised, "exit;")
ASM_BAD(endless_loop, "r0 = 0; r1 = 0; if r1 == 0 goto -2; exit;")
ASM_BAD(unreachable, "r0 = 0; exit; r0 = 1; exit;")
ASM_BAD(stack_frame, "r0 = 0; *(u64 *)(r10 - 520) = r0; exit;")

static __noinline __u32 deep(__u32 seed)
{
	volatile __u32 room[100];

	for (int i = 0; i < 100; i++)
		room[i] = seed + i;
	return room[seed & 63];
}

BAD(stack)
{
	volatile __u32 room[100];

	for (int i = 0; i < 100; i++)
		room[i] = i;
	return deep(somewhere) + room[somewhere & 63];
}

BAD(too_large)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < 4000000; i++)
		sum += i ^ somewhere;
	return sum;
}

BAD(unbounded_index)
{
	volatile __u32 room[8];

	for (int i = 0; i < 8; i++)
		room[i] = i;
	return room[somewhere % 7];
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

BAD(reference_leak_at_exit)
{
	return bpf_ringbuf_reserve(&ring, 8, 0) ? 1 : 0;
}

/* Reading the algorithm's own diagnosis is not for BPF. */
struct tcp_congestion_ops___info {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	__u32 (*get_info)(struct sock *sk, __u32 ext, int *attr, void *info);
	char name[16];
};

SEC("?struct_ops")
__u32 BPF_PROG(info_bad, struct sock *sk, __u32 ext, int *attr, void *info)
{
	return 0;
}

SEC("?.struct_ops.link")
struct tcp_congestion_ops___info member_unsupported = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.get_info = (void *)info_bad,
	.name = "t_info",
};
