/* SPDX-License-Identifier: GPL-2.0-only */
/* Many struct_ops maps: those that this kernel takes, and one for each reason to refuse one. */
#include "tcp.h"

#define OPERATORS                                                       \
	.ssthresh = (void *)ssthresh, .cong_avoid = (void *)cong_avoid, \
	.undo_cwnd = (void *)undo_cwnd

SEC(".struct_ops.link")
struct tcp_congestion_ops first = {OPERATORS, .name = "t_first"};

SEC(".struct_ops.link")
struct tcp_congestion_ops second = {OPERATORS, .name = "t_second"};

/* Made for bpf_map_update_elem(); the flag for links is missing. */
SEC(".struct_ops")
struct tcp_congestion_ops plain = {OPERATORS, .name = "t_plain"};

/* libbpf does not make it unless asked to. */
SEC("?.struct_ops.link")
struct tcp_congestion_ops optional = {OPERATORS, .name = "t_optional"};

/* Members that the kernel's struct does not have. */
struct tcp_congestion_ops___future {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*foresee)(struct sock *sk);
	char name[16];
	__u32 knob;
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops___future future = {OPERATORS, .name = "t_future", .knob = 7};

/* A member of another size, a bitfield, a pointer to what is no program. */
struct tcp_congestion_ops___wide {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u64 flags;
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops___wide wide = {OPERATORS, .name = "t_wide"};

struct tcp_congestion_ops___bits {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	void *owner;
	__u32 flags : 5;
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops___bits bits = {OPERATORS, .name = "t_bits"};

/* No kernel has it. */
struct t_imagined_ops {
	__u32 (*imagine)(struct sock *sk);
	char name[16];
};

SEC("?.struct_ops.link")
struct t_imagined_ops imagined = {.imagine = (void *)ssthresh, .name = "t_imagined"};

/* Not in this kernel, and never in a module. */
struct sched_ext_ops {
	char name[128];
};

SEC("?.struct_ops.link")
struct sched_ext_ops scheduler = {.name = "t_scheduler"};

/* Reads a number as an address. */
SEC("?struct_ops")
__u32 BPF_PROG(wild_ssthresh, struct sock *sk)
{
	return *(volatile __u32 *)(unsigned long)cwnd_of(sk);
}

SEC("?.struct_ops.link")
struct tcp_congestion_ops wild = {
	.ssthresh = (void *)wild_ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "t_wild",
};

/* Lacks an operator that TCP demands: loads, but cannot be filled. */
SEC("?.struct_ops.link")
struct tcp_congestion_ops unfinished = {.ssthresh = (void *)ssthresh, .name = "t_unfinished"};

/* One program in two members. */
SEC("?.struct_ops.link")
struct tcp_congestion_ops doubled = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)ssthresh,
	.name = "t_doubled",
};
