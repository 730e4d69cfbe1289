/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls a kernel function that no kernel has. */
#include "tcp.h"

extern __u32 t_imagined_kfunc(struct sock *sk) __ksym;

SEC("struct_ops")
__u32 BPF_PROG(calling_ssthresh, struct sock *sk)
{
	return t_imagined_kfunc(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops kfunc = {
	.ssthresh = (void *)calling_ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "t_kfunc",
};
