/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/netns.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "common/sentence.h"

#define OWN "/proc/thread-self/ns/net"
#define NAMED "/run/netns"
/* Machines with more are told of the rest by nobody; it bounds time and memory. */
#define NAMESPACES_MAX 4096

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

char *netns_path(const char *name_or_path)
{
	return name_or_path[0] == '/' ? strdup(name_or_path) : sentence(NAMED "/%s", name_or_path);
}

char *netns_text(const char *path)
{
	return *path ? sentence("network namespace %s", path)
		     : strdup("the daemon's network namespace");
}

/* The way back; entering others leads away from it. */
static int open_own(int *ret)
{
	*ret = open(OWN, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static int enter(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

int netns_visit(const char *path, netns_visitor_t visitor, void *userdata, bool *ret_visited)
{
	_cleanup_(closep) int own = -EBADF;
	int r;

	*ret_visited = !*path;
	if (!*path)
		return visitor(path, userdata);
	r = open_own(&own);
	if (r < 0)
		return r;
	r = enter(path);
	if (r < 0)
		return r;
	*ret_visited = true;
	r = visitor(path, userdata);
	return setns(own, CLONE_NEWNET) < 0 ? -errno : r;
}

struct walk {
	netns_visitor_t visitor;
	int (*refused)(const char *path, int error, void *userdata);
	void *userdata;
	ino_t *seen; /* NAMESPACES_MAX */
	size_t n_seen;
};

/* Whether it is the first time; most processes are in a namespace that was seen already. */
static bool is_new(struct walk *w, ino_t inode)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (w->seen[i] == inode)
			return false;
	if (w->n_seen == NAMESPACES_MAX)
		return false;
	w->seen[w->n_seen++] = inode;
	return true;
}

static int walk_to(struct walk *w, const char *path)
{
	struct stat s;
	int r;

	if (stat(path, &s) < 0 || !is_new(w, s.st_ino))
		return 0;
	r = enter(path);
	if (r == 0)
		return w->visitor(path, w->userdata);
	if (r == -ENOENT || r == -ESRCH || r == -EINVAL)
		return 0;
	return w->refused(path, r, w->userdata);
}

/* The entries of a folder, each as format makes a path of it. */
static int walk_over(struct walk *w, const char *folder, const char *suffix)
{
	_cleanup_(closedirp) DIR *dir = opendir(folder);
	bool is_proc = *suffix;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char path[512];
		int r;

		if (e->d_name[0] == '.' || (is_proc && (e->d_name[0] < '1' || e->d_name[0] > '9')))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, e->d_name, suffix);
		r = walk_to(w, path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk_everywhere(struct walk *w)
{
	struct stat s;
	int r;

	if (stat(OWN, &s) < 0)
		return -errno;
	(void)is_new(w, s.st_ino);
	r = w->visitor("", w->userdata);
	if (r < 0)
		return r;
	r = walk_over(w, NAMED, "");
	return r < 0 ? r : walk_over(w, "/proc", "/ns/net");
}

int netns_visit_all(netns_visitor_t visitor,
		    int (*refused)(const char *path, int error, void *userdata), void *userdata)
{
	_cleanup_(freep) ino_t *seen = calloc(NAMESPACES_MAX, sizeof(*seen));
	_cleanup_(closep) int own = -EBADF;
	struct walk w = {visitor, refused, userdata, seen, 0};
	int r;

	if (!seen)
		return -ENOMEM;
	r = open_own(&own);
	if (r < 0)
		return r;
	r = walk_everywhere(&w);
	return setns(own, CLONE_NEWNET) < 0 ? -errno : r;
}
