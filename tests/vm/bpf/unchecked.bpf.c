// SPDX-License-Identifier: GPL-2.0-only
/* An operator that does not check an argument that may be NULL: the verifier refuses it. */
#include "vm.bpf.h"
#include "basic.bpf.h"

SEC("struct_ops")
int BPF_PROG(look_unchecked, struct testmod_thing *thing)
{
	return thing->value;
}

SEC(".struct_ops.link")
struct testmod_ops unchecked = {
	.name = "unchecked",
	.look = (void *)look_unchecked,
};
