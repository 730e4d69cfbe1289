/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scheduler (sched_ext) with one queue for all CPUs: fair by weighted virtual time, or first in, first out. For
 * machines whose CPUs share a cache; made to be tuned by a policy and to be copied from. Linux 6.13 and newer.
 *
 *   [Object]   Path=scx_fair.bpf.o
 *   [Fields]   timeout_ms = 5000        flags |= SCX_OPS_SWITCH_PARTIAL
 *   [Globals]  slice_ns = 5000000       fifo = yes
 *
 * It keeps to the conventions of the kernel's own schedulers, so that structopsd, which knows them, is all the user
 * space that it needs:
 * - Values of kernel enums are "const volatile __u64 __SCX_…": the loader writes in what the running kernel has.
 * - "struct user_exit_info uei" is where ops.exit() notes how it ended, and uei_dump where it keeps the debug dump.
 */
#include <linux/types.h>

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The members in use; libbpf finds them by name. */
struct sched_ext_entity {
	__u32 weight; /* 1 … 10000; 100 is nice 0 */
	__u64 slice;  /* what is left of it, ns */
	__u64 dsq_vtime;
} __attribute__((preserve_access_index));

struct task_struct {
	struct sched_ext_entity scx;
} __attribute__((preserve_access_index));

enum scx_exit_kind {
	SCX_EXIT_NONE = 0,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	__s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
} __attribute__((preserve_access_index));

struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*enable)(struct task_struct *p);
	void (*cpu_online)(__s32 cpu);
	void (*cpu_offline)(__s32 cpu);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	__u32 timeout_ms;
	__u64 hotplug_seq; /* the loader's: a CPU that comes or goes between load and attach is noticed */
	char name[128];
};

/*
 * Functions of the kernel. Those with two forms changed at some release; "___" and what follows the last one is ours,
 * what remains is the kernel's name.
 */
__s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __ksym;
__s32 scx_bpf_select_cpu_dfl(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags,
			     bool *is_idle) __ksym;

bool scx_bpf_dsq_insert___v2___now(struct task_struct *p, __u64 dsq_id, __u64 slice,
				   __u64 enq_flags) __ksym __weak;
void scx_bpf_dsq_insert___before(struct task_struct *p, __u64 dsq_id, __u64 slice,
				 __u64 enq_flags) __ksym __weak;

struct scx_bpf_dsq_insert_vtime_args {
	__u64 dsq_id;
	__u64 slice;
	__u64 vtime;
	__u64 enq_flags;
};
bool __scx_bpf_dsq_insert_vtime___now(struct task_struct *p,
				      struct scx_bpf_dsq_insert_vtime_args *args) __ksym __weak;
void scx_bpf_dsq_insert_vtime___before(struct task_struct *p, __u64 dsq_id, __u64 slice,
				       __u64 vtime, __u64 enq_flags) __ksym __weak;

bool scx_bpf_dsq_move_to_local___v2___now(__u64 dsq_id, __u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local___before(__u64 dsq_id) __ksym __weak;

bool scx_bpf_task_set_dsq_vtime___now(struct task_struct *p, __u64 vtime) __ksym __weak;

/* Filled in by the loader from the enum of the running kernel that has the name without "__". */
const volatile __u64 __SCX_DSQ_LOCAL __weak;
const volatile __u64 __SCX_SLICE_DFL __weak;

/* Words for the flags member in policies; see tcp_aimd.bpf.c. */
enum scx_ops_flags {
	SCX_OPS_SWITCH_PARTIAL = 1 << 3, /* only tasks that asked for SCHED_EXT, not all */
};
const volatile enum scx_ops_flags flag_names = SCX_OPS_SWITCH_PARTIAL;

/* How long a task may run before others get their turn, ns. 0: the kernel's default (20 ms). */
const volatile __u64 slice_ns = 0;
/* First in, first out, in place of fair. For work that all arrives at once and all has to be done. */
const volatile bool fifo = false;
/* Fair in proportion to the weight of each task (nice). No: the same share for all. */
const volatile bool weights = true;

/* How it ended. Layout and name are the convention that structopsd and the kernel's own tools read. */
struct user_exit_info {
	int kind; /* enum scx_exit_kind; 0: it runs */
	__s32 exit_cpu;
	__s64 exit_code;
	char reason[128];
	char msg[1024];
};
struct user_exit_info uei SEC(".data");
char uei_dump[32768] SEC(".data.uei_dump");
const volatile __u32 uei_dump_len = sizeof(uei_dump);

#define SHARED_DSQ 0
#define ANY_NODE -1
#define DEFAULT_WEIGHT 100

/* How far the queue's virtual time has come: that of the task that began to run last. */
static __u64 vtime_now;

static __always_inline bool before(__u64 a, __u64 b)
{
	return (__s64)(a - b) < 0;
}

static __always_inline __u64 slice(void)
{
	return slice_ns ? slice_ns : __SCX_SLICE_DFL;
}

static __always_inline void insert(struct task_struct *p, __u64 dsq_id, __u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v2___now))
		scx_bpf_dsq_insert___v2___now(p, dsq_id, slice(), enq_flags);
	else
		scx_bpf_dsq_insert___before(p, dsq_id, slice(), enq_flags);
}

static __always_inline void insert_by_vtime(struct task_struct *p, __u64 vtime, __u64 enq_flags)
{
	struct scx_bpf_dsq_insert_vtime_args args = {
		.dsq_id = SHARED_DSQ,
		.slice = slice(),
		.vtime = vtime,
		.enq_flags = enq_flags,
	};

	if (bpf_ksym_exists(__scx_bpf_dsq_insert_vtime___now))
		__scx_bpf_dsq_insert_vtime___now(p, &args);
	else
		scx_bpf_dsq_insert_vtime___before(p, SHARED_DSQ, slice(), vtime, enq_flags);
}

static __always_inline void set_vtime(struct task_struct *p, __u64 vtime)
{
	if (bpf_ksym_exists(scx_bpf_task_set_dsq_vtime___now))
		scx_bpf_task_set_dsq_vtime___now(p, vtime);
	else
		p->scx.dsq_vtime = vtime;
}

/* To an idle CPU past the queue, if there is one. */
SEC("struct_ops")
__s32 BPF_PROG(fair_select_cpu, struct task_struct *p, __s32 prev_cpu, __u64 wake_flags)
{
	bool is_idle = false;
	__s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);

	if (is_idle)
		insert(p, __SCX_DSQ_LOCAL, 0);
	return cpu;
}

SEC("struct_ops")
void BPF_PROG(fair_enqueue, struct task_struct *p, __u64 enq_flags)
{
	__u64 vtime = p->scx.dsq_vtime;

	if (fifo) {
		insert(p, SHARED_DSQ, enq_flags);
		return;
	}
	/*
	 * Nobody saves up more than one slice, by sleeping or by being tied to a CPU that is busier than others; tasks
	 * tied to such a one share it less exactly by weight for that.
	 */
	if (before(vtime, vtime_now - slice()))
		vtime = vtime_now - slice();
	insert_by_vtime(p, vtime, enq_flags);
}

SEC("struct_ops")
void BPF_PROG(fair_dispatch, __s32 cpu, struct task_struct *prev)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v2___now))
		scx_bpf_dsq_move_to_local___v2___now(SHARED_DSQ, 0);
	else
		scx_bpf_dsq_move_to_local___before(SHARED_DSQ);
}

/* Two CPUs may do this at a time: an error that the next task puts right. */
SEC("struct_ops")
void BPF_PROG(fair_running, struct task_struct *p)
{
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

/* What a task has used of its slice is charged, the less the more it weighs. A yield is charged as all of it. */
SEC("struct_ops")
void BPF_PROG(fair_stopping, struct task_struct *p, bool runnable)
{
	__u64 left = p->scx.slice, used = before(left, slice()) ? slice() - left : 0;
	__u32 weight = p->scx.weight;

	set_vtime(p,
		  p->scx.dsq_vtime + (weights && weight ? used * DEFAULT_WEIGHT / weight : used));
}

SEC("struct_ops")
void BPF_PROG(fair_enable, struct task_struct *p)
{
	set_vtime(p, vtime_now);
}

/* One queue serves whichever CPUs there are. Without these two, each change of them would end the scheduler. */
SEC("struct_ops")
void BPF_PROG(fair_cpu_online, __s32 cpu)
{
}

SEC("struct_ops")
void BPF_PROG(fair_cpu_offline, __s32 cpu)
{
}

SEC("struct_ops.s")
__s32 BPF_PROG(fair_init)
{
	return scx_bpf_create_dsq(SHARED_DSQ, ANY_NODE);
}

SEC("struct_ops")
void BPF_PROG(fair_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(uei.reason, sizeof(uei.reason), info->reason);
	bpf_probe_read_kernel_str(uei.msg, sizeof(uei.msg), info->msg);
	bpf_probe_read_kernel_str(uei_dump, uei_dump_len, info->dump);
	if (bpf_core_field_exists(info->exit_code))
		uei.exit_code = info->exit_code;
	/* Last: whoever finds a kind finds the rest complete. */
	barrier();
	*(volatile int *)&uei.kind = info->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops fair = {
	.select_cpu = (void *)fair_select_cpu,
	.enqueue = (void *)fair_enqueue,
	.dispatch = (void *)fair_dispatch,
	.running = (void *)fair_running,
	.stopping = (void *)fair_stopping,
	.enable = (void *)fair_enable,
	.cpu_online = (void *)fair_cpu_online,
	.cpu_offline = (void *)fair_cpu_offline,
	.init = (void *)fair_init,
	.exit = (void *)fair_exit,
	.name = "fair",
};
