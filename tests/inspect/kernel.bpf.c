/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel that no other will ever be like: only its BTF counts, and only that it has the types of sample.bpf.c in a
 * form of its own. What "inspect --kernel" says about it is the same on every machine.
 */
#include <linux/types.h>

struct bpf_struct_ops_common_value {
	__u32 refcnt;
	__u32 state;
};

struct inner {
	__u32 low;
	__u32 high;
};

enum mode {
	MODE_SLOW,
	MODE_FAST
};

struct sample_ops {
	int (*first)(int argument);
	int (*only_here)(void);
	int (*second)(int argument);
	int (*third)(int argument);
	char name[8];
	__u32 number;
	__u32 wide;
	__u32 kind;
	__u32 bits;
	void *address;
	__s16 numbers[4];
	struct inner inner;
	enum mode mode;
	_Bool yes;
} __attribute__((aligned(16)));

struct bpf_struct_ops_sample_ops {
	struct bpf_struct_ops_common_value common;
	struct sample_ops data __attribute__((aligned(64)));
};

/* As until 6.8: no common_value. */
struct old_ops {
	int (*only)(void);
};

struct bpf_struct_ops_old_ops {
	__u32 refcnt;
	__u32 state;
	struct old_ops data __attribute__((aligned(64)));
};

/* A struct, but no struct_ops type: it has no value. */
struct unregistered_ops {
	int (*only)(void);
};

struct bpf_struct_ops_sample_ops sample;
struct bpf_struct_ops_old_ops old;
struct unregistered_ops unregistered;
