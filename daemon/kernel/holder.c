/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/holder.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>

#include "common/sentence.h"
#include "daemon/core/messages.h"
#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"

#define PROCESSES_NAMED_MAX 3

static int map_info(int map_fd, struct bpf_map_info *ret)
{
	uint32_t size = sizeof(*ret);

	*ret = (struct bpf_map_info){0};
	return bpf_map_get_info_by_fd(map_fd, ret, &size) < 0 ? -errno : 0;
}

static int read_value(int map_fd, const struct bpf_map_info *info, char **ret)
{
	_cleanup_(freep) char *value = calloc(1, (size_t)info->value_size + 1);
	uint32_t zero = 0;

	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &zero, value) < 0)
		return -errno;
	*ret = TAKE_PTR(value);
	return 0;
}

/* The id of the live link of a map; 0: none. */
static uint32_t link_of_map(uint32_t map_id)
{
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		_cleanup_(closep) int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info;

		if (fd >= 0 && link_info(fd, &info) == 0 && info.type == BPF_LINK_TYPE_STRUCT_OPS &&
		    info.struct_ops.map_id == map_id)
			return id;
	}
	return 0;
}

static bool same_type(const struct bpf_map_info *a, const struct bpf_map_info *b)
{
	return a->type == b->type && a->btf_vmlinux_value_type_id == b->btf_vmlinux_value_type_id &&
	       a->btf_vmlinux_id == b->btf_vmlinux_id && a->value_size == b->value_size;
}

static bool has_name(const struct holder_key *key, const struct bpf_map_info *info,
		     const char *value)
{
	if (!key->text)
		return true;
	return key->offset + key->size <= info->value_size &&
	       strncmp(value + key->offset, key->text, key->size) == 0;
}

/* 1: this map is attached and has the name. */
static int holder_check(const struct bpf_map_info *mine, const struct holder_key *key,
			uint32_t map_id, struct holder *ret)
{
	_cleanup_(closep) int fd = bpf_map_get_fd_by_id(map_id);
	const struct kernel_handles unlinked = {.map_fd = fd, .link_fd = -EBADF};
	_cleanup_(freep) char *value = NULL;
	struct bpf_map_info info;
	int r;

	/* It may be gone by now: then it holds nothing. */
	if (fd < 0 || map_info(fd, &info) < 0 || !same_type(mine, &info) || info.id == mine->id)
		return 0;
	r = read_value(fd, &info, &value);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!has_name(key, &info, value))
		return 0;
	*ret = (struct holder){.map_id = map_id, .link_id = link_of_map(map_id)};
	memcpy(ret->map_name, info.name, sizeof(ret->map_name));
	return ret->link_id != 0 || kernel_state(&unlinked, NULL) == 1;
}

int holder_find(int map_fd, const struct holder_key *key, struct holder *ret)
{
	struct bpf_map_info info;
	struct holder found;
	uint32_t id = 0;
	int r;

	r = map_info(map_fd, &info);
	if (r < 0)
		return r;
	while (bpf_map_get_next_id(id, &id) == 0) {
		r = holder_check(&info, key, id, &found);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		*ret = found;
		return 1;
	}
	return errno == ENOENT ? 0 : -errno;
}

/* Whether a descriptor is this link, by what /proc says of it. */
static bool fdinfo_has_link(int folder, const char *name, uint32_t link_id)
{
	_cleanup_(closep) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	char text[1024], wanted[32];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	snprintf(wanted, sizeof(wanted), "\nlink_id:\t%u\n", link_id);
	return strstr(text, wanted) != NULL;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool process_has_link(const char *pid, uint32_t link_id)
{
	_cleanup_(closedirp) DIR *folder = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
	folder = opendir(path);
	for (struct dirent *e; folder && (e = readdir(folder));)
		if (e->d_name[0] != '.' && fdinfo_has_link(dirfd(folder), e->d_name, link_id))
			return true;
	return false;
}

static void process_name(const char *pid, char name[32])
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, 32, f))
		strcpy(name, "process");
	name[strcspn(name, "\n")] = '\0';
}

/* "bpftool[4711], …" without this process, which is a worker and holds what it was lent. */
static int find_processes(uint32_t link_id, struct messages *found)
{
	_cleanup_(closedirp) DIR *proc = opendir("/proc");

	for (struct dirent *e; proc && (e = readdir(proc));) {
		char name[32];
		int r;

		if (e->d_name[0] < '1' || e->d_name[0] > '9' || atoi(e->d_name) == getpid() ||
		    !process_has_link(e->d_name, link_id))
			continue;
		process_name(e->d_name, name);
		r = messages_add(found, "%s[%s]", name, e->d_name);
		if (r < 0)
			return r;
		if (found->n == PROCESSES_NAMED_MAX)
			break;
	}
	return 0;
}

char *holder_text(const struct holder *h)
{
	_cleanup_(messages_done) struct messages found = MESSAGES_NULL;
	_cleanup_(freep) char *processes = NULL;

	if (h->link_id == 0)
		return sentence("struct_ops map %u (\"%s\"), which is registered without a link: "
				"bpftool struct_ops unregister id %u",
				h->map_id, h->map_name, h->map_id);
	if (find_processes(h->link_id, &found) < 0)
		return NULL;
	processes = messages_join(&found, ", ");
	if (!processes)
		return NULL;
	return sentence("struct_ops link %u (map \"%s\"), held by %s", h->link_id, h->map_name,
			found.n > 0 ? processes : "a pin in bpffs or this daemon's own worker");
}
