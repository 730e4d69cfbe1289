// SPDX-License-Identifier: GPL-2.0-only
/*
 * testmod_many_ops: 50 operators, more than the trampolines of one page.
 */
#include <linux/kstrtox.h>

#include "testmod.h"

#define EACH_OF_TEN(x, n) \
	x(n##0) x(n##1) x(n##2) x(n##3) x(n##4) x(n##5) x(n##6) x(n##7) x(n##8) x(n##9)
#define EACH(x) \
	EACH_OF_TEN(x, 0) EACH_OF_TEN(x, 1) EACH_OF_TEN(x, 2) EACH_OF_TEN(x, 3) EACH_OF_TEN(x, 4)

#define MEMBER(n) int (*op_##n)(int a);
/* The values differ so that the compiler does not fold the functions into one. 1##n: 08 would be octal. */
#define STUB(n)                                    \
	static int testmod_many_ops__op_##n(int a) \
	{                                          \
		return -1##n;                      \
	}
#define INIT(n) .op_##n = testmod_many_ops__op_##n,
#define COUNT(n) +1

#define MANY (0 EACH(COUNT))

struct testmod_many_ops {
	EACH(MEMBER)
};

EACH(STUB)

static struct testmod_many_ops stubs = {EACH(INIT)};

typedef int (*op_fn)(int a);

static_assert(sizeof(struct testmod_many_ops) == MANY * sizeof(op_fn));

static op_fn op_of(const void *kdata, int i)
{
	return ((const op_fn *)kdata)[i];
}

static void show(struct seq_file *m, const void *kdata)
{
	int i, set = 0;

	for (i = 0; i < MANY; i++)
		set += op_of(kdata, i) != NULL;
	seq_printf(m, "set = %d\nof = %d\n", set, MANY);
}

/* argv: the operator's number, its argument */
static int call(const void *kdata, int argc, char **argv, char *result, size_t size)
{
	unsigned int i;
	op_fn op;
	int a;

	if (argc != 2 || kstrtouint(argv[0], 10, &i) || kstrtoint(argv[1], 0, &a) || i >= MANY)
		return -EINVAL;
	op = op_of(kdata, i);
	if (op)
		snprintf(result, size, "%d", op(a));
	else
		strscpy(result, "null", size);
	return 0;
}

static const struct testmod_type type = {
	.name = "testmod_many_ops",
	.show = show,
	.call = call,
};

static int init_member(const struct btf_type *t, const struct btf_member *member, void *kdata,
		       const void *udata)
{
	return 0;
}

static int reg(void *kdata, struct bpf_link *link)
{
	return testmod_reg(&type, kdata, link);
}

static void unreg(void *kdata, struct bpf_link *link)
{
	testmod_unreg(&type, kdata);
}

/* without update: most types of the kernel have none */
static struct bpf_struct_ops bpf_testmod_many_ops = {
	.verifier_ops = &testmod_verifier_ops,
	.init = testmod_no_init,
	.init_member = init_member,
	.reg = reg,
	.unreg = unreg,
	.cfi_stubs = &stubs,
	.name = "testmod_many_ops",
	.owner = THIS_MODULE,
};

int testmod_many_init(void)
{
	return register_bpf_struct_ops(&bpf_testmod_many_ops, testmod_many_ops);
}
