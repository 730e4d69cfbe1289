// SPDX-License-Identifier: GPL-2.0-only
/* 50 operators: the trampolines do not fit into one page. op_N(a) is a + N. */
#include "vm.bpf.h"

#define EACH_OF_TEN(x, n) \
	x(n##0) x(n##1) x(n##2) x(n##3) x(n##4) x(n##5) x(n##6) x(n##7) x(n##8) x(n##9)
#define EACH(x) \
	EACH_OF_TEN(x, 0) EACH_OF_TEN(x, 1) EACH_OF_TEN(x, 2) EACH_OF_TEN(x, 3) EACH_OF_TEN(x, 4)

struct testmod_many_ops {
#define MEMBER(n) int (*op_##n)(int a);
	EACH(MEMBER)
};

/* 1##n - 100: 08 would be octal */
#define PROGRAM(n)                       \
	SEC("struct_ops")                \
	int BPF_PROG(do_##n, int a)      \
	{                                \
		return a + (1##n - 100); \
	}
EACH(PROGRAM)

SEC(".struct_ops.link")
struct testmod_many_ops many = {
#define INIT(n) .op_##n = (void *)do_##n,
	EACH(INIT)};
