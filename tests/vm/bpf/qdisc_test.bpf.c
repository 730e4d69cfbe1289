// SPDX-License-Identifier: GPL-2.0-only
/* A qdisc that drops every packet and counts them: whoever uses it sees that it is this one. */
#include "vm.bpf.h"

struct gnet_stats_queue {
	__u32 drops;
} __attribute__((preserve_access_index));

struct Qdisc {
	struct gnet_stats_queue qstats;
} __attribute__((preserve_access_index));

struct sk_buff {
};
struct bpf_sk_buff_ptr {
};

struct Qdisc_ops {
	char id[16];
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *sch, struct bpf_sk_buff_ptr *to_free);
	struct sk_buff *(*dequeue)(struct Qdisc *sch);
	int (*init)(struct Qdisc *sch);
	void (*reset)(struct Qdisc *sch);
	void (*destroy)(struct Qdisc *sch);
};

#define NET_XMIT_DROP 1

void bpf_qdisc_skb_drop(struct sk_buff *skb, struct bpf_sk_buff_ptr *to_free) __ksym;

__u64 swallowed = 0;

SEC("struct_ops")
int BPF_PROG(hole_enqueue, struct sk_buff *skb, struct Qdisc *sch, struct bpf_sk_buff_ptr *to_free)
{
	__sync_fetch_and_add(&swallowed, 1);
	sch->qstats.drops++;
	bpf_qdisc_skb_drop(skb, to_free);
	return NET_XMIT_DROP;
}

SEC("struct_ops")
struct sk_buff *BPF_PROG(hole_dequeue, struct Qdisc *sch)
{
	return NULL;
}

SEC("struct_ops")
int BPF_PROG(hole_init, struct Qdisc *sch)
{
	return 0;
}

SEC("struct_ops")
void BPF_PROG(hole_reset, struct Qdisc *sch)
{
}

SEC("struct_ops")
void BPF_PROG(hole_destroy, struct Qdisc *sch)
{
}

SEC(".struct_ops.link")
struct Qdisc_ops hole = {
	.id = "bpf_hole",
	.enqueue = (void *)hole_enqueue,
	.dequeue = (void *)hole_dequeue,
	.init = (void *)hole_init,
	.reset = (void *)hole_reset,
	.destroy = (void *)hole_destroy,
};
