/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/holders.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <mntent.h>

#include "common/sentence.h"

/* What a look through one bpffs may cost at most. */
#define PIN_DEPTH_MAX 16
#define PINS_MAX 4096

struct search {
	struct outcome_foreign *list;
	size_t n, max;
	pid_t other;
};

/* What a descriptor is, by what /proc says of it; 0 where it is none. */
struct ids {
	uint32_t map_id, link_id;
};

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static uint32_t number_after(const char *text, const char *label)
{
	const char *found = strstr(text, label);

	return found ? (uint32_t)strtoul(found + strlen(label), NULL, 10) : 0;
}

/* The fdinfo of a link names its map too, and only a link's has a link_id. */
static struct ids read_fdinfo(int folder, const char *name)
{
	_cleanup_(closep) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return (struct ids){0};
	text[n] = '\0';
	return (struct ids){
		.map_id = number_after(text, "\nmap_id:\t"),
		.link_id = number_after(text, "\nlink_id:\t"),
	};
}

static struct outcome_foreign *find_entry(const struct search *s, struct ids ids)
{
	for (size_t i = 0; i < s->n; i++) {
		struct outcome_foreign *e = &s->list[i];

		if (ids.link_id ? e->link_id == ids.link_id
				: e->link_id == 0 && ids.map_id && e->map_id == ids.map_id)
			return e;
	}
	return NULL;
}

/* Once, although a process may have several descriptors of a link. */
static int add_holder(const struct search *s, struct outcome_foreign *e, const char *holder)
{
	for (size_t i = 0; i < e->holders.n; i++)
		if (streq(e->holders.items[i], holder))
			return 0;
	return e->holders.n < s->max ? messages_add(&e->holders, "%s", holder) : 0;
}

static void process_text(const char *pid, char text[64])
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64], name[32] = "process";

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(name, sizeof(name), f))
		name[strcspn(name, "\n")] = '\0';
	snprintf(text, 64, "%s[%.20s]", name, pid);
}

/* Most descriptors are files and sockets: a look at the name saves opening their fdinfo. */
static bool may_be_bpf(int folder, const char *name)
{
	static const char anonymous[] = "anon_inode:";
	char target[sizeof(anonymous)];

	return readlinkat(folder, name, target, sizeof(target)) == (ssize_t)sizeof(target) &&
	       memcmp(target, anonymous, strlen(anonymous)) == 0;
}

static int look_into_process(const struct search *s, int proc, const char *pid)
{
	_cleanup_(closedirp) DIR *fds = NULL;
	_cleanup_(closep) int fdinfo = -EBADF, fd = -EBADF;
	char path[64], text[64] = "";

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%.20s/fdinfo", pid);
	fdinfo = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fdinfo < 0)
		return 0;
	fds = fdopendir(fd);
	if (!fds)
		return errno == ENOMEM ? -ENOMEM : 0;
	TAKE_FD(fd);
	for (struct dirent *e; (e = readdir(fds));) {
		struct outcome_foreign *found = NULL;
		int r;

		if (may_be_bpf(dirfd(fds), e->d_name))
			found = find_entry(s, read_fdinfo(fdinfo, e->d_name));
		if (!found)
			continue;
		if (!*text)
			process_text(pid, text);
		r = add_holder(s, found, text);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_through_processes(const struct search *s)
{
	_cleanup_(closedirp) DIR *proc = opendir("/proc");

	for (struct dirent *e; proc && (e = readdir(proc));) {
		pid_t pid = e->d_name[0] > '0' && e->d_name[0] <= '9' ? atoi(e->d_name) : 0;
		int r;

		if (pid == 0 || pid == getpid() || pid == s->other)
			continue;
		r = look_into_process(s, dirfd(proc), e->d_name);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Opened, a pin tells what it is in the same way as any descriptor. */
static int look_at_pin(const struct search *s, int fdinfo, const char *path)
{
	_cleanup_(closep) int fd = bpf_obj_get(path);
	_cleanup_(freep) char *text = NULL;
	struct outcome_foreign *found;
	char name[16];

	if (fd < 0)
		return 0;
	snprintf(name, sizeof(name), "%d", fd);
	found = find_entry(s, read_fdinfo(fdinfo, name));
	if (!found)
		return 0;
	text = sentence("pin %s", path);
	return text ? add_holder(s, found, text) : -ENOMEM;
}

static void fts_closep(FTS **f)
{
	if (*f)
		fts_close(*f);
}

static int look_through_bpffs(const struct search *s, int fdinfo, char *root)
{
	char *const roots[] = {root, NULL};
	_cleanup_(fts_closep)
		FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	size_t n = 0;

	for (FTSENT *e; walk && n < PINS_MAX && (e = fts_read(walk)); n++) {
		int r = 0;

		if (e->fts_info == FTS_D && e->fts_level >= PIN_DEPTH_MAX)
			(void)fts_set(walk, e, FTS_SKIP);
		if (e->fts_info == FTS_F)
			r = look_at_pin(s, fdinfo, e->fts_path);
		if (r < 0)
			return r;
	}
	return 0;
}

static void endmntentp(FILE **f)
{
	if (*f)
		endmntent(*f);
}

static int look_through_pins(const struct search *s)
{
	_cleanup_(endmntentp) FILE *mounts = setmntent("/proc/self/mounts", "re");
	_cleanup_(closep) int fdinfo = open("/proc/self/fdinfo",
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (struct mntent *m; mounts && fdinfo >= 0 && (m = getmntent(mounts));) {
		int r = streq(m->mnt_type, "bpf") ? look_through_bpffs(s, fdinfo, m->mnt_dir) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int holders_find(struct outcome_foreign *list, size_t n, size_t max, pid_t other)
{
	const struct search s = {.list = list, .n = n, .max = max, .other = other};
	int r;

	if (n == 0)
		return 0;
	r = look_through_processes(&s);
	return r < 0 ? r : look_through_pins(&s);
}
