// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map with every kind of data, and operators with alternatives. sub_reversed has a section without "?" on
 * purpose: libbpf refuses the object unless the loader turns off what no map refers to.
 */
#include "vm.bpf.h"
#include "basic.bpf.h"

const volatile int answer = 42;
const volatile enum testmod_flag flag_type; /* keeps the enumerators in the BTF */
int gain = 1;

SEC("struct_ops")
int BPF_PROG(add_plain, int a, int b)
{
	return (a + b) * gain;
}

SEC("?struct_ops")
int BPF_PROG(add_thousand, int a, int b)
{
	return a + b + 1000;
}

SEC("struct_ops")
int BPF_PROG(sub_plain, int a, int b)
{
	return a - b;
}

SEC("struct_ops")
int BPF_PROG(sub_reversed, int a, int b)
{
	return b - a;
}

SEC("struct_ops")
int BPF_PROG(get_answer)
{
	return answer + (int)flag_type;
}

SEC("struct_ops")
__s64 BPF_PROG(widen_high, __s64 a)
{
	return a + (1LL << 40);
}

SEC("struct_ops")
int BPF_PROG(look_checked, struct testmod_thing *thing)
{
	return thing ? thing->value : -1;
}

SEC(".struct_ops.link")
struct testmod_ops basic = {
	.name = "basic",
	.flags = TESTMOD_FLAG_A | TESTMOD_FLAG_B,
	.v_u8 = 1,
	.v_s8 = -1,
	.v_u16 = 2,
	.v_s16 = -2,
	.v_u32 = 3,
	.v_s32 = -3,
	.v_u64 = 4,
	.v_s64 = -4,
	.mode = TESTMOD_MODE_SLOW,
	.wide = TESTMOD_WIDE_ONE,
	.table = {1, 2, 3, 4, 5, 6, 7, 8},
	.limits =
		{
			.max = {10, 20, 30, 40},
			.low = -5,
			.inner = {.port = 80, .weight = -1, .tag = "inner"},
			.pair = {{.port = 1, .tag = "one"}, {.port = 2, .tag = "two"}},
		},
	.add = (void *)add_plain,
	.sub = (void *)sub_plain,
	.get = (void *)get_answer,
	.widen = (void *)widen_high,
	.look = (void *)look_checked,
};
