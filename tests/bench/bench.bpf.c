/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest congestion control that the kernel takes. No connection uses it: what is measured is how it comes and
 * goes. The 16 bytes of its name are what makes 100 objects out of one (bpftool_objects() in harness.py).
 */
#define SEC(section_name) __attribute__((section(section_name), used))

struct sock {
};

struct tcp_congestion_ops {
	unsigned int (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
	unsigned int (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC("struct_ops")
unsigned int bench_ssthresh(unsigned long long *ctx)
{
	return 2;
}

SEC("struct_ops")
void bench_cong_avoid(unsigned long long *ctx)
{
}

SEC("struct_ops")
unsigned int bench_undo_cwnd(unsigned long long *ctx)
{
	return 2;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops bench = {
	.ssthresh = (void *)bench_ssthresh,
	.cong_avoid = (void *)bench_cong_avoid,
	.undo_cwnd = (void *)bench_undo_cwnd,
	.name = "bench",
};

char LICENSE[] SEC("license") = "GPL";
