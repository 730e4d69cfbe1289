// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scheduler of the newer form, sched_ext_ops_cid, which alone can have sub-schedulers and be one: it takes any, and
 * with its member sub_cgroup_id set it is the one of that cgroup. It ends when a number is written into "kick".
 */
#include "scx.h"

struct scx_sub_attach_args {
};

struct sched_ext_ops_cid {
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	__s32 (*sub_attach)(struct scx_sub_attach_args *args);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	__u32 timeout_ms;
	__u64 hotplug_seq;
	__u64 sub_cgroup_id;
	char name[128];
};

/* The form asks for exactly one arena, and finds it by the programs that use it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024); /* pages; the kernel wants some for itself */
} arena SEC(".maps");
void __attribute__((address_space(1))) *
	bpf_arena_alloc_pages(void *map, void __attribute__((address_space(1))) * address,
			      __u32 pages, int node, __u64 flags) __ksym;

struct user_exit_info {
	int kind;
	__s32 exit_cpu;
	__s64 exit_code;
	char reason[128];
	char msg[1024];
};
struct user_exit_info uei SEC(".data");

SEC("struct_ops")
void BPF_PROG(cid_enqueue, struct task_struct *p, __u64 enq_flags)
{
	static char poked[] = "poked";

	if (kicked())
		say(scx_bpf_error_bstr, poked);
	scx_bpf_dsq_insert___v2___now(p, __SCX_DSQ_GLOBAL, __SCX_SLICE_DFL, enq_flags);
}

SEC("struct_ops.s")
__s32 BPF_PROG(cid_sub_attach, struct scx_sub_attach_args *args)
{
	return 0;
}

SEC("struct_ops.s")
__s32 BPF_PROG(cid_init)
{
	return bpf_arena_alloc_pages(&arena, 0, 1, -1, 0) ? 0 : -12;
}

SEC("struct_ops")
void BPF_PROG(cid_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(uei.reason, sizeof(uei.reason), info->reason);
	bpf_probe_read_kernel_str(uei.msg, sizeof(uei.msg), info->msg);
	uei.exit_code = info->exit_code;
	barrier();
	*(volatile int *)&uei.kind = info->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid cid = {.enqueue = (void *)cid_enqueue,
				.sub_attach = (void *)cid_sub_attach,
				.init = (void *)cid_init,
				.exit = (void *)cid_exit,
				.name = "cid"};
