/* SPDX-License-Identifier: GPL-2.0-only */
/* A map for each mistake: MAP has it as its only bad operator, "map_bad". */
#pragma once

#include "tcp.h"

/* Before Linux 6.4 there are no links. */
#ifndef MAP_SECTION
#define MAP_SECTION "?.struct_ops.link"
#endif

#define MAP(map)                                  \
	SEC(MAP_SECTION)                          \
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
