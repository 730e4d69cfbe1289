/* SPDX-License-Identifier: GPL-2.0-only */
/* Members that kernel.bpf.c has the same, elsewhere, of another size or kind, or not at all; globals of each kind. */
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

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
	int (*second)(int argument);
	char name[8];
	__u32 number;
	__s16 numbers[4];
	struct inner inner;
	enum mode mode;
	_Bool yes;
	int (*gone)(void);
	__u32 gone_too;
};

struct sample_ops___refused {
	int (*first)(int argument);
	int (*third)(int argument);
	__u64 wide;
	int (*kind)(void);
	__u32 bits : 3;
	void *address;
	int (*gone)(void);
	__u32 gone_too;
};

struct old_ops {
	int (*only)(void);
};

struct unregistered_ops {
	int (*only)(void);
};

SEC("struct_ops")
int first(void *context)
{
	return 1;
}

SEC("struct_ops.s/second")
int second(void *context)
{
	return 2;
}

SEC("struct_ops")
int forgotten(void *context)
{
	return 3;
}

SEC("?struct_ops")
int spare(void *context)
{
	return 4;
}

SEC("?raw_tp/sys_enter")
int tracer(void *context)
{
	return 0;
}

SEC(".struct_ops.link")
struct sample_ops sample = {
	.first = (void *)first,
	.second = (void *)second,
	.name = "a \"b\"",
	.number = 7,
	.numbers = {-1, 2},
	.inner = {.high = 3},
	.mode = MODE_FAST,
	.yes = 1,
};

SEC("?.struct_ops")
struct sample_ops___refused refused = {
	.first = (void *)first,
	.third = (void *)first,
	.wide = 1,
	.bits = 5,
	.address = (void *)8,
	.gone = (void *)first,
	.gone_too = 1,
};

SEC(".struct_ops")
struct old_ops old = {.only = (void *)first};

SEC(".struct_ops.link")
struct unregistered_ops unregistered = {0};

const volatile __u32 tuned = 5;
const volatile char text[8] = "\x01 x";
const volatile __s8 numbers[3] = {-1, 0, 1};
const __u32 folded[2] = {7, 8};
volatile float fraction = 0.5F;
void *volatile address = 0;
__u64 counter = 0;
struct inner pair = {1, 2};
