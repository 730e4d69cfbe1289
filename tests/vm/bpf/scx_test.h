/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scheduler that ends in whatever way a test wants. scx_test.bpf.c is the plain one; others define before they
 * include this:
 *
 *   RECORD         RECORD_USUAL, or another of the layouts below
 *   MORE_MEMBERS   declarations of members that struct sched_ext_ops has besides
 *   MORE_VALUES    initializers of these
 *
 * A test kicks it by writing a number of enum kick into the map "kick". It stalls each task named "victim" from the
 * start, so a stall begins when the test starts one.
 */
#ifndef SCX_TEST_H
#define SCX_TEST_H

#include "scx.h"

#define RECORD_USUAL 1   /* the convention */
#define RECORD_OTHER 2   /* another order and other sizes, the same names */
#define RECORD_UNKNOWN 3 /* the name of the struct, nothing else */
#define RECORD_NONE 4
#ifndef RECORD
#define RECORD RECORD_USUAL
#endif
#ifndef MORE_MEMBERS
#define MORE_MEMBERS
#define MORE_VALUES
#endif

struct scx_dump_ctx {
};

struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dump)(struct scx_dump_ctx *dump);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	__u32 timeout_ms;
	__u64 hotplug_seq;
	char name[128];
	MORE_MEMBERS
};

__s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __ksym;
void scx_bpf_exit_bstr(__s64 exit_code, char *fmt, unsigned long long *data, __u32 data__sz) __ksym;
void scx_bpf_dump_bstr(char *fmt, unsigned long long *data, __u32 data__sz) __ksym;
int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, __u32 len__sz) __ksym;

/* Filled in by the loader, like those in scx.h. The last one no kernel has: it stays 0. */
const volatile __u64 __SCX_ECODE_ACT_RESTART __weak;
const volatile __u64 __SCX_OF_NO_KERNEL __weak;

/* What init() returns, negated. */
const volatile int init_error = 0;
/* Errors with the first task that it is given. */
const volatile bool short_lived = false;
/* Runs nobody, from the start. */
const volatile bool starving = false;

enum kick {
	KICK_NONE,
	KICK_ERROR,   /* scx_bpf_error(), after a word to the program's stderr stream */
	KICK_RESTART, /* scx_bpf_exit() with the code that asks for a restart */
	KICK_EXIT,    /* scx_bpf_exit(77) */
	KICK_STARVE,  /* from now on it runs nobody */
};

__u64 enqueued = 0; /* tasks that it has been given */
__u64 futures = 0;  /* must stay 0: __SCX_OF_NO_KERNEL at the last enqueue */

/* Nobody ever takes a task out of it. */
#define VICTIMS 1
#define ANY_NODE -1
#define STREAM_STDERR 2

static __always_inline void whine(void)
{
	static const char text[] = "poked: a word on stderr\n";
	unsigned long long none[1] = {0};

	bpf_stream_vprintk(STREAM_STDERR, text, none, sizeof(none));
}

static __always_inline void obey(__u32 wanted)
{
	static char poked[] = "poked", restart[] = "restart, please", bye[] = "bye";

	if (wanted == KICK_ERROR) {
		whine();
		say(scx_bpf_error_bstr, poked);
	} else if (wanted == KICK_RESTART) {
		say(scx_bpf_exit_bstr, __SCX_ECODE_ACT_RESTART, restart);
	} else if (wanted == KICK_EXIT) {
		say(scx_bpf_exit_bstr, 77, bye);
	}
}

static __always_inline bool is_victim(struct task_struct *p, __u32 wanted)
{
	char comm[16] = {};

	if (starving || wanted == KICK_STARVE)
		return true;
	bpf_probe_read_kernel_str(comm, sizeof(comm), p->comm);
	return bpf_strncmp(comm, 7, "victim") == 0;
}

/* It puts the task nowhere, so that each one passes enqueue(). */
SEC("struct_ops")
__s32 BPF_PROG(test_select_cpu, struct task_struct *p, __s32 prev_cpu, __u64 wake_flags)
{
	return prev_cpu;
}

SEC("struct_ops")
void BPF_PROG(test_enqueue, struct task_struct *p, __u64 enq_flags)
{
	static char brief[] = "short-lived";
	__u32 wanted = kicked();

	__sync_fetch_and_add(&enqueued, 1);
	if (__SCX_OF_NO_KERNEL)
		futures = __SCX_OF_NO_KERNEL;
	if (short_lived)
		say(scx_bpf_error_bstr, brief);
	obey(wanted);
	scx_bpf_dsq_insert___v2___now(p, is_victim(p, wanted) ? VICTIMS : __SCX_DSQ_GLOBAL,
				      __SCX_SLICE_DFL, enq_flags);
}

SEC("struct_ops")
void BPF_PROG(test_dump, struct scx_dump_ctx *dump)
{
	static char line[] = "tasks enqueued: %llu\n";
	unsigned long long data[1] = {enqueued};

	scx_bpf_dump_bstr(line, data, sizeof(data));
}

SEC("struct_ops.s")
__s32 BPF_PROG(test_init)
{
	static char no_slice[] = "SCX_SLICE_DFL is 0";

	if (init_error)
		return -init_error;
	if (!__SCX_SLICE_DFL)
		say(scx_bpf_error_bstr, no_slice);
	return scx_bpf_create_dsq(VICTIMS, ANY_NODE);
}

#if RECORD == RECORD_USUAL
struct user_exit_info {
	int kind;
	__s32 exit_cpu;
	__s64 exit_code;
	char reason[128];
	char msg[1024];
};
char uei_dump[32768] SEC(".data.uei_dump");
const volatile __u32 uei_dump_len = sizeof(uei_dump);
#elif RECORD == RECORD_OTHER
struct user_exit_info {
	char msg[64];
	__s64 exit_code;
	char reason[24];
	int kind;
};
#elif RECORD == RECORD_UNKNOWN
struct user_exit_info {
	char reason[128];
	__u64 verdict;
};
#endif

#if RECORD != RECORD_NONE
struct user_exit_info uei SEC(".data");

SEC("struct_ops")
void BPF_PROG(test_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(uei.reason, sizeof(uei.reason), info->reason);
#if RECORD == RECORD_USUAL
	bpf_probe_read_kernel_str(uei_dump, uei_dump_len, info->dump);
#endif
#if RECORD == RECORD_UNKNOWN
	uei.verdict = info->kind;
#else
	bpf_probe_read_kernel_str(uei.msg, sizeof(uei.msg), info->msg);
	uei.exit_code = info->exit_code;
	barrier();
	*(volatile int *)&uei.kind = info->kind;
#endif
}
#endif

SEC(".struct_ops.link")
struct sched_ext_ops test = {.select_cpu = (void *)test_select_cpu,
			     .enqueue = (void *)test_enqueue,
			     .dump = (void *)test_dump,
			     .init = (void *)test_init,
#if RECORD != RECORD_NONE
			     .exit = (void *)test_exit,
#endif
			     .name = "test",
			     MORE_VALUES};

#endif
