// SPDX-License-Identifier: GPL-2.0-only
/*
 * One type in two versions (tests/vm/module/ver.h). Map "old" is for version 1 and also fits version 2; "fresh"
 * needs version 2, for operator second and for the argument b of first; "zeroed" knows the members of version 2
 * and uses none of them, so it fits both.
 */
#include "vm.bpf.h"

struct testmod_ver_ops___v1 {
	__u32 level;
	int (*first)(int a);
	int (*last)(int a);
};

struct testmod_ver_ops___v2 {
	__u32 level;
	__u32 extra;
	int (*first)(int a, int b);
	int (*second)(int a);
	int (*last)(int a);
};

SEC("struct_ops")
int BPF_PROG(first_old, int a)
{
	return a + 100;
}

SEC("struct_ops")
int BPF_PROG(first_new, int a, int b)
{
	return a + b + 200;
}

SEC("struct_ops")
int BPF_PROG(second_new, int a)
{
	return a + 300;
}

SEC("struct_ops")
int BPF_PROG(last_both, int a)
{
	return a + 400;
}

SEC(".struct_ops.link")
struct testmod_ver_ops___v1 old = {
	.level = 1,
	.first = (void *)first_old,
	.last = (void *)last_both,
};

SEC(".struct_ops.link")
struct testmod_ver_ops___v2 fresh = {
	.level = 2,
	.extra = 22,
	.first = (void *)first_new,
	.second = (void *)second_new,
	.last = (void *)last_both,
};

SEC(".struct_ops.link")
struct testmod_ver_ops___v2 zeroed = {
	.level = 3,
	.first = (void *)first_old,
	.last = (void *)last_both,
};

/* The member is in both versions, its argument is not: version 1 passes the verifier only without b. */
SEC(".struct_ops.link")
struct testmod_ver_ops___v2 argument = {
	.level = 4,
	.first = (void *)first_new,
	.last = (void *)last_both,
};
