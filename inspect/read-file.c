/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/read-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/sentence.h"
#include "inspect/reading.h"

int regular_file_open(const char *what, const char *path, int *ret_fd, size_t *ret_size,
		      char **ret_error)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sentence_error(ret_error, -errno, "%s \"%s\" cannot be opened: %s", what,
				      path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return sentence_error(ret_error, -EBADMSG, "%s \"%s\" is no regular file", what,
				      path);
	*ret_fd = TAKE_FD(fd);
	*ret_size = (size_t)st.st_size;
	return 0;
}

int read_exactly(int fd, size_t offset, void *ret, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t k = pread(fd, (char *)ret + n, size - n, (off_t)(offset + n));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		if (k == 0)
			return -EIO;
		n += (size_t)k;
	}
	return 0;
}

int inspection_read(const char *path, struct inspection **ret, char **ret_error)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	_cleanup_(closep) int fd = -EBADF;
	size_t size;
	int r;

	r = regular_file_open("object", path, &fd, &size, ret_error);
	if (r < 0)
		return r;
	if (size > INSPECTION_SIZE_MAX)
		return sentence_error(
			ret_error, -EBADMSG,
			"object \"%s\" has %zu bytes; more than %u MiB is no BPF object", path,
			size, INSPECTION_SIZE_MAX / 1024 / 1024);
	bytes = malloc(MAX(size, (size_t)1));
	if (!bytes)
		return -ENOMEM;
	r = read_exactly(fd, 0, bytes, size);
	if (r < 0)
		return sentence_error(ret_error, r, "object \"%s\" cannot be read: %s", path,
				      r == -EIO ? "it changed meanwhile" : strerror(-r));
	return inspection_take(path, TAKE_PTR(bytes), size, ret, ret_error);
}
