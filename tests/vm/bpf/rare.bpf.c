// SPDX-License-Identifier: GPL-2.0-only
/* Types that few kernels have, or that cannot be attached by a daemon. None of these maps is ever filled. */
#include "vm.bpf.h"

struct tcp_sock {
};
struct linux_binprm {
};
struct io_ring_ctx {
};
struct iou_loop_params {
};

struct smc_hs_ctrl {
	char name[16];
	int (*syn_option)(struct tcp_sock *tp);
};

struct binfmt_misc_ops {
	char name[16];
	int (*load)(struct linux_binprm *bprm);
};

struct io_uring_bpf_ops {
	int (*loop_step)(struct io_ring_ctx *ring, struct iou_loop_params *params);
	__u32 ring_fd;
};

SEC("struct_ops")
int BPF_PROG(no_option, struct tcp_sock *tp)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(no_load, struct linux_binprm *bprm)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(no_step, struct io_ring_ctx *ring, struct iou_loop_params *params)
{
	return 0;
}

SEC(".struct_ops.link")
struct smc_hs_ctrl handshake = {
	.name = "vm",
	.syn_option = (void *)no_option,
};

SEC(".struct_ops.link")
struct binfmt_misc_ops interpreter = {
	.name = "vm",
	.load = (void *)no_load,
};

SEC(".struct_ops.link")
struct io_uring_bpf_ops ring = {
	.loop_step = (void *)no_step,
};
