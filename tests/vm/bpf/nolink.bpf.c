// SPDX-License-Identifier: GPL-2.0-only
/* A map that is registered by its update, without a link. */
#include "vm.bpf.h"
#include "basic.bpf.h"

SEC("struct_ops")
int BPF_PROG(get_seven)
{
	return 7;
}

SEC(".struct_ops")
struct testmod_ops nolink = {
	.name = "nolink",
	.v_u32 = 7,
	.get = (void *)get_seven,
};
