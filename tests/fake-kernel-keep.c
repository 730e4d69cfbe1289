/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What outlives a daemon in the fake kernel: pins, and maps that are registered without a link. */
#include <fcntl.h>
#include <sys/mman.h>

#include "common/sentence.h"
#include "daemon/core/strv.h"
#include "tests/fake-kernel-world.h"

static struct fake_pins {
	char name[POLICY_NAME_MAX + 1];
	struct kernel_handles handles;
} pins[POLICIES_MAX];
static size_t n_pins;
static int pin_error;

static struct kernel_handles copy_of(const struct kernel_handles *h)
{
	int fds[KERNEL_HANDLES_N];

	kernel_handles_to_fds(h, fds);
	for (size_t i = 0; i < KERNEL_HANDLES_N; i++)
		if (fds[i] >= 0)
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	return (struct kernel_handles){fds[0], fds[1], fds[2], fds[3]};
}

static struct fake_pins *find_pins(const char *name)
{
	for (size_t i = 0; i < n_pins; i++)
		if (streq(pins[i].name, name))
			return &pins[i];
	return NULL;
}

static struct fake_pins *add_pins(const char *name)
{
	struct fake_pins *p = &pins[n_pins++];

	if (n_pins > POLICIES_MAX)
		abort();
	*p = (struct fake_pins){.handles = KERNEL_HANDLES_NULL};
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

/* The test's side. */

void fake_kernel_drop_pins(void)
{
	while (n_pins > 0)
		kernel_handles_close(&pins[--n_pins].handles);
	pin_error = 0;
}

void fake_kernel_fail_pins(int error)
{
	pin_error = error;
}

bool fake_kernel_has_pins(const char *policy)
{
	return find_pins(policy);
}

static int make_file(void)
{
	return memfd_create("no-bpf", MFD_CLOEXEC);
}

void fake_kernel_spoil_pin(const char *policy, const char *other)
{
	struct fake_pins *p = find_pins(policy);

	safe_close(p->handles.link_fd);
	p->handles.link_fd = other ? fcntl(find_pins(other)->handles.link_fd, F_DUPFD_CLOEXEC, 0)
				   : make_file();
}

void fake_kernel_lose_map_pin(const char *policy)
{
	struct fake_pins *p = find_pins(policy);

	p->handles.map_fd = safe_close(p->handles.map_fd);
}

void fake_kernel_put_pin(const char *name)
{
	add_pins(name)->handles.link_fd = make_file();
}

/* The daemon's side. */

int kernel_pin(const struct kernel_handles *h, const char *folder, const char *name,
	       char **ret_error)
{
	struct fake_pins *p = find_pins(name);

	if (pin_error)
		return sentence_error(ret_error, -pin_error, "%s/%s: cannot be pinned: %s", folder,
				      name, strerror(pin_error));
	if (!p)
		p = add_pins(name);
	kernel_handles_close(&p->handles);
	p->handles = copy_of(h);
	return 0;
}

int kernel_unpin(const char *folder, const char *name, char **ret_error)
{
	struct fake_pins *p = find_pins(name);

	if (!p)
		return 0;
	kernel_handles_close(&p->handles);
	*p = pins[--n_pins];
	return 0;
}

int kernel_pins_list(const char *folder, char ***ret_names, struct messages *ret_notes)
{
	*ret_names = NULL;
	for (size_t i = 0; i < n_pins; i++)
		if (strv_append(ret_names, pins[i].name, strlen(pins[i].name)) < 0)
			return -ENOMEM;
	return 0;
}

int kernel_pins_open(const char *folder, const char *name, struct kernel_handles *ret,
		     struct messages *ret_notes)
{
	*ret = copy_of(&find_pins(name)->handles);
	return 0;
}

static uint32_t map_id_of(int fd)
{
	struct fake_map map;

	return fd >= 0 && fake_read_map(fd, &map) ? fake_map_id(fake_find(map.policy), map.life)
						  : 0;
}

uint32_t kernel_object_id(int fd)
{
	uint32_t link_id = fake_link_id(fd);

	return link_id ? link_id : map_id_of(fd);
}

static struct fake_policy *policy_of_map(uint32_t map_id)
{
	for (size_t i = 0; i < POLICIES_MAX; i++)
		if (fake_is_map_of(&world->policies[i], map_id))
			return &world->policies[i];
	return NULL;
}

static unsigned life_of(uint32_t map_id)
{
	return (map_id - FAKE_MAP_ID) / POLICIES_MAX + 1;
}

/* The map that the link has counts. */
static void hold_map_of_link(struct kernel_handles *h)
{
	uint32_t map_id = fake_link(fake_link_id(h->link_fd))->map_id;

	if (map_id_of(h->map_fd) == map_id)
		return;
	safe_close(h->map_fd);
	h->map_fd = fake_make_map(policy_of_map(map_id), life_of(map_id));
}

void kernel_find_facts(struct kernel_handles *h, struct adoption_find *ret,
		       struct messages *ret_notes)
{
	if (h->link_fd >= 0 && !fake_link_id(h->link_fd)) {
		h->link_fd = safe_close(h->link_fd);
		(void)messages_add(ret_notes, "what was kept as its link is none: let go");
	}
	if (h->link_fd >= 0 && !fake_hung_up(h->link_fd))
		hold_map_of_link(h);
	*ret = (struct adoption_find){.name = ret->name};
	ret->is_struct_ops = h->link_fd >= 0 || h->map_fd >= 0;
	ret->link_id = fake_link_id(h->link_fd);
	ret->map_id = map_id_of(h->map_fd);
	ret->alive = ret->is_struct_ops && kernel_state(h, NULL) == 1;
	if (ret->map_id) {
		strcpy(ret->type, policy_of_map(ret->map_id)->type);
		strcpy(ret->map, "fake");
	}
}

int kernel_reopen(const struct outcome *o, struct kernel_handles *ret)
{
	struct fake_policy *p = policy_of_map(o->map_id);

	if (!p || !p->registered || p->registered != life_of(o->map_id))
		return 0;
	*ret = KERNEL_HANDLES_NULL;
	ret->map_fd = fake_make_map(p, p->registered);
	return 1;
}
