// SPDX-License-Identifier: GPL-2.0-only
/*
 * testmod_ops: a member of every kind that struct_ops lets through, and operators to call.
 */
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "testmod.h"

#define TESTMOD_FLAGS 0xff

enum testmod_mode {
	TESTMOD_MODE_OFF = 0,
	TESTMOD_MODE_SLOW = 10,
	TESTMOD_MODE_FAST = 20,
	TESTMOD_MODE_BACKWARDS = -1,
};

enum testmod_flag {
	TESTMOD_FLAG_A = 1 << 0,
	TESTMOD_FLAG_B = 1 << 1,
	TESTMOD_FLAG_C = 1 << 2,
};

enum testmod_wide {
	TESTMOD_WIDE_ONE = 1,
	TESTMOD_WIDE_HIGH = 1ULL << 40,
};

struct testmod_inner {
	u16 port;
	s8 weight;
	char tag[9];
};

struct testmod_limits {
	u32 max[4];
	s32 low;
	struct testmod_inner inner;
	struct testmod_inner pair[2];
};

/* What operator look() is given. */
struct testmod_thing {
	int value;
};

struct testmod_ops {
	char name[TESTMOD_NAME_LEN];
	u32 flags; /* of enum testmod_flag; bits beyond TESTMOD_FLAGS are refused */
	u8 v_u8;
	s8 v_s8;
	u16 v_u16;
	s16 v_s16;
	u32 v_u32;
	s32 v_s32;
	u64 v_u64;
	s64 v_s64;
	bool on;
	enum testmod_mode mode;
	enum testmod_wide wide;
	u32 table[8];
	struct testmod_limits limits;
	u64 unclaimed; /* init_member() does not take it: the kernel refuses all but zero */
	int (*add)(int a, int b);
	int (*sub)(int a, int b);
	int (*get)(void);
	s64 (*widen)(s64 a);
	int (*look)(struct testmod_thing *thing);
	int (*unsupported)(void); /* has no stub: the kernel refuses programs for it */
};

/* The kernel finds the arguments' suffixes in these functions, by the names STRUCT__MEMBER. */
static int testmod_ops__add(int a, int b)
{
	return 0;
}

static int testmod_ops__sub(int a, int b)
{
	return 1;
}

static int testmod_ops__get(void)
{
	return 2;
}

static s64 testmod_ops__widen(s64 a)
{
	return 3;
}

static int testmod_ops__look(struct testmod_thing *thing__nullable)
{
	return 4;
}

static struct testmod_ops stubs = {
	.add = testmod_ops__add,
	.sub = testmod_ops__sub,
	.get = testmod_ops__get,
	.widen = testmod_ops__widen,
	.look = testmod_ops__look,
};

static int init_member(const struct btf_type *t, const struct btf_member *member, void *kdata,
		       const void *udata)
{
	const struct testmod_ops *u = udata;
	struct testmod_ops *k = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct testmod_ops, name):
		return testmod_copy_name(k->name, u->name);
	case offsetof(struct testmod_ops, flags):
		if (u->flags & ~TESTMOD_FLAGS)
			return -EINVAL;
		k->flags = u->flags;
		return 1;
		TESTMOD_COPY(k, u, v_u8);
		TESTMOD_COPY(k, u, v_s8);
		TESTMOD_COPY(k, u, v_u16);
		TESTMOD_COPY(k, u, v_s16);
		TESTMOD_COPY(k, u, v_u32);
		TESTMOD_COPY(k, u, v_s32);
		TESTMOD_COPY(k, u, v_u64);
		TESTMOD_COPY(k, u, v_s64);
		TESTMOD_COPY(k, u, on);
		TESTMOD_COPY(k, u, mode);
		TESTMOD_COPY(k, u, wide);
		TESTMOD_COPY(k, u, table);
		TESTMOD_COPY(k, u, limits);
	}
	return 0;
}

static const char *instance_name(const void *kdata)
{
	const struct testmod_ops *ops = kdata;

	return ops->name;
}

static void show_inner(struct seq_file *m, const char *prefix, const struct testmod_inner *inner)
{
	seq_printf(m, "%s.port = %u\n", prefix, inner->port);
	seq_printf(m, "%s.weight = %d\n", prefix, inner->weight);
	seq_printf(m, "%s.tag = %.*s\n", prefix, (int)sizeof(inner->tag), inner->tag);
}

static void show_u32s(struct seq_file *m, const char *name, const u32 *values, int n)
{
	int i;

	seq_printf(m, "%s =", name);
	for (i = 0; i < n; i++)
		seq_printf(m, "%s %u", i ? "," : "", values[i]);
	seq_putc(m, '\n');
}

static void show(struct seq_file *m, const void *kdata)
{
	const struct testmod_ops *ops = kdata;

	seq_printf(m, "name = %s\nflags = 0x%x\n", ops->name, ops->flags);
	seq_printf(m, "v_u8 = %u\nv_s8 = %d\nv_u16 = %u\nv_s16 = %d\n", ops->v_u8, ops->v_s8,
		   ops->v_u16, ops->v_s16);
	seq_printf(m, "v_u32 = %u\nv_s32 = %d\nv_u64 = %llu\nv_s64 = %lld\n", ops->v_u32,
		   ops->v_s32, ops->v_u64, ops->v_s64);
	seq_printf(m, "on = %d\nmode = %d\nwide = %llu\n", ops->on, ops->mode, (u64)ops->wide);
	show_u32s(m, "table", ops->table, ARRAY_SIZE(ops->table));
	show_u32s(m, "limits.max", ops->limits.max, ARRAY_SIZE(ops->limits.max));
	seq_printf(m, "limits.low = %d\n", ops->limits.low);
	show_inner(m, "limits.inner", &ops->limits.inner);
	show_inner(m, "limits.pair[0]", &ops->limits.pair[0]);
	show_inner(m, "limits.pair[1]", &ops->limits.pair[1]);
	seq_printf(m, "add = %s\nsub = %s\nget = %s\nwiden = %s\nlook = %s\n",
		   ops->add ? "set" : "null", ops->sub ? "set" : "null", ops->get ? "set" : "null",
		   ops->widen ? "set" : "null", ops->look ? "set" : "null");
}

/* An argument: a number, or "null" for a pointer. */
static int parse_argument(const char *word, s64 *ret)
{
	if (!strcmp(word, "null")) {
		*ret = 0;
		return 0;
	}
	return kstrtoll(word, 0, ret);
}

static s64 call_look(const struct testmod_ops *ops, const char *word, s64 value)
{
	struct testmod_thing thing = {.value = value};

	return ops->look(strcmp(word, "null") ? &thing : NULL);
}

#define IS(op) (!strcmp(argv[0], #op))

/* 0 and *ret, -ENOENT for an operator that is NULL, -EINVAL for one that there is not. */
static int call_operator(const struct testmod_ops *ops, char **argv, const s64 *a, s64 *ret)
{
	if (IS(add) && ops->add)
		*ret = ops->add(a[0], a[1]);
	else if (IS(sub) && ops->sub)
		*ret = ops->sub(a[0], a[1]);
	else if (IS(get) && ops->get)
		*ret = ops->get();
	else if (IS(widen) && ops->widen)
		*ret = ops->widen(a[0]);
	else if (IS(look) && ops->look)
		*ret = call_look(ops, argv[1], a[0]);
	else
		return IS(add) || IS(sub) || IS(get) || IS(widen) || IS(look) ? -ENOENT : -EINVAL;
	return 0;
}

static int call(const void *kdata, int argc, char **argv, char *result, size_t size)
{
	s64 a[2] = {}, r = 0;
	int i, err;

	for (i = 1; i < argc && i <= 2; i++) {
		err = parse_argument(argv[i], &a[i - 1]);
		if (err)
			return err;
	}
	if (IS(look) && argc < 2)
		return -EINVAL;
	err = call_operator(kdata, argv, a, &r);
	if (err == -ENOENT)
		strscpy(result, "null", size);
	else if (err)
		return err;
	else
		snprintf(result, size, "%lld", r);
	return 0;
}

static const struct testmod_type type = {
	.name = "testmod_ops",
	.instance_name = instance_name,
	.show = show,
	.call = call,
};

static int reg(void *kdata, struct bpf_link *link)
{
	return testmod_reg(&type, kdata, link);
}

static void unreg(void *kdata, struct bpf_link *link)
{
	testmod_unreg(&type, kdata);
}

static int update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return testmod_update(&type, kdata, old_kdata);
}

static struct bpf_struct_ops bpf_testmod_ops = {
	.verifier_ops = &testmod_verifier_ops,
	.init = testmod_no_init,
	.init_member = init_member,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.cfi_stubs = &stubs,
	.name = "testmod_ops",
	.owner = THIS_MODULE,
};

int testmod_basic_init(void)
{
	/* no member has these types; a program or a policy may name their enumerators */
	BTF_TYPE_EMIT_ENUM(TESTMOD_FLAG_A);
	return register_bpf_struct_ops(&bpf_testmod_ops, testmod_ops);
}
