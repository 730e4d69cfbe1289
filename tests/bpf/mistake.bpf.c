/* SPDX-License-Identifier: GPL-2.0-only */
/* What spoils the whole object, so that each mistake is one: MISTAKE is the id of its cause. */
#define kfunc_differs 1
#define variable_missing 2
#define variable_differs 3
#define extern_missing 4
#define config_missing 5
#define config_used 6
#define map_refused 7
#define memory_limit 8
#define btf_refused 9
#define section_unknown 10
#define target_missing 11
#define licence_of_function 12

#if MISTAKE == licence_of_function
/* Before the others: libbpf loads programs in their order. */
#define LICENSE_TEXT "BSD"
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int another(struct __sk_buff *skb)
{
	char room[4];

	return bpf_probe_read_kernel(room, sizeof(room), skb);
}
#endif

#include "tcp.h"

#define USE(what)                                   \
	SEC("struct_ops")                           \
	__u32 BPF_PROG(user_of_it, struct sock *sk) \
	{                                           \
		return (__u32)(long)(what);         \
	}
#define MAP_OF(map_type, n)                                \
	struct {                                           \
		__uint(type, map_type);                    \
		__uint(max_entries, n);                    \
		__type(key, __u32);                        \
		__type(value, __u64[64]);                  \
	} wanted SEC(".maps");                             \
	static __always_inline void *look(void)            \
	{                                                  \
		__u32 key = 0;                             \
		return bpf_map_lookup_elem(&wanted, &key); \
	}

#if MISTAKE == kfunc_differs
extern __u32 tcp_slow_start(struct sock *sk) __ksym;
USE(tcp_slow_start(sk))
#elif MISTAKE == variable_missing
extern const int t_imagined __ksym;
USE(t_imagined)
#elif MISTAKE == variable_differs
extern const struct {
	int inside;
} bpf_prog_active __ksym;
USE(bpf_prog_active.inside)
#elif MISTAKE == extern_missing
extern const void t_imagined __ksym;
USE(&t_imagined)
#elif MISTAKE == config_missing
extern int CONFIG_T_IMAGINED __kconfig;
USE(CONFIG_T_IMAGINED)
#elif MISTAKE == config_used
extern int CONFIG_HZ __kconfig;
USE(CONFIG_HZ)
#elif MISTAKE == map_refused
MAP_OF(77, 1)
USE(look())
#elif MISTAKE == memory_limit
MAP_OF(BPF_MAP_TYPE_ARRAY, 1U << 29)
USE(look())
#elif MISTAKE == btf_refused
SEC("struct_ops")
__attribute__((naked)) __u32 user_of_it(__u64 *ctx)
{
	asm volatile("r0 = 0; exit;");
}
#else
USE(2)
#endif

#if MISTAKE == section_unknown
SEC("imagined/section")
int another(void *ctx)
{
	return 0;
}
#elif MISTAKE == target_missing
SEC("fentry/t_imagined")
int another(void *ctx)
{
	return 0;
}
#endif

SEC(".struct_ops.link")
struct tcp_congestion_ops mistake = {
	.ssthresh = (void *)user_of_it,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "t_mistake",
};
