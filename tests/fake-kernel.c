/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fake-kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define POLICIES_MAX 64
#define STEPS_MAX 64
#define LINKS_MAX 1024
#define FAKE_MAP_ID 7

struct fake_policy {
	char name[POLICY_NAME_MAX + 1];
	enum fake_result steps[STEPS_MAX];
	size_t n_steps, next_step;
	bool not_relinkable, hang_relink;
	int relink_error;
	struct fake_counts counts;
};

/* Shared with workers and the helper. They run one at a time for one policy, so plain members do. */
static struct fake_world {
	struct sockaddr_un address;
	bool not_pollable, updated_unseen;
	atomic_uint last_link_id;
	atomic_flag finding; /* workers may look for a new name at the same time */
	struct fake_policy policies[POLICIES_MAX];
} * world;

/* The test's side: the "kernel" ends of the links. */
static struct {
	int listen_fd, uevent_fd;
	bool lost_uevents;
	struct {
		char policy[POLICY_NAME_MAX + 1];
		int fd;
	} links[LINKS_MAX];
	size_t n_links;
} kernel = {.listen_fd = -EBADF, .uevent_fd = -EBADF};

void fake_kernel_done(void)
{
	for (size_t i = 0; i < kernel.n_links; i++)
		safe_close(kernel.links[i].fd);
	kernel.n_links = 0;
	kernel.listen_fd = safe_close(kernel.listen_fd);
	kernel.uevent_fd = safe_close(kernel.uevent_fd);
}

void fake_kernel_reset(const char *dir)
{
	fake_kernel_done();
	if (!world)
		world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world == MAP_FAILED)
		abort();
	memset(world, 0, sizeof(*world));
	world->address.sun_family = AF_UNIX;
	snprintf(world->address.sun_path, sizeof(world->address.sun_path), "%s/kernel", dir);

	kernel.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(world->address.sun_path);
	if (bind(kernel.listen_fd, (struct sockaddr *)&world->address, sizeof(world->address)) <
		    0 ||
	    listen(kernel.listen_fd, LINKS_MAX) < 0)
		abort();
}

static struct fake_policy *find(const char *name)
{
	struct fake_policy *p = world->policies;

	while (atomic_flag_test_and_set(&world->finding))
		;
	while (*p->name && !streq(p->name, name))
		if (++p == world->policies + POLICIES_MAX)
			abort();
	snprintf(p->name, sizeof(p->name), "%s", name);
	atomic_flag_clear(&world->finding);
	return p;
}

void fake_kernel_script(const char *policy, const enum fake_result *results, size_t n)
{
	struct fake_policy *p = find(policy);

	memcpy(p->steps, results, n * sizeof(*results));
	p->n_steps = n;
	p->next_step = 0;
}

void fake_kernel_set_relinkable(const char *policy, bool relinkable)
{
	find(policy)->not_relinkable = !relinkable;
}

void fake_kernel_fail_relink(const char *policy, int error)
{
	find(policy)->relink_error = error;
}

void fake_kernel_hang_relink(const char *policy)
{
	find(policy)->hang_relink = true;
}

void fake_kernel_set_pollable(bool pollable)
{
	world->not_pollable = !pollable;
}

struct fake_counts fake_kernel_counts(const char *policy)
{
	return find(policy)->counts;
}

/* Links, seen from the kernel's end. */

static bool hung_up(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* Takes the new links over, and forgets those that nobody holds any more. */
static void look_at_links(void)
{
	size_t kept = 0;
	int fd;

	while ((fd = accept4(kernel.listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (kernel.n_links == LINKS_MAX)
			abort();
		memset(kernel.links[kernel.n_links].policy, 0, POLICY_NAME_MAX + 1);
		if (read(fd, kernel.links[kernel.n_links].policy, POLICY_NAME_MAX) <= 0)
			abort();
		kernel.links[kernel.n_links++].fd = fd;
	}
	for (size_t i = 0; i < kernel.n_links; i++)
		if (hung_up(kernel.links[i].fd))
			close(kernel.links[i].fd);
		else
			kernel.links[kept++] = kernel.links[i];
	kernel.n_links = kept;
}

void fake_kernel_detach_foreign(const char *policy)
{
	look_at_links();
	for (size_t i = 0; i < kernel.n_links; i++)
		if (streq(kernel.links[i].policy, policy))
			shutdown(kernel.links[i].fd, SHUT_RDWR);
}

bool fake_kernel_is_attached(const char *policy)
{
	look_at_links();
	for (size_t i = 0; i < kernel.n_links; i++)
		if (streq(kernel.links[i].policy, policy))
			return true;
	return false;
}

/* Uevents. */

void fake_kernel_load_module(void)
{
	static const char text[] = "add@/module/fake\0ACTION=add\0DEVPATH=/module/fake\0"
				   "SUBSYSTEM=module";

	if (send(kernel.uevent_fd, text, sizeof(text), 0) < 0)
		abort();
}

void fake_kernel_lose_uevents(void)
{
	kernel.lost_uevents = true;
	fake_kernel_load_module();
}

int kernel_uevent_open(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	safe_close(kernel.uevent_fd);
	kernel.uevent_fd = pair[0];
	return pair[1];
}

int kernel_uevent_receive(int fd, char *buffer, size_t size, struct uevent *ret)
{
	ssize_t n = recv(fd, buffer, size, 0);

	if (n < 0)
		return -errno;
	if (kernel.lost_uevents) {
		kernel.lost_uevents = false;
		return -ENOBUFS;
	}
	return uevent_parse(buffer, (size_t)n, ret) == 0;
}

/* The daemon's side. */

static int make_link(const struct fake_policy *p, uint32_t *ret_id)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&world->address, sizeof(world->address)) < 0 ||
	    write(fd, p->name, strlen(p->name)) < 0)
		abort();
	*ret_id = atomic_fetch_add(&world->last_link_id, 1) + 1;
	return fd;
}

static int make_map(const struct fake_policy *p)
{
	int fd = memfd_create("fake-map", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, p->name, sizeof(p->name), 0) < 0)
		abort();
	return fd;
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

static void misbehave(enum fake_result result)
{
	world->updated_unseen = result == FAKE_UPDATED_AND_CRASHED;
	if (result == FAKE_CRASH || result == FAKE_UPDATED_AND_CRASHED) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	while (result == FAKE_HANG)
		pause();
	if (result == FAKE_GARBAGE)
		_exit(EXIT_SUCCESS);
}

static void describe_attachment(const struct fake_policy *p, const struct kernel_job *job,
				struct outcome *o)
{
	o->type = strdup("fake_ops");
	o->map = strdup("fake");
	o->object_file = strdup(job->policy->object_path);
	o->relinkable = !p->not_relinkable;
	o->map_id = FAKE_MAP_ID;
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
	default:
		return VERDICT_BUSY;
	}
}

int kernel_attach(const struct kernel_job *job, struct outcome *o, struct kernel_handles *ret)
{
	struct fake_policy *p = find(job->policy->name);
	enum fake_result result = next_result(p);
	enum change failed = CHANGE_FRESH;

	if (job->old)
		p->counts.replaces++;
	else
		p->counts.attaches++;
	misbehave(result);
	describe_attachment(p, job, o);

	if (result == FAKE_LOST || result == FAKE_SWAPPED || result == FAKE_KEPT_RELINKED)
		shutdown(job->old->link_fd, SHUT_RDWR);
	if (result == FAKE_ATTACHED || result == FAKE_SWAPPED) {
		tell(o, VERDICT_ATTACHED,
		     !job->old                ? CHANGE_FRESH
		     : result == FAKE_SWAPPED ? CHANGE_SWAPPED
					      : CHANGE_UPDATED,
		     NULL);
		ret->map_fd = make_map(p);
		if (o->change != CHANGE_UPDATED)
			ret->link_fd = make_link(p, &o->link_id);
		return 0;
	}
	if (result == FAKE_KEPT_RELINKED)
		ret->link_fd = make_link(p, &o->link_id);
	if (job->old)
		failed = result == FAKE_LOST ? CHANGE_LOST : CHANGE_KEPT;
	tell(o, verdict_of(result), failed, "the fake kernel was told to fail");
	return 0;
}

int kernel_relink(int map_fd, int *ret_link_fd, uint32_t *ret_link_id)
{
	char name[POLICY_NAME_MAX + 1] = "";
	struct fake_policy *p;

	if (pread(map_fd, name, sizeof(name) - 1, 0) < 0)
		return -errno;
	p = find(name);
	p->counts.relinks++;
	while (p->hang_relink)
		pause();
	if (p->relink_error)
		return -p->relink_error;
	*ret_link_fd = make_link(p, ret_link_id);
	return 0;
}

int kernel_detach(const struct kernel_handles *h)
{
	return shutdown(h->link_fd, SHUT_RDWR) < 0 ? -errno : 0;
}

/* The fake's maps all have the same id, but one that a worker gave the link and did not tell of. */
int kernel_state(const struct kernel_handles *h, uint32_t *ret_map_id)
{
	if (ret_map_id)
		*ret_map_id = world->updated_unseen ? FAKE_MAP_ID + 1 : FAKE_MAP_ID;
	return !hung_up(h->link_fd);
}

bool kernel_link_can_poll(int link_fd)
{
	return !world->not_pollable;
}

void kernel_handles_close(struct kernel_handles *h)
{
	h->map_fd = safe_close(h->map_fd);
	h->link_fd = safe_close(h->link_fd);
}
