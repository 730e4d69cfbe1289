/* SPDX-License-Identifier: GPL-2.0-only */
/* Mistakes with kernel functions; those that a kernel lacks (they came up to 6.12) concern only the maps that call them. */
#include "mistakes.h"

struct file {
} __attribute__((preserve_access_index));
struct bpf_cpumask {
} __attribute__((preserve_access_index));
struct task_struct {
	int pid;
	struct task_struct *real_parent;
	struct task_struct *last_wakee;
} __attribute__((preserve_access_index));

extern struct file *bpf_get_task_exe_file(struct task_struct *task) __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *mask) __ksym __weak;
extern void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym __weak;
extern int bpf_copy_from_user_str(void *to, __u32 to__sz, const void *from__ign,
				  __u64 flags) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym __weak;
extern void t_imagined_kfunc(struct sock *sk) __ksym __weak;

#define BAD_SLEEPING(map)                   \
	extern __u32 map##_bad(__u64 *ctx); \
	MAP(map);                           \
	SEC("?struct_ops.s")                \
	__u32 BPF_PROG(map##_bad, struct sock *sk)

BAD(null_unchecked)
{
	return bpf_task_from_pid(1)->pid;
}

BAD(null_passed)
{
	bpf_task_release(bpf_task_from_pid(1));
	return 0;
}

BAD(reference_leak)
{
	return bpf_task_from_pid(1) ? 1 : 0;
}

BAD(release_unacquired)
{
	bpf_task_release(bpf_get_current_task_btf());
	return 0;
}

BAD(other_type)
{
	bpf_task_release((void *)sk);
	return 0;
}

BAD(untrusted)
{
	bpf_cpumask_release(bpf_cpumask_acquire((void *)bpf_get_current_task_btf()->last_wakee));
	return 0;
}

/* Where programs do not sleep, all of them is a section of RCU. */
BAD_SLEEPING(rcu)
{
	struct task_struct *parent = bpf_task_acquire(bpf_get_current_task_btf()->real_parent);

	if (parent)
		bpf_task_release(parent);
	return 0;
}

BAD(kfunc_denied)
{
	return bpf_get_task_exe_file(bpf_get_current_task_btf()) ? 1 : 0;
}

BAD(kfunc_unresolved)
{
	t_imagined_kfunc(sk);
	return 0;
}

BAD(sleeps)
{
	char room[4];

	return bpf_copy_from_user_str(room, sizeof(room), (void *)ctx, 0);
}

BAD_SLEEPING(sleeps_in_region)
{
	char room[4];

	bpf_rcu_read_lock();
	bpf_copy_from_user_str(room, sizeof(room), (void *)ctx, 0);
	bpf_rcu_read_unlock();
	return 0;
}

BAD_SLEEPING(region_open)
{
	bpf_rcu_read_lock();
	return 0;
}

__noinline int of_anybody(struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

BAD(global_function)
{
	return of_anybody(sk);
}
