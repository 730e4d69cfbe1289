/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/types.h"

static const struct type_row {
	const char *name;
	struct type_traits traits;
} rows[] = {
	/* Registered under a name; the ops themselves hold nothing. */
	{"tcp_congestion_ops", {.relinkable = true, .side_by_side = true, .built_in = true}},
	{"Qdisc_ops", {.relinkable = true, .side_by_side = true, .built_in = true}},
	/* Its maps, exit information and hotplug_seq are those of the first life; and only one can run at a time. */
	{"sched_ext_ops", {.relinkable = false, .side_by_side = false, .built_in = true}},
	{"sched_ext_ops_cid", {.relinkable = false, .side_by_side = false, .built_in = true}},
	/* hid_id is frozen in the map, but a device that comes back has another; a failed attach spoils the map. */
	{"hid_bpf_ops", {.relinkable = false, .side_by_side = false, .built_in = true}},
	/* ring_fd is a number in the attaching process's table of descriptors, gone with it. */
	{"io_uring_bpf_ops", {.relinkable = false, .side_by_side = false, .built_in = true}},
};

const struct type_traits *type_traits(const char *kernel_type)
{
	static const struct type_traits generic = {.relinkable = true, .side_by_side = true};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (streq(rows[i].name, kernel_type))
			return &rows[i].traits;
	return &generic;
}
