/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/runtime-dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/sentence.h"

#define LOCK_NAME "lock"

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

static int already_locked(const char *path, int lock_fd, char **ret_error)
{
	char pid[32] = "";
	ssize_t n = pread(lock_fd, pid, sizeof(pid) - 1, 0);

	if (n > 0)
		pid[strcspn(pid, "\n")] = '\0';
	return sentence_error(
		ret_error, -EBUSY,
		"%s: another structopsd%s%s%s uses this runtime directory; stop it, or "
		"give this one "
		"another with --runtime-dir",
		path, *pid ? " (pid " : "", pid, *pid ? ")" : "");
}

int runtime_dir_lock(const char *path, int *ret_lock_fd, char **ret_error)
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
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return already_locked(path, lock_fd, ret_error);
		return sentence_error(ret_error, -errno, "%s/" LOCK_NAME ": cannot be locked: %s",
				      path, strerror(errno));
	}
	/* The pid is for messages only; the lock is what counts. */
	if (ftruncate(lock_fd, 0) < 0 || dprintf(lock_fd, "%d\n", (int)getpid()) < 0)
		return sentence_error(ret_error, -errno, "%s/" LOCK_NAME ": cannot be written: %s",
				      path, strerror(errno));
	*ret_lock_fd = TAKE_FD(lock_fd);
	return 0;
}
