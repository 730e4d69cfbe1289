/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/live/made-btf.h"

static int made(int id)
{
	assert_true(id >= 0);
	return id;
}

static void member(struct btf *b, const char *name, int type, size_t offset)
{
	made(btf__add_field(b, name, type, (uint32_t)offset * 8, 0));
}

struct basic {
	int u32, text, operator, common;
};

static struct basic add_basic(struct btf *b)
{
	struct basic t;
	int state, character;

	t.u32 = made(btf__add_int(b, "unsigned int", 4, 0));
	character = made(btf__add_int(b, "char", 1, BTF_INT_SIGNED));
	t.text = made(btf__add_array(b, t.u32, character, 16));
	t.operator= made(btf__add_ptr(b, made(btf__add_func_proto(b, 0))));
	state = made(btf__add_enum(b, "bpf_struct_ops_state", 4));
	made(btf__add_enum_value(b, "BPF_STRUCT_OPS_STATE_INIT", 0));
	made(btf__add_enum_value(b, "BPF_STRUCT_OPS_STATE_READY", 3));
	t.common = made(btf__add_struct(b, "bpf_struct_ops_common_value", 8));
	member(b, "refcnt", t.u32, 0);
	member(b, "state", state, 4);
	return t;
}

static void add_value(struct btf *b, const struct basic *t, const char *name, int data, size_t size)
{
	char value[64];

	snprintf(value, sizeof(value), "bpf_struct_ops_%s", name);
	made(btf__add_struct(b, value, (uint32_t)(64 + size)));
	member(b, "common", t->common, 0);
	member(b, "data", data, 64);
}

static void add_type(struct btf *b, const struct basic *t, const char *name)
{
	int data = made(btf__add_struct(b, name, 16));

	member(b, "name", t->text, 0);
	add_value(b, t, name, data, 16);
}

#define AT(name) offsetof(struct made_tcp_congestion_ops, name)

static void add_tcp(struct btf *b, const struct basic *t)
{
	int max = made(btf__add_array(b, t->u32, t->u32, 3)), limits, data;

	limits = made(btf__add_struct(b, "limits", 12));
	member(b, "max", max, 0);
	data = made(
		btf__add_struct(b, "tcp_congestion_ops", sizeof(struct made_tcp_congestion_ops)));
	member(b, "ssthresh", t->operator, AT(ssthresh));
	member(b, "cong_avoid", t->operator, AT(cong_avoid));
	member(b, "name", t->text, AT(name));
	member(b, "flags", t->u32, AT(flags));
	made(btf__add_field(b, "low", t->u32, (AT(flags) + 4) * 8, 3));
	made(btf__add_field(b, "high", t->u32, (AT(flags) + 4) * 8 + 3, 5));
	member(b, "limits", limits, AT(limits));
	add_value(b, t, "tcp_congestion_ops", data,
		  sizeof(struct made_value) - offsetof(struct made_value, data));
}

struct btf *made_btf(unsigned features)
{
	struct btf *b = btf__new_empty();
	struct basic t;

	assert_non_null(b);
	t = add_basic(b);
	if (!(features & MADE_NO_TYPES))
		add_tcp(b, &t);
	if (features & MADE_SCHED_EXT)
		add_type(b, &t, "sched_ext_ops");
	if (features & MADE_HID)
		add_type(b, &t, "hid_bpf_ops");
	if (features & MADE_LINKS) {
		made(btf__add_struct(b, "bpf_struct_ops_link", 16));
		member(b, "map", t.operator, 0);
		if (features & MADE_POLLING)
			member(b, "wait_hup", t.operator, 8);
	}
	made(btf__add_struct(b, "bpf_struct_ops", 16));
	member(b, "reg", t.operator, 0);
	if (features & MADE_UPDATE)
		member(b, "update", t.operator, 8);
	return b;
}
