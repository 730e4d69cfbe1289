/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/types.h"

#include "common/sentence.h"
#include "daemon/kernel/hid.h"
#include "daemon/kernel/scx.h"
#include "daemon/kernel/tcp-default.h"

static const struct type_row {
	const char *name;
	struct type_traits traits;
} rows[] = {
	/* Registered under a name; the ops themselves hold nothing. */
	{"tcp_congestion_ops",
	 {.relinkable = true,
	  .side_by_side = true,
	  .built_in = true,
	  .config = "CONFIG_INET, CONFIG_BPF_JIT and CONFIG_BPF_SYSCALL",
	  .since = "5.6",
	  .after_attach = tcp_default_set}},
	{"Qdisc_ops",
	 {.relinkable = true,
	  .side_by_side = true,
	  .built_in = true,
	  .config = "CONFIG_NET_SCH_BPF",
	  .since = "6.16"}},
	{"binfmt_misc_ops",
	 {.relinkable = true,
	  .side_by_side = true,
	  .built_in = true,
	  .config = "CONFIG_BINFMT_MISC=y (not a module)"}},
	/* Its maps, exit information and hotplug_seq are those of the first life; and only one can run at a time. */
	{"sched_ext_ops",
	 {.built_in = true, .config = "CONFIG_SCHED_CLASS_EXT", .since = "6.12", SCX_HOOKS}},
	{"sched_ext_ops_cid", {.built_in = true, .config = "CONFIG_SCHED_CLASS_EXT", SCX_HOOKS}},
	/* hid_id is frozen in the map, but a device that comes back has another; a failed attach spoils the map. */
	{"hid_bpf_ops",
	 {.built_in = true,
	  .config = "CONFIG_HID_BPF",
	  .since = "6.11",
	  .after_attach = hid_after_attach,
	  .alive = hid_alive,
	  .explain = hid_explain}},
	/* A number in the attaching process's table of descriptors cannot come from a policy. */
	{"io_uring_bpf_ops",
	 {.built_in = true,
	  .since = "7.1",
	  .refused =
		  "its ring_fd is a descriptor of the attaching process, so only the program that "
		  "has the ring can attach it"}},
	/* The kernel refuses a link for it. */
	{"smc_hs_ctrl",
	 {.side_by_side = true,
	  .no_link = true,
	  .config = "CONFIG_SMC_HS_CTRL_BPF",
	  .since = "6.19"}},
};

char *kernel_uevent_place(const struct uevent *e)
{
	char *place = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !place; i++)
		if (rows[i].traits.uevent_place)
			place = rows[i].traits.uevent_place(e);
	return place;
}

const struct type_traits *type_traits(const char *kernel_type)
{
	static const struct type_traits generic = {.relinkable = true, .side_by_side = true};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (streq(rows[i].name, kernel_type))
			return &rows[i].traits;
	return &generic;
}

struct kernel_type_needs kernel_type_needs(const char *type)
{
	const struct type_traits *t = type_traits(type);

	return (struct kernel_type_needs){
		.since = t->since, .config = t->config, .built_in = t->built_in};
}

char *kernel_type_needs_text(const char *type)
{
	const struct type_traits *t = type_traits(type);

	return sentence("%s%s%s%s%s", t->since || t->config ? ". It " : "",
			t->since ? "came with Linux " : "", or_empty(t->since),
			t->config ? (t->since ? " and needs " : "needs ") : "",
			or_empty(t->config));
}
