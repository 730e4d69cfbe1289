/* SPDX-License-Identifier: GPL-2.0-only */
/* Types of which something is known beforehand, and which this kernel need not have. */
#include "tcp.h"

/* Takes no link. */
struct smc_hs_ctrl {
	char name[16];
};

SEC(".struct_ops.link")
struct smc_hs_ctrl handshake = {.name = "t_handshake"};

/* Wants a descriptor of the attaching process. */
struct io_uring_bpf_ops {
	__u32 ring_fd;
};

SEC(".struct_ops.link")
struct io_uring_bpf_ops ring = {.ring_fd = 0};
