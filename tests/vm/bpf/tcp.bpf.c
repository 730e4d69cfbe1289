// SPDX-License-Identifier: GPL-2.0-only
/* Reno under another name: a type that every kernel has. Map "tcp_plain" needs no link: Linux before 6.4. */
#include "vm.bpf.h"

/* named in the kernel functions' prototypes: it must be defined */
struct sock {
};

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

struct tcp_congestion_ops {
	__u32 flags;
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC("struct_ops")
__u32 BPF_PROG(do_ssthresh, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
void BPF_PROG(do_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops")
__u32 BPF_PROG(do_undo_cwnd, struct sock *sk)
{
	return tcp_reno_undo_cwnd(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops tcp = {
	.ssthresh = (void *)do_ssthresh,
	.cong_avoid = (void *)do_cong_avoid,
	.undo_cwnd = (void *)do_undo_cwnd,
	.name = "vm_reno",
};

SEC(".struct_ops")
struct tcp_congestion_ops tcp_plain = {
	.ssthresh = (void *)do_ssthresh,
	.cong_avoid = (void *)do_cong_avoid,
	.undo_cwnd = (void *)do_undo_cwnd,
	.name = "vm_reno_plain",
};
