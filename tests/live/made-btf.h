/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF of a kernel that does not exist. */
#pragma once

#include <bpf/btf.h>

#include "tests/unit/test.h"

/* What it has besides tcp_congestion_ops. */
enum made_features {
	MADE_LINKS = 1 << 0,
	MADE_POLLING = 1 << 1,
	MADE_UPDATE = 1 << 2,
	MADE_SCHED_EXT = 1 << 3,
	MADE_HID = 1 << 4,
	MADE_NO_TYPES = 1 << 5,
	MADE_ALL = MADE_LINKS | MADE_POLLING | MADE_UPDATE | MADE_SCHED_EXT | MADE_HID,
};

struct btf *made_btf(unsigned features);

/* The same types that made_btf() has, as C has them. */
struct made_tcp_congestion_ops {
	void (*ssthresh)(void);
	void (*cong_avoid)(void);
	char name[16];
	uint32_t flags;
	uint32_t low : 3, high : 5;
	struct {
		uint32_t max[3];
	} limits;
};
struct made_value {
	struct {
		uint32_t refcnt;
		uint32_t state;
	} common;
	struct made_tcp_congestion_ops data __attribute__((aligned(64)));
};
