/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * structops_testmod: struct_ops types that were made to be tested with.
 *
 * core.c keeps the attached instances, knobs.c shows and pokes them through debugfs, each type has a file
 * of its own. The two versions of testmod_ver_ops are modules of their own: BTF is fixed when a module is
 * built, so one module cannot carry two types of one name, and a parameter cannot choose between them.
 */
#ifndef STRUCTOPS_TESTMOD_H
#define STRUCTOPS_TESTMOD_H

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#define TESTMOD_NAME_LEN 16

struct testmod_type {
	const char *name;
	/* what tells instances apart; NULL: there can be one, and it is called like the type */
	const char *(*instance_name)(const void *kdata);
	/* prints "member = value" lines */
	void (*show)(struct seq_file *m, const void *kdata);
	/* calls operator argv[0] and prints what it returned; "null" if it is NULL */
	int (*call)(const void *kdata, int argc, char **argv, char *result, size_t size);
};

struct testmod_instance {
	struct list_head list;
	const struct testmod_type *type;
	void *kdata;
	struct bpf_link *link; /* NULL: registered by a map without BPF_F_LINK */
};

/* What goes wrong on demand. The knobs of the same names are in debugfs. */
struct testmod_fault {
	u32 errno_;   /* 0: nothing */
	u32 times;    /* how often; 0: until errno_ is written again */
	u32 sleep_ms; /* before that; ended early by a fatal signal */
};

extern struct testmod_fault testmod_reg_fault, testmod_update_fault;
extern atomic_t testmod_reg_count, testmod_unreg_count, testmod_update_count;

/* The three callbacks of every type. Exported for structops_testver1 and 2. */
int testmod_reg(const struct testmod_type *type, void *kdata, struct bpf_link *link);
void testmod_unreg(const struct testmod_type *type, void *kdata);
int testmod_update(const struct testmod_type *type, void *kdata, void *old_kdata);

/* Calls FN for each instance, or for the one called NAME; core.c's mutex is held. -ENOENT: no such one. */
int testmod_for_each(int (*fn)(struct testmod_instance *instance, void *arg), void *arg);
int testmod_with(const char *name, int (*fn)(struct testmod_instance *instance, void *arg),
		 void *arg);
const char *testmod_instance_name(const struct testmod_instance *instance);

/* Ends the attachment from the kernel's side, as a subsystem would. */
int testmod_detach(const char *name);

extern const struct bpf_verifier_ops testmod_verifier_ops;
int testmod_no_init(struct btf *btf);

/* A member as the kernel got it: for init_member. */
#define TESTMOD_COPY(k, u, member)                                       \
	case offsetof(typeof(*(k)), member):                             \
		memcpy(&(k)->member, &(u)->member, sizeof((k)->member)); \
		return 1

int testmod_copy_name(char *to, const char *from);

int testmod_knobs_init(void);
void testmod_knobs_exit(void);
int testmod_basic_init(void);
int testmod_many_init(void);

#endif
