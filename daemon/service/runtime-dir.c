/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/runtime-dir.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "common/sentence.h"

#define LOCK_NAME "lock"
#define LOOK_EVERY (2 * USEC_PER_MSEC)

static int open_dir(const char *path, int *ret_fd, char **ret_error)
{
	_cleanup_(closep) int fd = -EBADF;
	struct stat st;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return sentence_error(ret_error, -errno,
				      "%s: cannot make the runtime directory: %s", path,
				      strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return sentence_error(ret_error, -errno,
				      "%s: cannot open the runtime directory: %s", path,
				      strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return sentence_error(
			ret_error, -EPERM,
			"%s: the runtime directory must belong to uid %u and be writable by nobody "
			"else (owner is uid %u, mode %04o): others could put their socket there",
			path, (unsigned)geteuid(), (unsigned)st.st_uid, st.st_mode & 07777);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The daemon that has the lock, or had it when it was killed; 0: it has not said so yet. */
static pid_t holder_of(int lock_fd)
{
	char text[32] = "";

	return pread(lock_fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* Of a zombie, too, this tells that it has ended. */
static bool is_running(pid_t pid)
{
	_cleanup_(closep) int fd = pid > 0 ? pidfd_open(pid, 0) : -EBADF;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

static int explain_busy(const char *path, pid_t holder, usec_t patience, char **ret_error)
{
	char span[TIMESPAN_MAX];

	if (is_running(holder))
		return sentence_error(
			ret_error, -EBUSY,
			"%s: another structopsd (pid %d) uses this runtime directory; stop it, or "
			"give this one another with --runtime-dir",
			path, (int)holder);
	return sentence_error(
		ret_error, -EBUSY,
		"%s: the last structopsd (pid %d) is gone, but not all of its workers, for %s now: "
		"what they still do in the kernel is not known. Start this one when they have "
		"ended (fuser %s/" LOCK_NAME " tells which they are)",
		path, (int)holder, timespan_format(span, patience), path);
}

/* 0; -EBUSY: it is another daemon's, or workers had it all the time; other -errno. */
static int take_lock(int lock_fd, usec_t patience)
{
	for (usec_t waited = 0; flock(lock_fd, LOCK_EX | LOCK_NB) < 0; waited += LOOK_EVERY) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (waited >= patience || is_running(holder_of(lock_fd)))
			return -EBUSY;
		usleep(LOOK_EVERY);
	}
	return 0;
}

int runtime_dir_lock(const char *path, usec_t patience, int *ret_lock_fd, char **ret_error)
{
	_cleanup_(closep) int dir_fd = -EBADF, lock_fd = -EBADF;
	int r;

	r = open_dir(path, &dir_fd, ret_error);
	if (r < 0)
		return r;
	lock_fd = openat(dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (lock_fd < 0)
		return sentence_error(ret_error, -errno, "%s/" LOCK_NAME ": cannot be opened: %s",
				      path, strerror(errno));
	r = take_lock(lock_fd, patience);
	if (r == -EBUSY)
		return explain_busy(path, holder_of(lock_fd), patience, ret_error);
	if (r < 0)
		return sentence_error(ret_error, r, "%s/" LOCK_NAME ": cannot be locked: %s", path,
				      strerror(-r));
	/* The pid is for messages only; the lock is what counts. */
	if (ftruncate(lock_fd, 0) < 0 || dprintf(lock_fd, "%d\n", (int)getpid()) < 0)
		return sentence_error(ret_error, -errno, "%s/" LOCK_NAME ": cannot be written: %s",
				      path, strerror(errno));
	*ret_lock_fd = TAKE_FD(lock_fd);
	return 0;
}
