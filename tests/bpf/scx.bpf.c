/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's own scheduler headers leave to a loader. Only opened: the tests play the kernel. */
#include "tcp.h"

const volatile __u64 __SCX_SLICE_DFL;
const volatile __u64 __SCX_DSQ_GLOBAL;
const volatile __u64 __SCX_OF_ANOTHER_KERNEL;
const volatile __u32 __SCX_NARROW;
const volatile __u64 SCX_SLICE_INF;

struct task_struct;

struct sched_ext_ops {
	void (*enqueue)(struct task_struct *p, __u64 flags);
	void (*foresee)(struct task_struct *p);
	__u64 flags;
	__u64 hotplug_seq;
	__u32 exit_dump_len;
	__u32 knob;
	__u64 sub_cgroup_id;
	char name[128];
};

SEC("struct_ops")
void BPF_PROG(enqueue, struct task_struct *p, __u64 flags)
{
}

SEC("struct_ops")
void BPF_PROG(foresee, struct task_struct *p)
{
}

SEC(".struct_ops.link")
struct sched_ext_ops fifo = {
	.enqueue = (void *)enqueue,
	.foresee = (void *)foresee,
	.flags = 1,
	.knob = 7,
	.name = "t_fifo",
};
