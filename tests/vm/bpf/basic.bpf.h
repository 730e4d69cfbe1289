/* SPDX-License-Identifier: GPL-2.0-only */
/* testmod_ops as tests/vm/module/basic.c has it. libbpf matches members by name; nested ones must have one size. */
#ifndef BASIC_BPF_H
#define BASIC_BPF_H

enum testmod_mode {
	TESTMOD_MODE_OFF = 0,
	TESTMOD_MODE_SLOW = 10,
	TESTMOD_MODE_FAST = 20,
	TESTMOD_MODE_BACKWARDS = -1,
};

enum testmod_flag {
	TESTMOD_FLAG_A = 1 << 0,
	TESTMOD_FLAG_B = 1 << 1,
	TESTMOD_FLAG_C = 1 << 2,
};

enum testmod_wide {
	TESTMOD_WIDE_ONE = 1,
	TESTMOD_WIDE_HIGH = 1ULL << 40,
};

struct testmod_inner {
	__u16 port;
	__s8 weight;
	char tag[9];
};

struct testmod_limits {
	__u32 max[4];
	__s32 low;
	struct testmod_inner inner;
	struct testmod_inner pair[2];
};

struct testmod_thing {
	int value;
} __attribute__((preserve_access_index));

struct testmod_ops {
	char name[16];
	__u32 flags;
	__u8 v_u8;
	__s8 v_s8;
	__u16 v_u16;
	__s16 v_s16;
	__u32 v_u32;
	__s32 v_s32;
	__u64 v_u64;
	__s64 v_s64;
	bool on;
	enum testmod_mode mode;
	enum testmod_wide wide;
	__u32 table[8];
	struct testmod_limits limits;
	__u64 unclaimed;
	int (*add)(int a, int b);
	int (*sub)(int a, int b);
	int (*get)(void);
	__s64 (*widen)(__s64 a);
	int (*look)(struct testmod_thing *thing);
	int (*unsupported)(void);
};

#endif
