/* SPDX-License-Identifier: GPL-2.0-only */
/* For bpftool, which overrides nothing and wants all maps: one that gets a link, one that cannot have one. */
#include "tcp.h"

#define OPERATORS                                                       \
	.ssthresh = (void *)ssthresh, .cong_avoid = (void *)cong_avoid, \
	.undo_cwnd = (void *)undo_cwnd

SEC(".struct_ops.link")
struct tcp_congestion_ops linked = {OPERATORS, .name = "t_linked"};

SEC(".struct_ops")
struct tcp_congestion_ops plain = {OPERATORS, .name = "t_plain"};
