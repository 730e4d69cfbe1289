// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/structops_testmod/
 *   show           every instance: "[NAME]", then its members as the kernel has them
 *   call           write "NAME OPERATOR ARGUMENTS…", read what the operator returned
 *   detach         write NAME: the kernel ends this attachment
 *   stat           how often reg(), unreg() and update() ran
 *   reg_errno, reg_times, reg_sleep_ms, update_…   see struct testmod_fault
 */
#include <linux/debugfs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "testmod.h"

#define MAX_WORDS 8

static struct dentry *dir;
static char last_result[64];
static DEFINE_MUTEX(result_lock);

struct call {
	int argc;
	char **argv;
};

static int show_one(struct testmod_instance *instance, void *arg)
{
	struct seq_file *m = arg;

	seq_printf(m, "[%s]\n", testmod_instance_name(instance));
	seq_printf(m, "type = %s\n", instance->type->name);
	seq_printf(m, "link = %s\n", instance->link ? "yes" : "no");
	instance->type->show(m, instance->kdata);
	return 0;
}

static int show_show(struct seq_file *m, void *unused)
{
	return testmod_for_each(show_one, m);
}
DEFINE_SHOW_ATTRIBUTE(show);

static int stat_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "reg %d\nunreg %d\nupdate %d\n", atomic_read(&testmod_reg_count),
		   atomic_read(&testmod_unreg_count), atomic_read(&testmod_update_count));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stat);

static int call_one(struct testmod_instance *instance, void *arg)
{
	struct call *call = arg;

	return instance->type->call(instance->kdata, call->argc, call->argv, last_result,
				    sizeof(last_result));
}

static int split_words(char *text, char **words)
{
	char *word;
	int n = 0;

	while ((word = strsep(&text, " \n"))) {
		if (!*word)
			continue;
		if (n == MAX_WORDS)
			return -E2BIG;
		words[n++] = word;
	}
	return n;
}

static ssize_t call_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char *words[MAX_WORDS];
	struct call call;
	char *text;
	int n, err;

	text = memdup_user_nul(buf, min_t(size_t, len, PAGE_SIZE));
	if (IS_ERR(text))
		return PTR_ERR(text);

	n = split_words(text, words);
	if (n < 2) {
		err = n < 0 ? n : -EINVAL;
	} else {
		call.argc = n - 1;
		call.argv = words + 1;
		mutex_lock(&result_lock);
		err = testmod_with(words[0], call_one, &call);
		mutex_unlock(&result_lock);
	}
	kfree(text);
	return err ?: len;
}

static ssize_t call_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	char text[sizeof(last_result) + 1];
	int n;

	mutex_lock(&result_lock);
	n = scnprintf(text, sizeof(text), "%s\n", last_result);
	mutex_unlock(&result_lock);
	return simple_read_from_buffer(buf, len, pos, text, n);
}

static const struct file_operations call_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = call_read,
	.write = call_write,
};

static ssize_t detach_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char *name;
	int err;

	name = memdup_user_nul(buf, min_t(size_t, len, TESTMOD_NAME_LEN));
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = testmod_detach(strim(name));
	kfree(name);
	return err ?: len;
}

static const struct file_operations detach_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = detach_write,
};

static void create_fault(const char *what, struct testmod_fault *fault)
{
	char name[32];

	snprintf(name, sizeof(name), "%s_errno", what);
	debugfs_create_u32(name, 0644, dir, &fault->errno_);
	snprintf(name, sizeof(name), "%s_times", what);
	debugfs_create_u32(name, 0644, dir, &fault->times);
	snprintf(name, sizeof(name), "%s_sleep_ms", what);
	debugfs_create_u32(name, 0644, dir, &fault->sleep_ms);
}

int testmod_knobs_init(void)
{
	dir = debugfs_create_dir("structops_testmod", NULL);
	debugfs_create_file("show", 0444, dir, NULL, &show_fops);
	debugfs_create_file("stat", 0444, dir, NULL, &stat_fops);
	debugfs_create_file("call", 0644, dir, NULL, &call_fops);
	debugfs_create_file("detach", 0200, dir, NULL, &detach_fops);
	create_fault("reg", &testmod_reg_fault);
	create_fault("update", &testmod_update_fault);
	return 0;
}

void testmod_knobs_exit(void)
{
	debugfs_remove_recursive(dir);
}
