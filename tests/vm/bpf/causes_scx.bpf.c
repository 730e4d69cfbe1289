// SPDX-License-Identifier: GPL-2.0-only
/* Schedulers with a mistake each: a function that enqueue() must not call, and the newer form without an arena. */
#include "scx.h"

struct sched_ext_ops {
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	char name[128];
};

struct sched_ext_ops_cid {
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	char name[128];
};

__u32 scx_bpf_dispatch_nr_slots(void) __ksym __weak;

SEC("?struct_ops")
void BPF_PROG(asks_slots, struct task_struct *p, __u64 enq_flags)
{
	scx_bpf_dispatch_nr_slots();
}

SEC("?struct_ops")
void BPF_PROG(goes_global, struct task_struct *p, __u64 enq_flags)
{
	scx_bpf_dsq_insert___v2___now(p, __SCX_DSQ_GLOBAL, __SCX_SLICE_DFL, enq_flags);
}

SEC("?.struct_ops.link")
struct sched_ext_ops kfunc_denied = {
	.enqueue = (void *)asks_slots,
	.name = "kfunc_denied",
};

SEC("?.struct_ops.link")
struct sched_ext_ops_cid arena = {
	.enqueue = (void *)goes_global,
	.name = "arena",
};
