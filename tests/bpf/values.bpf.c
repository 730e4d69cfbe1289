/* SPDX-License-Identifier: GPL-2.0-only */
/* One map, and globals of every kind that BTF knows. */
#include "tcp.h"

enum color {
	COLOR_RED = 1,
	COLOR_GREEN = 2,
	COLOR_BLUE = 4
};
enum balance {
	BALANCE_LOW = -5,
	BALANCE_EVEN = 0,
	BALANCE_HIGH = 5
};
typedef __u16 port_t;
typedef const volatile port_t tuned_port_t;

struct limits {
	__u32 max[4];
	struct {
		__s16 low;
		_Bool strict;
	};
	struct {
		enum color color;
		char label[8];
	} inner[2];
	union {
		__u32 word;
		__u8 bytes[4];
	} raw;
	__u32 narrow : 3;
	void *address;
};

const volatile __u8 g_u8 = 1;
const volatile __s8 g_s8 = 1;
const volatile __u16 g_u16 = 1;
const volatile __s16 g_s16 = 1;
const volatile __u32 g_u32 = 1;
const volatile __s32 g_s32 = 1;
const volatile __u64 g_u64 = 1;
const volatile __s64 g_s64 = 1;
const volatile _Bool g_bool = 0;
const volatile enum color g_color = COLOR_RED;
const volatile enum balance g_balance = BALANCE_EVEN;
const volatile char g_text[16] = "as built";
const volatile __u16 g_numbers[4] = {1, 2, 3, 4};
const volatile _Bool g_bools[3] = {0};
const volatile enum color g_colors[2] = {COLOR_RED, COLOR_RED};
const volatile __u8 g_matrix[2][3] = {{0}};
const volatile char g_names[2][8] = {"a", "b"};
tuned_port_t g_port = 80;
const volatile struct limits g_limits = {.max = {1, 2, 3, 4}};
volatile const float g_float = 1.5F;
const __u32 g_folded[2] = {7, 8};
static volatile __u32 g_static = 3;
__u32 g_data = 5;
struct limits g_zeroed = {0};
__u32 g_own_section SEC(".data.own") = 6;
const volatile __u32 g_own_constant SEC(".rodata.own") = 6;
extern int LINUX_KERNEL_VERSION __kconfig;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} counters SEC(".maps");

/* Refers to what would not be in the object otherwise. */
SEC("struct_ops")
void BPF_PROG(init, struct sock *sk)
{
	__u32 key = g_static & 1;
	__u32 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		*value = g_folded[g_u8 & 1] + LINUX_KERNEL_VERSION;
	g_zeroed.max[0]++;
}

SEC("struct_ops")
void BPF_PROG(other_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops")
__u32 BPF_PROG(other_ssthresh, struct sock *sk)
{
	return 2;
}

/* Not an operator; "?": it need not be loaded. */
SEC("?raw_tp/sys_enter")
int BPF_PROG(tracer)
{
	return 0;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops values = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.init = (void *)init,
	.name = "t_values",
};
