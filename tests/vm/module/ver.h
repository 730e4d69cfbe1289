/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * testmod_ver_ops in two versions. Version 2 has an operator, a data member and an argument of first()
 * that version 1 lacks. This is the whole module structops_testver1 or 2; one of them is loaded at a time.
 */
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "testmod.h"

struct testmod_ver_ops {
	u32 level;
#if TESTVER >= 2
	u32 extra;
	int (*first)(int a, int b);
	int (*second)(int a);
#else
	int (*first)(int a);
#endif
	int (*last)(int a);
};

#if TESTVER >= 2
static int testmod_ver_ops__first(int a, int b)
{
	return 0;
}

static int testmod_ver_ops__second(int a)
{
	return 1;
}
#else
static int testmod_ver_ops__first(int a)
{
	return 0;
}
#endif

static int testmod_ver_ops__last(int a)
{
	return 2;
}

static struct testmod_ver_ops stubs = {
	.first = testmod_ver_ops__first,
#if TESTVER >= 2
	.second = testmod_ver_ops__second,
#endif
	.last = testmod_ver_ops__last,
};

static int init_member(const struct btf_type *t, const struct btf_member *member, void *kdata,
		       const void *udata)
{
	const struct testmod_ver_ops *u = udata;
	struct testmod_ver_ops *k = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
		TESTMOD_COPY(k, u, level);
#if TESTVER >= 2
		TESTMOD_COPY(k, u, extra);
#endif
	}
	return 0;
}

static void show(struct seq_file *m, const void *kdata)
{
	const struct testmod_ver_ops *ops = kdata;

	seq_printf(m, "version = %d\nlevel = %u\n", TESTVER, ops->level);
#if TESTVER >= 2
	seq_printf(m, "extra = %u\nsecond = %s\n", ops->extra, ops->second ? "set" : "null");
#endif
	seq_printf(m, "first = %s\nlast = %s\n", ops->first ? "set" : "null",
		   ops->last ? "set" : "null");
}

static int call(const void *kdata, int argc, char **argv, char *result, size_t size)
{
	const struct testmod_ver_ops *ops = kdata;
	int a[2] = {};
	int i, r;

	for (i = 1; i < argc && i <= 2; i++)
		if (kstrtoint(argv[i], 0, &a[i - 1]))
			return -EINVAL;

#if TESTVER >= 2
	if (!strcmp(argv[0], "first") && ops->first)
		r = ops->first(a[0], a[1]);
	else if (!strcmp(argv[0], "second") && ops->second)
		r = ops->second(a[0]);
#else
	if (!strcmp(argv[0], "first") && ops->first)
		r = ops->first(a[0]);
#endif
	else if (!strcmp(argv[0], "last") && ops->last)
		r = ops->last(a[0]);
	else
		return -EINVAL;
	snprintf(result, size, "%d", r);
	return 0;
}

static const struct testmod_type type = {
	.name = "testmod_ver_ops",
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

static struct bpf_struct_ops bpf_testmod_ver_ops = {
	.verifier_ops = &testmod_verifier_ops,
	.init = testmod_no_init,
	.init_member = init_member,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.cfi_stubs = &stubs,
	.name = "testmod_ver_ops",
	.owner = THIS_MODULE,
};

static int __init testver_init(void)
{
	return register_bpf_struct_ops(&bpf_testmod_ver_ops, testmod_ver_ops);
}

static void __exit testver_exit(void)
{
}

module_init(testver_init);
module_exit(testver_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("one version of a struct_ops type, to test structopsd with");
