/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's side of the fake kernel: what its workers, its helper and its loop call. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/sentence.h"
#include "tests/fake-kernel-world.h"

static void wait_while_held(struct fake_policy *p)
{
	while (atomic_load(&p->held))
		usleep(500);
}

struct fake_link *fake_link(uint32_t id)
{
	return &world->links[id % LINKS_MAX];
}

static int make_link(const struct fake_policy *p, uint32_t map_id, uint32_t *ret_id)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || connect(fd, (struct sockaddr *)&world->address, sizeof(world->address)) < 0 ||
	    write(fd, p->name, strlen(p->name)) < 0 || fstat(fd, &st) < 0)
		abort();
	*ret_id = atomic_fetch_add(&world->last_link_id, 1) + 1;
	*fake_link(*ret_id) = (struct fake_link){st.st_ino, map_id};
	return fd;
}

uint32_t fake_link_id(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	for (uint32_t last = atomic_load(&world->last_link_id), id = last;
	     id > 0 && id + LINKS_MAX > last; id--)
		if (fake_link(id)->inode == st.st_ino)
			return id;
	return 0;
}

int fake_make_map(const struct fake_policy *p, unsigned life)
{
	int fd = memfd_create("fake-map", MFD_CLOEXEC);
	struct fake_map map = {.life = life};

	snprintf(map.policy, sizeof(map.policy), "%s", p->name);
	if (fd < 0 || pwrite(fd, &map, sizeof(map), 0) < 0)
		abort();
	return fd;
}

bool fake_read_map(int fd, struct fake_map *ret)
{
	return pread(fd, ret, sizeof(*ret), 0) == sizeof(*ret);
}

static enum fake_result next_result(struct fake_policy *p)
{
	if (p->n_steps == 0)
		return FAKE_ATTACHED;
	if (p->next_step < p->n_steps - 1)
		return p->steps[p->next_step++];
	return p->steps[p->n_steps - 1];
}

static void tell(struct outcome *o, enum verdict verdict, enum change change, const char *detail)
{
	o->verdict = verdict;
	o->change = change;
	o->detail = detail ? strdup(detail) : NULL;
}

/* Whose map is to be replaced: in a switch that of another policy. */
static struct fake_policy *former_of(const struct kernel_job *job, struct fake_map *ret)
{
	if (!fake_read_map(job->old->map_fd, ret))
		abort();
	return fake_find(ret->policy);
}

static void misbehave(enum fake_result result)
{
	if (result == FAKE_CRASH || result == FAKE_UPDATED_AND_CRASHED) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	while (result == FAKE_HANG)
		pause();
	if (result == FAKE_GARBAGE)
		_exit(EXIT_SUCCESS);
}

/* The device that the policy is for, by its hid_id; 0: it is for none. */
static uint32_t wanted_device(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_fields; i++)
		if (streq(policy->fields[i].path, "hid_id"))
			return (uint32_t)strtoul(policy->fields[i].value, NULL, 0);
	return 0;
}

static uint64_t nsec(struct timespec t)
{
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void stamp_object(struct outcome *o)
{
	struct stat st;

	if (stat(o->object_file, &st) < 0)
		return;
	o->stamp = (struct object_stamp){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime_nsec = nsec(st.st_mtim),
		.ctime_nsec = nsec(st.st_ctim),
	};
}

/* What is known before the load. */
static void describe_object(struct fake_policy *p, const struct kernel_job *job, struct outcome *o)
{
	const struct fake_device *device = fake_device(wanted_device(job->policy));

	strcpy(p->type, p->scheduler ? "sched_ext_ops" : device ? "hid_bpf_ops" : "fake_ops");
	o->type = strdup(p->type);
	o->map = strdup("fake");
	o->ops_name = strdup(p->name);
	o->object_file = strdup(job->policy->object_path);
	stamp_object(o);
	if (*p->slot || p->scheduler)
		o->slot = strdup(*p->slot ? p->slot : FAKE_SLOT);
}

static void describe_attachment(struct fake_policy *p, const struct kernel_job *job,
				struct outcome *o)
{
	const struct fake_device *device = fake_device(wanted_device(job->policy));

	describe_object(p, job, o);
	o->relinkable = !p->not_relinkable;
	if (p->scheduler) {
		o->device = strdup(FAKE_SCHEDULER_DEVICE);
		o->enable_seq = world->enable_seq;
	} else if (device) {
		o->device = strdup(device->devpath);
	}
	if (p->with_record)
		o->exit.value_size = sizeof(struct fake_map);
}

/* As the kernel floor does: what was noted before the first attach goes on through all lives. */
static void point_default(struct fake_policy *p, const struct outcome *before, struct outcome *o)
{
	p->counts.inherited = before ? (unsigned)before->n_defaults : 0;
	if (*p->default_former &&
	    outcome_add_default(o, "",
				p->counts.inherited ? before->defaults[0].former
						    : p->default_former) < 0)
		abort();
}

static enum verdict verdict_of(enum fake_result failure)
{
	switch (failure) {
	case FAKE_REFUSED:
		return VERDICT_REFUSED;
	case FAKE_DEAD:
		return VERDICT_DEAD;
	case FAKE_NO_TYPE:
		return VERDICT_NO_TYPE;
	case FAKE_GONE:
		return VERDICT_GONE;
	case FAKE_NO_PARENT:
		return VERDICT_NO_PARENT;
	default:
		return VERDICT_BUSY;
	}
}

/* Who holds the slot that the policy wants, which becomes its own where that is nobody; 0: it may go on. */
static uint32_t take_slot(const struct fake_policy *p, const struct kernel_job *job)
{
	struct fake_map map = {.life = 1};
	const struct fake_policy *former = job->old ? former_of(job, &map) : p;
	uint32_t holder = 0;

	if (!p->scheduler)
		return 0;
	fake_lock();
	if (world->slot_map_id && !fake_is_map_of(p, world->slot_map_id) &&
	    !fake_is_map_of(former, world->slot_map_id))
		holder = world->slot_map_id;
	else
		world->slot_map_id = fake_map_id(p, p->lives + 1);
	world->enable_seq++;
	fake_unlock();
	return holder;
}

static void attach(struct fake_policy *p, const struct kernel_job *job, enum change change,
		   struct outcome *o, struct kernel_handles *ret)
{
	uint32_t device = wanted_device(job->policy);

	if (device && !(fake_device(device) && fake_device(device)->plugged)) {
		tell(o, VERDICT_GONE, CHANGE_FRESH, "the fake kernel has no such device");
		return;
	}
	o->holder_map_id = take_slot(p, job);
	p->seen_taken |= o->holder_map_id != 0;
	if (o->holder_map_id) {
		tell(o, VERDICT_TAKEN, CHANGE_FRESH, "another fake scheduler runs");
		return;
	}
	tell(o, VERDICT_ATTACHED, change, NULL);
	point_default(p, job->before, o);
	ret->map_fd = fake_make_map(p, ++p->lives);
	o->map_id = fake_map_id(p, p->lives);
	if (p->with_record)
		ret->record_fd = fcntl(ret->map_fd, F_DUPFD_CLOEXEC, 0);
	o->linkless = p->linkless;
	if (p->linkless)
		p->registered = p->lives;
	else if (change == CHANGE_UPDATED)
		fake_link(fake_link_id(job->old->link_fd))->map_id = o->map_id;
	else
		ret->link_fd = make_link(p, o->map_id, &o->link_id);
}

static void fail(struct fake_policy *p, const struct kernel_job *job, enum fake_result result,
		 struct outcome *o, struct kernel_handles *ret)
{
	enum change change = CHANGE_FRESH;
	const struct fake_policy *former;
	struct fake_map map;

	if (result == FAKE_KEPT_RELINKED) {
		former = former_of(job, &map);
		ret->link_fd = make_link(former, fake_map_id(former, map.life), &o->link_id);
	}
	if (result == FAKE_DEAD)
		o->end = p->end;
	if (result == FAKE_KEPT) /* it came as far as that */
		point_default(p, job->before, o);
	if (job->old)
		change = result == FAKE_LOST ? CHANGE_LOST : CHANGE_KEPT;
	tell(o, verdict_of(result), change, "the fake kernel was told to fail");
}

int kernel_attach(const struct kernel_job *job, struct outcome *o, struct kernel_handles *ret)
{
	struct fake_policy *p = fake_find(job->policy->name);
	enum fake_result result = next_result(p);
	struct fake_map map;

	p->counts.sched_load = sched_getscheduler(0);
	if (job->old)
		p->counts.replaces++;
	else
		p->counts.attaches++;
	p->replaced_unseen = false;
	if (result == FAKE_UPDATED_AND_CRASHED)
		former_of(job, &map)->replaced_unseen = true;
	misbehave(result);
	describe_attachment(p, job, o);

	if (result == FAKE_LOST || result == FAKE_SWAPPED || result == FAKE_KEPT_RELINKED)
		shutdown(job->old->link_fd, SHUT_RDWR);
	if (result == FAKE_SWAPPED)
		attach(p, job, CHANGE_SWAPPED, o, ret);
	else if (result == FAKE_ATTACHED)
		attach(p, job, job->old ? CHANGE_UPDATED : CHANGE_FRESH, o, ret);
	else
		fail(p, job, result, o, ret);
	wait_while_held(p);
	return 0;
}

static void note_privileges(struct fake_counts *counts)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {0};
	DIR *dir = opendir("/proc/self/fd");

	if (syscall(SYS_capget, &header, has) < 0 || !dir)
		abort();
	counts->check_capabilities = has[0].permitted | (uint64_t)has[1].permitted << 32;
	counts->check_fds = 0;
	for (const struct dirent *e; (e = readdir(dir));)
		counts->check_fds += *e->d_name != '.' && atoi(e->d_name) != dirfd(dir);
	closedir(dir);
}

int kernel_check(const struct kernel_job *job, struct outcome *o)
{
	struct fake_policy *p = fake_find(job->policy->name);

	note_privileges(&p->counts);
	p->counts.checks++;
	misbehave(p->check_result);
	while (atomic_load(&p->check_held))
		usleep(500);
	describe_object(p, job, o);
	if (*p->check_refusal)
		tell(o, VERDICT_REFUSED, CHANGE_FRESH, p->check_refusal);
	else
		tell(o, VERDICT_FITS, CHANGE_FRESH, NULL);
	return 0;
}

int kernel_relink(int map_fd, int *ret_link_fd, uint32_t *ret_link_id)
{
	struct fake_policy *p;
	struct fake_map map;

	if (!fake_read_map(map_fd, &map))
		return -EINVAL;
	p = fake_find(map.policy);
	p->counts.relinks++;
	p->counts.sched_relink = sched_getscheduler(0);
	while (p->hang_relink)
		pause();
	if (p->relink_error)
		return -p->relink_error;
	*ret_link_fd = make_link(p, fake_map_id(p, map.life), ret_link_id);
	return 0;
}

int kernel_detach(const struct kernel_handles *h, const struct outcome *o,
		  struct messages *ret_notes)
{
	struct fake_policy *p = fake_find(o && o->ops_name ? o->ops_name : "");

	p->counts.sched_detach = sched_getscheduler(0);
	p->counts.given_back += o ? (unsigned)o->n_defaults : 0;
	if (o && o->n_defaults && messages_add(ret_notes, "a fake note") < 0)
		return -ENOMEM;
	wait_while_held(p);
	if (h->map_fd < 0 && h->link_fd < 0)
		return 0;
	p->counts.detaches++;
	p->lives_ended = p->lives;
	fake_free_slot(p);
	p->registered = 0;
	if (h->link_fd < 0)
		return 0;
	return shutdown(h->link_fd, SHUT_RDWR) < 0 ? -errno : 0;
}

/* What became of an attachment. */

static uint32_t map_of(const struct kernel_handles *h, const struct fake_map *map)
{
	const struct fake_policy *p = fake_find(map->policy);

	if (p->replaced_unseen)
		return UNSEEN_MAP_ID;
	return h->link_fd >= 0 ? fake_link(fake_link_id(h->link_fd))->map_id
			       : fake_map_id(p, map->life);
}

int kernel_state(const struct kernel_handles *h, uint32_t *ret_map_id)
{
	struct fake_map map;

	if (!fake_read_map(h->map_fd, &map))
		return -EINVAL;
	if (ret_map_id)
		*ret_map_id = map_of(h, &map);
	return h->link_fd >= 0 ? !fake_hung_up(h->link_fd)
			       : fake_find(map.policy)->registered == map.life;
}

static char *why_not_alive(const struct kernel_handles *h, const struct outcome *o,
			   const struct fake_map *map)
{
	const struct fake_policy *p = fake_find(map->policy);

	if (h->link_fd >= 0 && fake_hung_up(h->link_fd))
		return sentence("the fake link is detached");
	if (!p->scheduler && o->device && !fake_is_plugged(o->device))
		return sentence("the fake device is gone");
	if (p->scheduler && map->life <= p->lives_ended)
		return sentence("no fake scheduler runs");
	if (p->replaced_unseen)
		return sentence("the fake link has another map");
	if (p->disabling)
		return sentence("the fake kernel is disabling it");
	return NULL;
}

int kernel_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why)
{
	struct fake_map map;
	char *why;

	if (!fake_read_map(h->map_fd, &map))
		return -EINVAL;
	fake_find(map.policy)->counts.looks++;
	why = why_not_alive(h, o, &map);
	if (!why)
		return 1;
	*ret_why = why;
	return fake_find(map.policy)->disabling ? 2 : 0;
}

int kernel_exit_read(const struct kernel_handles *h, const struct outcome *o,
		     struct exit_record *ret)
{
	struct fake_map map;
	const struct fake_policy *p;

	if (o->exit.value_size == 0 || h->record_fd < 0)
		return 0;
	if (!fake_read_map(h->record_fd, &map))
		return -EBADMSG;
	p = fake_find(map.policy);
	if (map.life > p->lives_ended || p->end.kind == 0)
		return 0;
	*ret = p->end;
	return 1;
}

int kernel_exit_dump(const struct kernel_handles *h, const struct outcome *o, const char *path)
{
	FILE *f;

	if (h->record_fd < 0)
		return 0;
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%s\n", o->end.reason);
	fclose(f);
	return 1;
}

int kernel_users(const struct kernel_handles *h)
{
	struct fake_map map;

	return fake_read_map(h->map_fd, &map) ? fake_find(map.policy)->users : -EINVAL;
}

bool kernel_counts_runs(void)
{
	return false;
}

int kernel_program_runs(uint32_t id, uint64_t *ret_calls, uint64_t *ret_nsec)
{
	return -ENOENT;
}

int kernel_survey(const uint32_t *ours, size_t n_ours, struct outcome *ret)
{
	struct outcome_foreign *f;

	world->surveyed = (unsigned)n_ours;
	if (!*world->foreign_holder)
		return -EPERM;
	f = outcome_add_foreign(ret);
	if (!f)
		return -ENOMEM;
	f->map_id = FOREIGN_MAP_ID;
	f->type = strdup("fake_ops");
	f->map = strdup("foreign");
	return messages_add(&f->holders, "%s", world->foreign_holder);
}

bool kernel_link_can_poll(int link_fd)
{
	return !world->not_pollable;
}

void kernel_handles_close(struct kernel_handles *h)
{
	h->map_fd = safe_close(h->map_fd);
	h->link_fd = safe_close(h->link_fd);
	h->record_fd = safe_close(h->record_fd);
	h->dump_fd = safe_close(h->dump_fd);
}
