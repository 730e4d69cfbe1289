/* SPDX-License-Identifier: GPL-2.0-only */
/* A BPF object without any struct_ops. */
#include "tcp.h"

SEC("?raw_tp/sys_enter")
int BPF_PROG(tracer)
{
	return 0;
}
