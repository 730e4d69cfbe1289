/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notes an end as the kernel's own schedulers do. Nobody ends a congestion control: the tests write the record. One of
 * its programs prints into its stream, where the kernel has streams.
 */
#include "tcp.h"

/* -DKIND_TYPE=__u64: nobody's convention. */
#ifndef KIND_TYPE
#define KIND_TYPE int
#endif

struct user_exit_info {
	KIND_TYPE kind;
	__s64 exit_code;
	char reason[128];
	char msg[1024];
};

__s64 before_it SEC(".data") = 7; /* what printing returned, once it was tried */
struct user_exit_info uei SEC(".data");
char uei_dump[1] SEC(".data.uei_dump");
const volatile __u32 uei_dump_len;

extern int bpf_stream_vprintk_impl(int stream_id, const char *fmt__str, const void *args,
				   __u32 len__sz, void *aux__prog) __weak __ksym;

SEC("struct_ops")
void BPF_PROG(talking_init, struct sock *sk)
{
	static const char text[] = "socket %d came\n";
	__u64 arguments[] = {1};

	if (bpf_ksym_exists(bpf_stream_vprintk_impl))
		before_it = bpf_stream_vprintk_impl(1, text, arguments, sizeof(arguments), NULL);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops ending = {
	.init = (void *)talking_init,
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "t_ending",
};
