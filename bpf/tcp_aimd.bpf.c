/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP congestion control of the additive-increase, multiplicative-decrease kind (RFC 5681, "Reno"), made to be
 * tuned by a policy and to be copied from.
 *
 *   [Object]   Path=tcp_aimd.bpf.o      Map=aimd
 *   [Fields]   name = bpf_gentle        cong_avoid = gentle_cong_avoid
 *   [Globals]  backoff_percent = 80
 *
 * Three habits make an object easy to manage:
 * - No vmlinux.h. Only the members in use are declared; preserve_access_index lets libbpf find them in the running
 *   kernel by name (CO-RE), so one object serves many kernels and builds anywhere.
 * - What an administrator may want to change is a "const volatile" global. Without volatile the compiler would put
 *   the initial value into the code; with const the verifier treats it as a constant after load, at no cost.
 * - Alternative operators are plain SEC("struct_ops") programs. structopsd loads those that the chosen map uses
 *   after the overrides; for a loader that does not, SEC("?struct_ops") would keep the unused ones out.
 */
#include <linux/types.h>

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/*
 * The kernel's structs, by name. The functions of a struct_ops get a struct sock; the verifier knows that in this
 * one it is a tcp_sock, so a cast is all it takes to use the members.
 */
struct sock {
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u32 snd_cwnd;           /* congestion window, segments */
	__u32 snd_cwnd_cnt;       /* segments acknowledged towards the next step of snd_cwnd */
	__u32 snd_cwnd_clamp;     /* upper bound of snd_cwnd */
	__u32 snd_ssthresh;       /* below it: slow start */
	__u32 prior_cwnd;         /* snd_cwnd before the last cut */
	__u32 max_packets_out;    /* most segments in flight in the last window */
	__u8 is_cwnd_limited : 1; /* the sender had more to send than snd_cwnd let it */
} __attribute__((preserve_access_index));

/* The number does not matter: bpf_core_enum_value() asks the running kernel. */
enum tcp_ca_event {
	CA_EVENT_LOSS = 3, /* a retransmission timeout */
};

/* The members in use; libbpf matches them by name, so order and completeness do not matter. */
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void (*cwnd_event)(struct sock *sk, enum tcp_ca_event event);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u32 flags;
};

/* The part after "___" is for us only: libbpf looks for tcp_congestion_ops. */
struct tcp_congestion_ops___v1 {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u32 flags;
};

/* Macros in the kernel, so its BTF does not have these names. Here they give policies words for the flags member. */
enum tcp_cong_flags {
	TCP_CONG_NON_RESTRICTED = 0x1, /* every user may choose it, not only CAP_NET_ADMIN */
	TCP_CONG_NEEDS_ECN = 0x2,      /* negotiate ECN on each connection that uses it */
};
/* Never read: a variable of the type is what keeps its names in the object's BTF. */
const volatile enum tcp_cong_flags flag_names = TCP_CONG_NON_RESTRICTED;

/* Segments that the window grows by in a round trip without loss. Taken as 1 … 64. */
const volatile __u32 increase_segments = 1;
/* Percent of the window that is kept after a loss; Reno keeps 50. Taken as 10 … 95. */
const volatile __u32 backoff_percent = 50;
/* The window is never cut below so many segments. At least 2. */
const volatile __u32 min_cwnd = 2;
/* gentle_cong_avoid: round trips that it takes to grow by increase_segments. Taken as 1 … 64. */
const volatile __u32 gentle_rounds = 4;

/* Windows that a retransmission timeout has closed, on all connections; see cwnd_event. */
__u64 timeouts = 0;

static __always_inline __u32 clamp(__u32 value, __u32 low, __u32 high)
{
	return value < low ? low : value > high ? high : value;
}

static __always_inline __u32 min_u32(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static __always_inline __u32 max_u32(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

static __always_inline struct tcp_sock *tcp_sk(struct sock *sk)
{
	return (struct tcp_sock *)sk;
}

static __always_inline int in_slow_start(const struct tcp_sock *tp)
{
	return tp->snd_cwnd < tp->snd_ssthresh;
}

/* A window that the application does not fill says nothing about the network: it must not grow. */
static __always_inline int is_cwnd_limited(struct tcp_sock *tp)
{
	if (BPF_CORE_READ_BITFIELD(tp, is_cwnd_limited))
		return 1;
	/* In slow start it may grow to twice what was in flight. */
	return in_slow_start(tp) && tp->snd_cwnd < 2 * tp->max_packets_out;
}

/* One segment more for each one acknowledged, up to ssthresh. Returns the acknowledged ones that are left over. */
static __always_inline __u32 slow_start(struct tcp_sock *tp, __u32 acked)
{
	__u32 cwnd = min_u32(tp->snd_cwnd + acked, tp->snd_ssthresh);

	acked -= cwnd - tp->snd_cwnd;
	tp->snd_cwnd = min_u32(cwnd, tp->snd_cwnd_clamp);
	return acked;
}

/* One segment more for each so many acknowledged; what does not make a whole one is kept in snd_cwnd_cnt. */
static __always_inline void grow(struct tcp_sock *tp, __u32 acked_per_segment, __u32 acked)
{
	__u32 count = tp->snd_cwnd_cnt + acked;
	__u32 step = count / acked_per_segment;

	tp->snd_cwnd_cnt = count - step * acked_per_segment;
	tp->snd_cwnd = min_u32(tp->snd_cwnd + step, tp->snd_cwnd_clamp);
}

/* In a round trip about snd_cwnd segments are acknowledged: rounds * snd_cwnd of them make segments more. */
static __always_inline void cong_avoid(struct sock *sk, __u32 acked, __u32 segments, __u32 rounds)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!is_cwnd_limited(tp))
		return;
	if (in_slow_start(tp)) {
		acked = slow_start(tp, acked);
		if (acked == 0)
			return;
	}
	grow(tp, max_u32(tp->snd_cwnd * rounds / segments, 1), acked);
}

SEC("struct_ops")
void BPF_PROG(aimd_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	cong_avoid(sk, acked, clamp(increase_segments, 1, 64), 1);
}

/* For links that are shared with something more patient: the same growth, stretched over several round trips. */
SEC("struct_ops")
void BPF_PROG(gentle_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	cong_avoid(sk, acked, clamp(increase_segments, 1, 64), clamp(gentle_rounds, 1, 64));
}

SEC("struct_ops")
__u32 BPF_PROG(aimd_ssthresh, struct sock *sk)
{
	__u64 kept = (__u64)tcp_sk(sk)->snd_cwnd * clamp(backoff_percent, 10, 95) / 100;

	return max_u32((__u32)kept, max_u32(min_cwnd, 2));
}

/* Half of the window, whatever the globals say. */
SEC("struct_ops")
__u32 BPF_PROG(reno_ssthresh, struct sock *sk)
{
	return max_u32(tcp_sk(sk)->snd_cwnd >> 1, 2);
}

/* The loss was none (segments were only reordered): back to the window before the cut. */
SEC("struct_ops")
__u32 BPF_PROG(aimd_undo_cwnd, struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return max_u32(tp->snd_cwnd, tp->prior_cwnd);
}

/* Optional: it counts. "cwnd_event =" in [Fields] leaves it out. */
SEC("struct_ops")
void BPF_PROG(aimd_cwnd_event, struct sock *sk, enum tcp_ca_event event)
{
	if (event == bpf_core_enum_value(enum tcp_ca_event, CA_EVENT_LOSS))
		__sync_fetch_and_add(&timeouts, 1);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops aimd = {
	.ssthresh = (void *)aimd_ssthresh,
	.cong_avoid = (void *)aimd_cong_avoid,
	.cwnd_event = (void *)aimd_cwnd_event,
	.undo_cwnd = (void *)aimd_undo_cwnd,
	.name = "bpf_aimd",
};

/* For "Map=aimd aimd___v1": the second choice, for a kernel that has no cwnd_event or takes none from BPF. */
SEC(".struct_ops.link")
struct tcp_congestion_ops___v1 aimd___v1 = {
	.ssthresh = (void *)aimd_ssthresh,
	.cong_avoid = (void *)aimd_cong_avoid,
	.undo_cwnd = (void *)aimd_undo_cwnd,
	.name = "bpf_aimd",
};
