// SPDX-License-Identifier: GPL-2.0-only
/* scx_test for a kernel of the future: an optional operator and a number that no kernel has. */
#define MORE_MEMBERS                          \
	void (*gaze)(struct task_struct * p); \
	__u32 gaze_ms;
#define MORE_VALUES .gaze = (void *)test_gaze, .gaze_ms = 7,

#include "vm.bpf.h"

struct task_struct;

SEC("struct_ops")
int BPF_PROG(test_gaze, struct task_struct *p)
{
	return 0;
}

#include "scx_test.h"
