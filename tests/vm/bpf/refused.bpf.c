// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel refuses: a program for an operator without a stub (map "unsupported"), a value in a member
 * that the type does not take (set "unclaimed" by an override).
 */
#include "vm.bpf.h"
#include "basic.bpf.h"

SEC("struct_ops")
int BPF_PROG(do_unsupported)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(get_one)
{
	return 1;
}

SEC(".struct_ops.link")
struct testmod_ops unsupported = {
	.name = "unsupported",
	.unsupported = (void *)do_unsupported,
};

SEC(".struct_ops.link")
struct testmod_ops unclaimed = {
	.name = "unclaimed",
	.get = (void *)get_one,
};
