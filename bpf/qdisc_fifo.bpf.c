/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queueing discipline: a bounded FIFO that counts packets and bytes, and that may throw out the oldest packet where
 * others refuse the newest, so that what is sent is never old. Linux 6.16 and newer.
 *
 *   [Object]   Path=qdisc_fifo.bpf.o
 *   [Fields]   id = bpf_fifo
 *   [Globals]  limit_bytes = 60000      drop_oldest = yes
 *
 *   tc qdisc replace dev eth0 root bpf_fifo
 */
#include <linux/types.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Not <linux/bpf.h>: before Linux 6.6 it lacks these, and it is the sizes of today that the kernel compares with its
 * own.
 */
struct bpf_spin_lock {
	__u32 val;
};
struct bpf_list_head {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	__u64 __opaque[3];
} __attribute__((aligned(8)));
struct bpf_iter_num {
	__u64 __opaque[1];
} __attribute__((aligned(8)));
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
};

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The kernel's, by name, with the members in use. */
struct qdisc_skb_head {
	__u32 qlen;
} __attribute__((preserve_access_index));

struct gnet_stats_queue {
	__u32 backlog; /* bytes */
	__u32 drops;
} __attribute__((preserve_access_index));

struct Qdisc {
	struct qdisc_skb_head q;
	struct gnet_stats_queue qstats;
} __attribute__((preserve_access_index));

struct qdisc_skb_cb {
	unsigned int pkt_len; /* bytes, with headers, of all segments */
} __attribute__((preserve_access_index));

struct sk_buff {
	char cb[48];
} __attribute__((preserve_access_index));

struct nlattr {
};
struct netlink_ext_ack {
};
struct bpf_sk_buff_ptr {
};

struct Qdisc_ops {
	char id[16];
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *sch, struct bpf_sk_buff_ptr *to_free);
	struct sk_buff *(*dequeue)(struct Qdisc *sch);
	int (*init)(struct Qdisc *sch, struct nlattr *opt, struct netlink_ext_ack *extack);
	void (*reset)(struct Qdisc *sch);
	void (*destroy)(struct Qdisc *sch);
};

#define NET_XMIT_SUCCESS 0
#define NET_XMIT_DROP 1
#define NET_XMIT_CN 2 /* this one is in, another one was dropped */

void bpf_qdisc_skb_drop(struct sk_buff *skb, struct bpf_sk_buff_ptr *to_free) __ksym;
void bpf_qdisc_bstats_update(struct Qdisc *sch, const struct sk_buff *skb) __ksym;
void bpf_kfree_skb(struct sk_buff *skb) __ksym;
void *bpf_obj_new_impl(__u64 local_type_id, void *meta) __ksym;
void bpf_obj_drop_impl(void *object, void *meta) __ksym;
int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta,
			    __u64 offset) __ksym;
struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;
int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* A packet is refused when one of the two is reached. */
const volatile __u32 limit_packets = 1000;
const volatile __u32 limit_bytes = 1000000;
/* Throw out the oldest packet in place of the newest: for voice, video, control. */
const volatile bool drop_oldest = false;

/* Packets dropped, by all queues; see drop(). */
__u64 dropped = 0;

/* By another name, since clang 14 forgets the tag of a pointer to a struct that it has seen. */
typedef struct sk_buff packet_skb;

/* The kernel has no room in a packet for a list of ours, so a node of our own carries it. */
struct packet {
	packet_skb __kptr *skb;
	struct bpf_list_node node;
};

struct queue {
	struct bpf_spin_lock lock;
	struct bpf_list_head packets __attribute__((btf_decl_tag("contains:packet:node")));
};

/* One for each use of the kind: an interface has one, or one a hardware queue below mq. By the address of its Qdisc. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct queue);
} queues SEC(".maps");

static __always_inline struct queue *queue_of(struct Qdisc *sch)
{
	__u64 key = (__u64)sch;

	return bpf_map_lookup_elem(&queues, &key);
}

static __always_inline __u32 length_of(struct sk_buff *skb)
{
	return ((struct qdisc_skb_cb *)skb->cb)->pkt_len;
}

/* Consumes packet and skb. */
static __always_inline void push(struct queue *q, struct packet *packet, struct sk_buff *skb,
				 struct bpf_sk_buff_ptr *to_free)
{
	struct sk_buff *none = bpf_kptr_xchg(&packet->skb, skb);

	if (none)
		bpf_qdisc_skb_drop(none, to_free);
	bpf_spin_lock(&q->lock);
	bpf_list_push_back_impl(&q->packets, &packet->node, NULL, 0);
	bpf_spin_unlock(&q->lock);
}

/* The oldest one, the caller's. */
static __always_inline struct sk_buff *pop(struct queue *q)
{
	struct bpf_list_node *node;
	struct packet *packet;
	struct sk_buff *skb;

	bpf_spin_lock(&q->lock);
	node = bpf_list_pop_front(&q->packets);
	bpf_spin_unlock(&q->lock);
	if (!node)
		return NULL;
	packet = (struct packet *)((void *)node - offsetof(struct packet, node));
	skb = bpf_kptr_xchg(&packet->skb, NULL);
	bpf_obj_drop_impl(packet, NULL);
	return skb;
}

static __always_inline void account(struct Qdisc *sch, __s32 packets, __s32 bytes)
{
	sch->q.qlen += packets;
	sch->qstats.backlog += bytes;
}

static __always_inline void drop(struct Qdisc *sch, struct sk_buff *skb,
				 struct bpf_sk_buff_ptr *to_free)
{
	sch->qstats.drops++;
	__sync_fetch_and_add(&dropped, 1);
	bpf_qdisc_skb_drop(skb, to_free);
}

static __always_inline bool is_full(const struct Qdisc *sch, __u32 more)
{
	return sch->q.qlen >= limit_packets || sch->qstats.backlog + more > limit_bytes;
}

/* One large packet may need the room of many small ones; how many is bounded, as everything here is. */
#define ROOM_TRIES 64
static __always_inline int make_room(struct Qdisc *sch, struct queue *q, __u32 length,
				     struct bpf_sk_buff_ptr *to_free)
{
	int i, result = NET_XMIT_SUCCESS;

	bpf_for(i, 0, ROOM_TRIES)
	{
		struct sk_buff *oldest;

		if (!is_full(sch, length))
			break;
		oldest = pop(q);
		if (!oldest)
			break;
		account(sch, -1, -length_of(oldest));
		drop(sch, oldest, to_free);
		result = NET_XMIT_CN;
	}
	return result;
}

SEC("struct_ops")
int BPF_PROG(fifo_enqueue, struct sk_buff *skb, struct Qdisc *sch, struct bpf_sk_buff_ptr *to_free)
{
	struct queue *q = queue_of(sch);
	__u32 length = length_of(skb);
	int result = NET_XMIT_SUCCESS;
	struct packet *packet;

	if (q && drop_oldest)
		result = make_room(sch, q, length, to_free);
	if (!q || is_full(sch, length)) {
		drop(sch, skb, to_free);
		return NET_XMIT_DROP;
	}
	packet = bpf_obj_new_impl(bpf_core_type_id_local(struct packet), NULL);
	if (!packet) {
		drop(sch, skb, to_free);
		return NET_XMIT_DROP;
	}
	account(sch, 1, length);
	push(q, packet, skb, to_free);
	return result;
}

SEC("struct_ops")
struct sk_buff *BPF_PROG(fifo_dequeue, struct Qdisc *sch)
{
	struct queue *q = queue_of(sch);
	struct sk_buff *skb = q ? pop(q) : NULL;

	if (!skb)
		return NULL;
	account(sch, -1, -length_of(skb));
	bpf_qdisc_bstats_update(sch, skb);
	return skb;
}

SEC("struct_ops")
int BPF_PROG(fifo_init, struct Qdisc *sch, struct nlattr *opt, struct netlink_ext_ack *extack)
{
	struct queue empty = {};
	__u64 key = (__u64)sch;

	return bpf_map_update_elem(&queues, &key, &empty, BPF_NOEXIST);
}

/* The interface goes down: what waits is forgotten. */
SEC("struct_ops")
void BPF_PROG(fifo_reset, struct Qdisc *sch)
{
	struct queue *q = queue_of(sch);
	int i;

	if (!q)
		return;
	bpf_for(i, 0, (int)sch->q.qlen)
	{
		struct sk_buff *skb = pop(q);

		if (!skb)
			break;
		bpf_kfree_skb(skb);
	}
	sch->q.qlen = 0;
	sch->qstats.backlog = 0;
}

SEC("struct_ops")
void BPF_PROG(fifo_destroy, struct Qdisc *sch)
{
	__u64 key = (__u64)sch;

	bpf_map_delete_elem(&queues, &key);
}

SEC(".struct_ops.link")
struct Qdisc_ops fifo = {
	.id = "bpf_fifo",
	.enqueue = (void *)fifo_enqueue,
	.dequeue = (void *)fifo_dequeue,
	.init = (void *)fifo_init,
	.reset = (void *)fifo_reset,
	.destroy = (void *)fifo_destroy,
};
