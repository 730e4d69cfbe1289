// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instances: what is attached now. One mutex guards the list and keeps each instance's kdata and link
 * valid while it is held. It is never held across a link's detach(), which calls testmod_unreg().
 */
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "testmod.h"

static LIST_HEAD(instances);
static DEFINE_MUTEX(lock);

struct testmod_fault testmod_reg_fault, testmod_update_fault;
atomic_t testmod_reg_count, testmod_unreg_count, testmod_update_count;

static int suffer(struct testmod_fault *fault)
{
	u32 sleep_ms = READ_ONCE(fault->sleep_ms);
	int err = 0;

	if (sleep_ms) {
		schedule_timeout_killable(msecs_to_jiffies(sleep_ms));
		if (fatal_signal_pending(current))
			return -EINTR;
	}

	mutex_lock(&lock);
	if (fault->errno_) {
		err = -(int)fault->errno_;
		if (fault->times && --fault->times == 0)
			fault->errno_ = 0;
	}
	mutex_unlock(&lock);
	return err;
}

const char *testmod_instance_name(const struct testmod_instance *instance)
{
	const struct testmod_type *type = instance->type;

	return type->instance_name ? type->instance_name(instance->kdata) : type->name;
}

static struct testmod_instance *find_by_name(const char *name)
{
	struct testmod_instance *i;

	list_for_each_entry(i, &instances,
			    list) if (!strcmp(testmod_instance_name(i), name)) return i;
	return NULL;
}

static struct testmod_instance *find_by_kdata(const void *kdata)
{
	struct testmod_instance *i;

	list_for_each_entry(i, &instances, list) if (i->kdata == kdata) return i;
	return NULL;
}

int testmod_reg(const struct testmod_type *type, void *kdata, struct bpf_link *link)
{
	struct testmod_instance *instance;
	int err;

	atomic_inc(&testmod_reg_count);
	err = suffer(&testmod_reg_fault);
	if (err)
		return err;

	instance = kzalloc(sizeof(*instance), GFP_KERNEL);
	if (!instance)
		return -ENOMEM;
	instance->type = type;
	instance->kdata = kdata;
	instance->link = link;

	mutex_lock(&lock);
	if (find_by_name(testmod_instance_name(instance)))
		err = -EEXIST;
	else
		list_add_tail(&instance->list, &instances);
	mutex_unlock(&lock);

	if (err)
		kfree(instance);
	return err;
}
EXPORT_SYMBOL_GPL(testmod_reg);

void testmod_unreg(const struct testmod_type *type, void *kdata)
{
	struct testmod_instance *instance;

	atomic_inc(&testmod_unreg_count);
	mutex_lock(&lock);
	instance = find_by_kdata(kdata);
	if (instance)
		list_del(&instance->list);
	mutex_unlock(&lock);
	kfree(instance);
}
EXPORT_SYMBOL_GPL(testmod_unreg);

int testmod_update(const struct testmod_type *type, void *kdata, void *old_kdata)
{
	struct testmod_instance *instance;
	int err;

	atomic_inc(&testmod_update_count);
	err = suffer(&testmod_update_fault);
	if (err)
		return err;

	mutex_lock(&lock);
	instance = find_by_kdata(old_kdata);
	if (!instance)
		err = -ENOENT;
	else if (type->instance_name &&
		 strcmp(type->instance_name(kdata), type->instance_name(old_kdata)))
		err = -EINVAL; /* as TCP: an update does not rename */
	else
		instance->kdata = kdata;
	mutex_unlock(&lock);
	return err;
}
EXPORT_SYMBOL_GPL(testmod_update);

int testmod_for_each(int (*fn)(struct testmod_instance *instance, void *arg), void *arg)
{
	struct testmod_instance *i;
	int err = 0;

	mutex_lock(&lock);
	list_for_each_entry(i, &instances, list)
	{
		err = fn(i, arg);
		if (err)
			break;
	}
	mutex_unlock(&lock);
	return err;
}

int testmod_with(const char *name, int (*fn)(struct testmod_instance *instance, void *arg),
		 void *arg)
{
	struct testmod_instance *instance;
	int err;

	mutex_lock(&lock);
	instance = find_by_name(name);
	err = instance ? fn(instance, arg) : -ENOENT;
	mutex_unlock(&lock);
	return err;
}

/* The link is alive as long as its instance is in the list, but its last reference may be gone already. */
static int get_link(struct testmod_instance *instance, void *arg)
{
	struct bpf_link **ret_link = arg;
	struct bpf_link *link;

	if (!instance->link)
		return -EOPNOTSUPP;
	link = bpf_link_inc_not_zero(instance->link);
	if (IS_ERR(link))
		return PTR_ERR(link);
	*ret_link = link;
	return 0;
}

int testmod_detach(const char *name)
{
	struct bpf_link *link;
	int err;

	err = testmod_with(name, get_link, &link);
	if (err)
		return err;
	err = link->ops->detach(link);
	bpf_link_put(link);
	return err;
}

static bool is_valid_access(int off, int size, enum bpf_access_type type,
			    const struct bpf_prog *prog, struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

const struct bpf_verifier_ops testmod_verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = is_valid_access,
};
EXPORT_SYMBOL_GPL(testmod_verifier_ops);

int testmod_no_init(struct btf *btf)
{
	return 0;
}
EXPORT_SYMBOL_GPL(testmod_no_init);

/* For init_member: 1, or -EINVAL for a name that is empty or does not end. */
int testmod_copy_name(char *to, const char *from)
{
	size_t len = strnlen(from, TESTMOD_NAME_LEN);

	if (!len || len == TESTMOD_NAME_LEN)
		return -EINVAL;
	memcpy(to, from, len + 1);
	return 1;
}
EXPORT_SYMBOL_GPL(testmod_copy_name);

static int __init testmod_init(void)
{
	int err;

	err = testmod_basic_init();
	if (!err)
		err = testmod_many_init();
	if (!err)
		err = testmod_knobs_init();
	return err;
}

static void __exit testmod_exit(void)
{
	testmod_knobs_exit();
}

module_init(testmod_init);
module_exit(testmod_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("struct_ops types to test structopsd with");
