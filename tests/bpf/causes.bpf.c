/* SPDX-License-Identifier: GPL-2.0-only */
/* A map for each mistake that a verifier refuses, named after its cause in daemon/kernel/causes.c. */
#include "mistakes.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32[4]);
} numbers SEC(".maps");

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct tcp_sock___later {
	__u32 imagined;
} __attribute__((preserve_access_index));

struct tcp_sock___far {
	__u32 nobody[4096];
	__u32 last;
};

__u32 somewhere;
__u32 table[16];
__u64 far_away;

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

/* Only for guests: a kernel has been seen (6.18.44) that has a bug where it gives up. */
BAD(too_many_states)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < 20000; i++)
		if (bpf_get_prandom_u32() > 5)
			sum += i;
	return sum;
}

BAD(unbounded_index)
{
	__u32 key = 0;
	const char *values = bpf_map_lookup_elem(&numbers, &key);

	return values ? values[far_away] : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

BAD(reference_leak_at_exit)
{
	return bpf_ringbuf_reserve(&ring, 8, 0) ? 1 : 0;
}

BAD(pointer_is_number)
{
	return *(__u32 *)(long)somewhere;
}

BAD(write_denied)
{
	*(volatile int *)&bpf_get_current_task_btf()->pid = 1;
	return 0;
}

BAD(member_relocation)
{
	return ((struct tcp_sock___later *)sk)->imagined;
}

BAD(argument)
{
	return bpf_map_lookup_elem(&numbers, sk) ? 1 : 0;
}

BAD(unbounded_size)
{
	char room[16];

	return bpf_probe_read_kernel(room, somewhere, sk);
}

BAD(sleeps_helper)
{
	char room[4];

	return bpf_copy_from_user(room, sizeof(room), (void *)ctx);
}

static long beyond_one(__u32 i, void *context)
{
	return 2;
}

BAD(callback_return)
{
	return bpf_loop(3, beyond_one, NULL, 0);
}

static __noinline __u32 itself(__u32 seed)
{
	volatile __u32 kept = seed;

	return seed ? kept + itself(bpf_get_prandom_u32()) : 0;
}

BAD(call_depth)
{
	return itself(somewhere);
}

ASM_BAD(beyond_map_value, "r1 = table + 4096 ll; r0 = *(u32 *)(r1 + 0); exit;")
ASM_BAD(falls_off, "r0 = 0;")

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

SEC(MAP_SECTION)
struct tcp_congestion_ops___info member_unsupported = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.get_info = (void *)info_bad,
	.name = "t_info",
};

/* Of another kind, and a pointer to nothing of the object. */
struct tcp_congestion_ops___kind {
	__u32 (*ssthresh)(struct sock *sk);
	void (*name)(struct sock *sk, __u32 ack, __u32 acked);
};

SEC(MAP_SECTION)
struct tcp_congestion_ops___kind member_kind = {
	.ssthresh = (void *)ssthresh,
	.name = (void *)cong_avoid,
};

struct tcp_congestion_ops___owned {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	void *owner;
};

SEC(MAP_SECTION)
struct tcp_congestion_ops___owned member_pointer = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "t_owned",
	.owner = (void *)1,
};
