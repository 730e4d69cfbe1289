// SPDX-License-Identifier: GPL-2.0-only
/* HID maps that count the reports of a device; one of them changes the report descriptor, too. */
#include "vm.bpf.h"

struct hid_bpf_ctx {
	__s32 size;
} __attribute__((preserve_access_index));

struct hid_bpf_ops {
	int hid_id;
	__u32 flags;
	int (*hid_device_event)(struct hid_bpf_ctx *ctx, int type, __u64 source);
	int (*hid_rdesc_fixup)(struct hid_bpf_ctx *ctx);
};

__u8 *hid_bpf_get_data(struct hid_bpf_ctx *ctx, unsigned int offset, const size_t size) __ksym;

__u64 events = 0;
__u64 fixups = 0; /* how often the driver asked for the descriptor */
/* When set, it is put into the last byte of each report: what the driver gets shows who has been at it. */
const volatile __u8 mark = 0;

#define REPORT_BYTES 8
#define DESCRIPTOR_BYTES 4096

static __always_inline int count_event(struct hid_bpf_ctx *hid)
{
	__u8 *report;

	__sync_fetch_and_add(&events, 1);
	report = mark ? hid_bpf_get_data(hid, 0, REPORT_BYTES) : NULL;
	if (report)
		report[REPORT_BYTES - 1] = mark;
	return 0;
}

SEC("struct_ops")
int BPF_PROG(count_reports, struct hid_bpf_ctx *hid)
{
	return count_event(hid);
}

SEC("struct_ops")
int BPF_PROG(fixup_reports, struct hid_bpf_ctx *hid)
{
	return count_event(hid);
}

/* The third byte is a usage: keyboard (6) becomes keypad (7). */
SEC("struct_ops")
int BPF_PROG(fixup_rdesc, struct hid_bpf_ctx *hid)
{
	__u8 *descriptor = hid_bpf_get_data(hid, 0, DESCRIPTOR_BYTES);

	__sync_fetch_and_add(&fixups, 1);
	if (descriptor && descriptor[3] == 6)
		descriptor[3] = 7;
	return 0;
}

SEC(".struct_ops.link")
struct hid_bpf_ops count = {
	.hid_device_event = (void *)count_reports,
};

SEC(".struct_ops.link")
struct hid_bpf_ops fixup = {
	.hid_device_event = (void *)fixup_reports,
	.hid_rdesc_fixup = (void *)fixup_rdesc,
};
