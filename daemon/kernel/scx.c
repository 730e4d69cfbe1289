/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/scx.h"

#include <fcntl.h>
#include <glob.h>

#include "common/sentence.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

/* As in uevents; its files are below /sys. */
#define ROOT_DEVICE "/kernel/sched_ext/root"
#define ROOT_PLACE "sched_ext_ops" /* of both forms */
#define SUB_DEPTH_MAX 4            /* SCX_SUB_MAX_DEPTH: a sub-scheduler can have its own */

static const char *folder = "/sys/kernel/sched_ext";

void scx_set_folder(const char *path)
{
	folder = path;
}

int scx_read(const char *name, char *buffer, size_t size)
{
	_cleanup_(freep) char *path = sentence("%s/%s", folder, name);
	_cleanup_(closep) int fd = -EBADF;
	ssize_t n;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buffer, size);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EMSGSIZE;
	if (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return (int)n;
}

int scx_read_number(const char *name, uint64_t *ret)
{
	char text[32], *end;
	uint64_t number;
	int r;

	r = scx_read(name, text, sizeof(text));
	if (r < 0)
		return r;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return -EBADMSG;
	*ret = number;
	return 0;
}

uint64_t scx_enable_seq(void)
{
	uint64_t seq = 0;

	return scx_read_number("enable_seq", &seq) < 0 ? 0 : seq;
}

/* The cgroup that a sub-scheduler is for; 0: it is to be the root scheduler. */
static uint64_t sub_cgroup(const struct attempt *a)
{
	uint64_t id = 0;

	return attempt_member(a, "sub_cgroup_id", &id, sizeof(id)) && id > 1 ? id : 0;
}

int scx_explain(struct attempt *a, int error)
{
	const struct outcome *o = a->outcome;
	uint64_t cgroup = sub_cgroup(a);

	if (cgroup == 0)
		return 0;
	if (error == -ENOENT)
		return verdict_refused(
			a->outcome, error,
			"there is no cgroup with the id %llu (member \"sub_cgroup_id\" of map "
			"\"%s\"; it is the inode of the cgroup's folder below /sys/fs/cgroup)",
			(unsigned long long)cgroup, o->map);
	if (error != -ENODEV && error != -EOPNOTSUPP)
		return 0;
	return verdict_no_parent(a->outcome, error,
				 "map \"%s\" (%s) is a scheduler for a cgroup, and %s: it is "
				 "attached as soon as one "
				 "does",
				 o->map, o->type,
				 error == -ENODEV
					 ? "no scheduler runs above it"
					 : "the one above it takes none (it has no sub_attach)");
}

char *scx_place(const struct attempt *a)
{
	uint64_t sub = sub_cgroup(a);

	if (sub == 0)
		return strdup(ROOT_PLACE);
	return sentence(ROOT_PLACE " sub-%llu", (unsigned long long)sub);
}

char *scx_uevent_place(const struct uevent *e)
{
	const char *last = strrchr(e->devpath, '/');

	if (!streq(e->subsystem, "sched_ext"))
		return NULL;
	if (streq(e->devpath, ROOT_DEVICE))
		return strdup(ROOT_PLACE);
	/* Of a sub-scheduler's own folder, as opposed to the one for its sub-schedulers, which comes with each. */
	if (strncmp(e->devpath, ROOT_DEVICE "/sub/", strlen(ROOT_DEVICE "/sub/")) != 0 ||
	    strncmp(last, "/sub-", strlen("/sub-")) != 0)
		return NULL;
	return sentence(ROOT_PLACE " %s", last + 1);
}

static char *first_match(const char *pattern)
{
	glob_t found = {0};
	char *path = NULL;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0)
		path = strdup(found.gl_pathv[0] + strlen(folder) + 1);
	globfree(&found);
	return path;
}

/* "root", or where the sub-scheduler's folder is: below its parent's. NULL: not there, or out of memory. */
static char *find_folder(const struct attempt *a)
{
	_cleanup_(freep) char *parent = sentence("%s/root/sub", folder);
	uint64_t sub = sub_cgroup(a);

	if (sub == 0)
		return strdup("root");
	for (int depth = 0; parent && depth < SUB_DEPTH_MAX; depth++) {
		_cleanup_(freep) char *pattern = sentence("%s/sub-%llu", parent,
							  (unsigned long long)sub);
		char *path = pattern ? first_match(pattern) : NULL;
		char *deeper;

		if (path)
			return path;
		deeper = sentence("%s/*/sub", parent);
		free(parent);
		parent = deeper;
	}
	return NULL;
}

static bool state_is(const char *wanted)
{
	char state[32];

	return scx_read("state", state, sizeof(state)) >= 0 && streq(state, wanted);
}

/* The name in the folder of a scheduler, which is there while it runs. As scx_read(). */
static int read_ops(const char *place, char *buffer, size_t size)
{
	_cleanup_(freep) char *name = sentence("%s/ops", place);

	return name ? scx_read(name, buffer, size) : -ENOMEM;
}

#define OPS_NAME_SIZE 130 /* SCX_OPS_NAME_LEN, a newline and a NUL */

int scx_place_holder(const struct attempt *a, char **ret_name)
{
	_cleanup_(freep) char *place = find_folder(a);
	char ops[OPS_NAME_SIZE];

	if (!place || !state_is("enabled") || read_ops(place, ops, sizeof(ops)) < 0)
		return 0;
	*ret_name = strdup(ops);
	return *ret_name ? 1 : -ENOMEM;
}

static int not_alive(char **ret_why, char *why)
{
	*ret_why = why;
	return 0;
}

/* The last step of the kernel's farewell is the state; everything else is said by then. */
static int check_sysfs(const struct outcome *o, char **ret_why)
{
	const char *place = o->device + strlen("/kernel/sched_ext/");
	char state[32], ops[OPS_NAME_SIZE];
	int r;

	r = scx_read("state", state, sizeof(state));
	if (r < 0)
		return r;
	if (!streq(state, "enabled"))
		return not_alive(ret_why,
				 sentence("sched_ext is \"%s\" (%s/state): no BPF scheduler runs",
					  state, folder));
	r = read_ops(place, ops, sizeof(ops));
	if (r == -ENOENT)
		return not_alive(
			ret_why,
			sentence("%s/%s is not there: this scheduler does not run", folder, place));
	if (r < 0)
		return r;
	if (o->ops_name && !streq(ops, o->ops_name))
		return not_alive(ret_why, sentence("the scheduler that runs is \"%s\", not \"%s\" "
						   "(%s/%s/ops)",
						   ops, o->ops_name, folder, place));
	return 1;
}

static int check_enable_seq(const struct outcome *o, char **ret_why)
{
	uint64_t seq = scx_enable_seq();

	if (o->enable_seq == 0 || seq == o->enable_seq)
		return 1;
	return not_alive(ret_why,
			 sentence("another scheduler was enabled since (%s/enable_seq is %llu, and "
				  "was %llu)",
				  folder, (unsigned long long)seq,
				  (unsigned long long)o->enable_seq));
}

int scx_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why)
{
	struct exit_record end;
	int r;

	if (!o->device)
		return -EINVAL;
	/* First: of all that tells of an end it alone knows why. One that cannot be read leaves the rest to tell. */
	if (kernel_exit_read(h, o, &end) == 1)
		return not_alive(ret_why, exit_record_text(&end));
	if (o->exit.value_size > 0 && state_is("disabling")) {
		*ret_why = sentence("the kernel is disabling it (%s/state)", folder);
		return 2;
	}
	r = check_sysfs(o, ret_why);
	return r == 1 ? check_enable_seq(o, ret_why) : r;
}

/* An end that is under way: then the exit record may not be written yet. It takes RCU and a walk over all tasks. */
static void wait_while_disabling(void)
{
	for (int i = 0; i < 100 && state_is("disabling"); i++)
		usleep(10 * 1000);
}

static int dead(struct attempt *a, const struct kernel_handles *h, const char *why)
{
	struct outcome *o = a->outcome;
	bool has_record = kernel_exit_read(h, o, &o->end) == 1;
	_cleanup_(freep) char *end = has_record ? exit_record_text(&o->end) : strdup(why);

	if (!end)
		return -ENOMEM;
	return verdict_dead(o, 0,
			    "map \"%s\" (%s) was attached, but the kernel does not run it: %s%s",
			    o->map, o->type, end,
			    has_record ? ""
				       : ". Its object has no exit record that would say why; the "
					 "kernel log has a line of \"sched_ext:\"");
}

int scx_after_attach(struct attempt *a, const struct kernel_handles *h)
{
	_cleanup_(freep) char *place = NULL, *why = NULL;
	struct outcome *o = a->outcome;
	int r;

	wait_while_disabling();
	place = find_folder(a);
	if (!place)
		return dead(a, h, "it has no folder in /sys/kernel/sched_ext");
	free(o->device);
	o->device = sentence("/kernel/sched_ext/%s", place);
	if (!o->device)
		return -ENOMEM;
	/* Sub-schedulers do not count. */
	if (streq(o->device, ROOT_DEVICE) && o->enable_seq <= a->enable_seq_before)
		return dead(a, h, "it was never enabled");
	r = scx_alive(h, o, &why);
	if (r < 0)
		return verdict_dead(o, r,
				    "map \"%s\" (%s) was attached, but whether the kernel runs it "
				    "cannot be read from %s: %s",
				    o->map, o->type, folder, strerror(-r));
	if (r == 2)
		wait_while_disabling();
	return r == 1 ? 0 : dead(a, h, or_empty(why));
}
