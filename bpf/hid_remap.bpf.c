/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the keys of a keyboard send others, before any driver, console or desktop sees them; and, as an extra, mends
 * single bytes of a report descriptor that is wrong. Linux 6.11 and newer.
 *
 *   [Object]   Path=hid_remap.bpf.o
 *   [Match]    Hid=0003:046D:C31C
 *   [Fields]   hid_rdesc_fixup = patch_rdesc
 *   [Globals]  remap[57] = KEY_LEFT_CTRL     patches[0].at = 21   …
 *
 * It reads reports as those of boot keyboards (HID 1.11, appendix B): a byte of modifiers, a reserved one, six keys
 * that are down. Where another device has them elsewhere, the globals say so. Keyboards that send a bit for each key
 * are not understood.
 */
#include <linux/types.h>

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The kernel's, by name, with the members in use. */
struct hid_bpf_ctx {
	__s32 size;
} __attribute__((preserve_access_index));

enum hid_report_type {
	HID_INPUT_REPORT = 0,
};

struct hid_bpf_ops {
	int hid_id;  /* which device: the policy's [Match] fills it in */
	__u32 flags; /* BPF_F_BEFORE: ahead of others on this device */
	int (*hid_device_event)(struct hid_bpf_ctx *ctx, enum hid_report_type type, __u64 source);
	int (*hid_rdesc_fixup)(struct hid_bpf_ctx *ctx);
};

__u8 *hid_bpf_get_data(struct hid_bpf_ctx *ctx, unsigned int offset, const size_t size) __ksym;

/*
 * Words for policies: some usages of the keyboard page (HID Usage Tables, chapter 10). Any other is written as its
 * number: 0x04 is A, 0x1d is Z, 0x1e is 1.
 */
enum key_usage {
	KEY_ENTER = 0x28,
	KEY_ESCAPE = 0x29,
	KEY_BACKSPACE = 0x2a,
	KEY_TAB = 0x2b,
	KEY_CAPS_LOCK = 0x39,
	KEY_PRINT_SCREEN = 0x46,
	KEY_SCROLL_LOCK = 0x47,
	KEY_PAUSE = 0x48,
	KEY_INSERT = 0x49,
	KEY_DELETE = 0x4c,
	KEY_NUM_LOCK = 0x53,
	KEY_MENU = 0x65,
	KEY_LEFT_CTRL = 0xe0,
	KEY_LEFT_SHIFT,
	KEY_LEFT_ALT,
	KEY_LEFT_GUI,
	KEY_RIGHT_CTRL,
	KEY_RIGHT_SHIFT,
	KEY_RIGHT_ALT,
	KEY_RIGHT_GUI,
	KEY_NOTHING = 0xff, /* the key is dead */
};
const volatile enum key_usage key_names = KEY_NOTHING;

/* remap[usage of the key] = usage that it sends. 0: its own. */
const volatile __u8 remap[256];

/* Reports with another number in their first byte are let through. 0: the device does not number its reports. */
const volatile __u8 report_id = 0;
/* Where in a report the byte with the modifiers is, counted from 0, the number (if any) included. */
const volatile __u8 modifiers_at = 0;
/* Where the keys that are down begin, and how many there can be (at most 32). */
const volatile __u8 keys_at = 2;
const volatile __u8 keys = 6;

/* patch_rdesc: bytes of the report descriptor. None is changed unless each one is what it was said to be. */
struct patch {
	__u16 at;
	__u8 was;
	__u8 becomes; /* the same as was: an entry that is not used */
};
#define PATCHES 16
const volatile struct patch patches[PATCHES];

#define REPORT_BYTES 64 /* the kernel's buffer has never less */
#define DESCRIPTOR_BYTES 4096
#define KEYS_MAX 32
#define MODIFIERS 8

static __always_inline bool is_modifier(__u8 usage)
{
	return usage >= KEY_LEFT_CTRL && usage <= KEY_RIGHT_GUI;
}

static __always_inline __u8 modifier_bit(__u8 usage)
{
	return 1 << (usage - KEY_LEFT_CTRL);
}

/* A bound that the verifier sees, whatever the globals say. */
static __always_inline __u8 *byte_of(__u8 *report, __u32 at)
{
	return &report[at & (REPORT_BYTES - 1)];
}

static __always_inline __u32 key_count(void)
{
	return keys < KEYS_MAX ? keys : KEYS_MAX;
}

/* 0: nothing is pressed there. Modifiers do not stay among the keys: they go into *modifiers. */
static __always_inline __u8 key_for(__u8 usage, __u8 *modifiers)
{
	if (!is_modifier(usage))
		return usage == KEY_NOTHING ? 0 : usage;
	*modifiers |= modifier_bit(usage);
	return 0;
}

static __always_inline void press(__u8 *report, __u8 usage)
{
	for (__u32 i = 0; i < key_count(); i++) {
		__u8 *key = byte_of(report, keys_at + i);

		if (*key == 0) {
			*key = usage;
			return;
		}
	}
}

static __always_inline void remap_keys_down(__u8 *report, __u8 *modifiers)
{
	for (__u32 i = 0; i < key_count(); i++) {
		__u8 *key = byte_of(report, keys_at + i), to = remap[*key];

		if (to)
			*key = key_for(to, modifiers);
	}
}

static __always_inline void remap_modifiers_down(__u8 *report, __u8 down, __u8 *modifiers)
{
	for (__u32 i = 0; i < MODIFIERS; i++) {
		__u8 usage = KEY_LEFT_CTRL + i, to = remap[usage], key;

		if (!(down & modifier_bit(usage)))
			continue;
		key = key_for(to ? to : usage, modifiers);
		if (key)
			press(report, key);
	}
}

/* Each key is looked up once, as the device sent it: two that are swapped stay two. */
SEC("struct_ops")
int BPF_PROG(remap_keys, struct hid_bpf_ctx *hid, enum hid_report_type type, __u64 source)
{
	__u8 *report = hid_bpf_get_data(hid, 0, REPORT_BYTES), modifiers = 0, down;

	if (!report || (report_id && report[0] != report_id))
		return 0;
	down = *byte_of(report, modifiers_at);
	remap_keys_down(report, &modifiers);
	remap_modifiers_down(report, down, &modifiers);
	*byte_of(report, modifiers_at) = modifiers;
	return 0;
}

static __always_inline bool patches_fit(const __u8 *descriptor, __u32 size)
{
	for (__u32 i = 0; i < PATCHES; i++) {
		__u32 at = patches[i].at & (DESCRIPTOR_BYTES - 1);

		if (patches[i].was != patches[i].becomes &&
		    (patches[i].at >= size || descriptor[at] != patches[i].was))
			return false;
	}
	return true;
}

/* The driver is taken off the device and put back on, so that it reads the descriptor anew. */
SEC("struct_ops")
int BPF_PROG(patch_rdesc, struct hid_bpf_ctx *hid)
{
	__u8 *descriptor = hid_bpf_get_data(hid, 0, DESCRIPTOR_BYTES);

	if (!descriptor || !patches_fit(descriptor, hid->size))
		return 0;
	for (__u32 i = 0; i < PATCHES; i++)
		if (patches[i].was != patches[i].becomes)
			descriptor[patches[i].at & (DESCRIPTOR_BYTES - 1)] = patches[i].becomes;
	return 0;
}

SEC(".struct_ops.link")
struct hid_bpf_ops keyboard = {
	.hid_device_event = (void *)remap_keys,
};
