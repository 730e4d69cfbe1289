/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/fake-kernel-world.h"

struct fake_world *world;

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
	fake_kernel_drop_pins();
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

void fake_lock(void)
{
	while (atomic_flag_test_and_set(&world->busy))
		;
}

void fake_unlock(void)
{
	atomic_flag_clear(&world->busy);
}

struct fake_policy *fake_find(const char *name)
{
	struct fake_policy *p = world->policies;

	fake_lock();
	while (*p->name && !streq(p->name, name))
		if (++p == world->policies + POLICIES_MAX)
			abort();
	/* Once: another process may be reading it without the lock. */
	if (!*p->name)
		snprintf(p->name, sizeof(p->name), "%s", name);
	fake_unlock();
	return p;
}

uint32_t fake_map_id(const struct fake_policy *p, unsigned life)
{
	return FAKE_MAP_ID + (uint32_t)(p - world->policies) + (life - 1) * POLICIES_MAX;
}

bool fake_is_map_of(const struct fake_policy *p, uint32_t map_id)
{
	return map_id >= FAKE_MAP_ID && map_id < UNSEEN_MAP_ID &&
	       (map_id - FAKE_MAP_ID) % POLICIES_MAX == (uint32_t)(p - world->policies);
}

void fake_kernel_script(const char *policy, const enum fake_result *results, size_t n)
{
	struct fake_policy *p = fake_find(policy);

	memcpy(p->steps, results, n * sizeof(*results));
	p->n_steps = n;
	p->next_step = 0;
}

void fake_kernel_refuse_check(const char *policy, const char *sentence)
{
	struct fake_policy *p = fake_find(policy);

	snprintf(p->check_refusal, sizeof(p->check_refusal), "%s", or_empty(sentence));
}

void fake_kernel_misbehave_at_check(const char *policy, enum fake_result result)
{
	fake_find(policy)->check_result = result;
}

void fake_kernel_hold_check(const char *policy, bool hold)
{
	atomic_store(&fake_find(policy)->check_held, hold);
}

void fake_kernel_set_slot(const char *policy, const char *slot)
{
	struct fake_policy *p = fake_find(policy);

	snprintf(p->slot, sizeof(p->slot), "%s", or_empty(slot));
}

void fake_kernel_set_relinkable(const char *policy, bool relinkable)
{
	fake_find(policy)->not_relinkable = !relinkable;
}

void fake_kernel_fail_relink(const char *policy, int error)
{
	fake_find(policy)->relink_error = error;
}

void fake_kernel_hang_relink(const char *policy)
{
	fake_find(policy)->hang_relink = true;
}

void fake_kernel_set_linkless(const char *policy)
{
	fake_find(policy)->linkless = true;
}

void fake_kernel_set_pollable(bool pollable)
{
	world->not_pollable = !pollable;
}

void fake_kernel_hold(const char *policy, bool hold)
{
	atomic_store(&fake_find(policy)->held, hold);
}

void fake_kernel_set_default(const char *policy, const char *former)
{
	struct fake_policy *p = fake_find(policy);

	snprintf(p->default_former, sizeof(p->default_former), "%s", or_empty(former));
}

void fake_kernel_set_users(const char *policy, int users)
{
	fake_find(policy)->users = users;
}

void fake_kernel_replace_unseen(const char *policy)
{
	fake_find(policy)->replaced_unseen = true;
}

void fake_kernel_set_foreign(const char *holder)
{
	snprintf(world->foreign_holder, sizeof(world->foreign_holder), "%s", holder);
}

unsigned fake_kernel_surveyed(void)
{
	return world->surveyed;
}

struct fake_counts fake_kernel_counts(const char *policy)
{
	return fake_find(policy)->counts;
}

/* Links, seen from the kernel's end. */

bool fake_hung_up(int fd)
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
		if (fake_hung_up(kernel.links[i].fd))
			close(kernel.links[i].fd);
		else
			kernel.links[kept++] = kernel.links[i];
	kernel.n_links = kept;
}

void fake_free_slot(const struct fake_policy *p)
{
	fake_lock();
	if (fake_is_map_of(p, world->slot_map_id))
		world->slot_map_id = 0;
	fake_unlock();
}

void fake_kernel_detach_foreign(const char *policy)
{
	struct fake_policy *p = fake_find(policy);

	if (p->scheduler) {
		p->lives_ended = p->lives;
		fake_free_slot(p);
	}
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

static void put_word(FILE *f, const char *key, const char *value)
{
	if (value)
		fprintf(f, "%s=%s%c", key, value, 0);
}

void fake_kernel_uevent(const char *action, const char *devpath, const char *subsystem,
			const char *hid_id, const char *hid_name)
{
	char text[512];
	FILE *f = fmemopen(text, sizeof(text), "w");
	long length;

	fprintf(f, "%s@%s%c", action, devpath, 0);
	put_word(f, "ACTION", action);
	put_word(f, "DEVPATH", devpath);
	put_word(f, "SUBSYSTEM", subsystem);
	put_word(f, "HID_ID", hid_id);
	put_word(f, "HID_NAME", hid_name);
	length = ftell(f);
	fclose(f);
	/* Where no daemon listens they are lost. */
	if (send(kernel.uevent_fd, text, (size_t)length, 0) < 0 && errno != ECONNREFUSED &&
	    errno != ENOTCONN)
		abort();
}

void fake_kernel_load_module(void)
{
	fake_kernel_uevent("add", "/module/fake", "module", NULL, NULL);
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

char *kernel_uevent_place(const struct uevent *e)
{
	if (!streq(e->subsystem, "sched_ext") || !streq(e->devpath, FAKE_SCHEDULER_DEVICE))
		return NULL;
	return strdup(FAKE_SLOT);
}

/* Devices: the id is the place in the row, from 1. */

struct fake_device *fake_device(uint32_t id)
{
	return id >= 1 && id <= world->n_devices ? &world->devices[id - 1] : NULL;
}

static void tell_of_device(const char *action, const struct fake_device *d)
{
	char hid_id[64];

	snprintf(hid_id, sizeof(hid_id), "%04X:%08X:%08X", d->bus, d->vendor, d->product);
	fake_kernel_uevent(action, d->devpath, "hid", hid_id, d->name);
}

uint32_t fake_kernel_plug(uint32_t bus, uint32_t vendor, uint32_t product, const char *name)
{
	struct fake_device *d = &world->devices[world->n_devices++];

	if (world->n_devices > DEVICES_MAX)
		abort();
	*d = (struct fake_device){
		.bus = bus, .vendor = vendor, .product = product, .plugged = true};
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->devpath, sizeof(d->devpath), "/devices/fake/%04X:%04X:%04X.%04X", bus, vendor,
		 product, (unsigned)world->n_devices);
	if (kernel.uevent_fd >= 0)
		tell_of_device("add", d);
	return (uint32_t)world->n_devices;
}

void fake_kernel_unplug(uint32_t id)
{
	fake_device(id)->plugged = false;
	tell_of_device("remove", fake_device(id));
}

void fake_kernel_rebind(uint32_t id)
{
	tell_of_device("unbind", fake_device(id));
	tell_of_device("bind", fake_device(id));
}

int kernel_hid_devices(struct hid_device **ret, size_t *ret_n)
{
	struct hid_device *devices = calloc(world->n_devices + 1, sizeof(*devices));
	size_t n = 0;

	if (!devices)
		return -ENOMEM;
	for (uint32_t id = 1; id <= world->n_devices; id++) {
		const struct fake_device *d = fake_device(id);

		if (d->plugged)
			devices[n++] = (struct hid_device){
				.bus = d->bus,
				.vendor = d->vendor,
				.product = d->product,
				.id = id,
				.name = strdup(d->name),
				.devpath = strdup(d->devpath),
			};
	}
	*ret = devices;
	*ret_n = n;
	return 0;
}

bool fake_is_plugged(const char *devpath)
{
	for (uint32_t id = 1; id <= world->n_devices; id++)
		if (fake_device(id)->plugged && streq(fake_device(id)->devpath, devpath))
			return true;
	return false;
}

/* Schedulers. */

void fake_kernel_set_scheduler(const char *policy, bool with_record)
{
	struct fake_policy *p = fake_find(policy);

	p->scheduler = p->not_relinkable = true;
	p->with_record = with_record;
}

void fake_kernel_set_end(const char *policy, const struct exit_record *record)
{
	fake_find(policy)->end = record ? *record : (struct exit_record){0};
}

void fake_kernel_disable(const char *policy)
{
	fake_find(policy)->disabling = true;
}

void fake_kernel_exit_unseen(const char *policy, const struct exit_record *record)
{
	struct fake_policy *p = fake_find(policy);

	p->disabling = false;
	fake_kernel_set_end(policy, record);
	p->lives_ended = p->lives;
	fake_free_slot(p);
}

void fake_kernel_exit(const char *policy, const struct exit_record *record)
{
	fake_kernel_exit_unseen(policy, record);
	fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
}

void fake_kernel_foreign_scheduler(bool present)
{
	world->slot_map_id = present ? FOREIGN_MAP_ID : 0;
	if (!present)
		fake_kernel_uevent("remove", FAKE_SCHEDULER_DEVICE, "sched_ext", NULL, NULL);
}

bool fake_kernel_seen_taken(const char *policy)
{
	return fake_find(policy)->seen_taken;
}
