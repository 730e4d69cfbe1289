/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "daemon/core/read-file.h"
#include "daemon/core/strv.h"

static bool is_dev_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static const char *kind_of(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFDIR:
		return "a folder";
	case S_IFIFO:
		return "a fifo";
	default:
		return "a device";
	}
}

static int refuse(struct messages *messages, int error, const char *format, ...) _printf_(3, 4);
static int refuse(struct messages *messages, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = messages_addv(messages, format, args);
	va_end(args);
	return r < 0 ? r : error;
}

/* Opens what may be read: 0 with *ret_fd and its size; 1: /dev/null. */
static int open_regular(const char *path, int *ret_fd, size_t *ret_size, struct messages *messages)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(messages, -errno, "%s: cannot be opened: %s", path, strerror(errno));
	if (is_dev_null(&st))
		return 1;
	if (!S_ISREG(st.st_mode))
		return refuse(messages, -EINVAL, "%s: this is %s, expected a regular file", path,
			      kind_of(&st));
	if (st.st_size > READ_FILE_MAX)
		return refuse(messages, -EFBIG, "%s: the file has %lld bytes, expected at most %d",
			      path, (long long)st.st_size, READ_FILE_MAX);
	*ret_size = (size_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Up to size bytes: what is appended meanwhile is left for the next time. -errno or the count. */
static ssize_t read_up_to(int fd, char *buffer, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, buffer + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

int read_file(const char *path, char **ret_text, size_t *ret_length, struct messages *messages)
{
	_cleanup_(closep) int fd = -EBADF;
	_cleanup_(freep) char *text = NULL;
	size_t size = 0;
	ssize_t n;
	int r = open_regular(path, &fd, &size, messages);

	if (r != 0)
		return r;
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	n = read_up_to(fd, text, size);
	if (n < 0)
		return refuse(messages, (int)n, "%s: cannot be read: %s", path, strerror((int)-n));
	if (n == 0)
		return 1;
	text[n] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_length = (size_t)n;
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), n_suffix = strlen(suffix);

	return n >= n_suffix && streq(name + n - n_suffix, suffix);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int read_folder(const char *path, const char *suffix, char ***ret_names)
{
	_cleanup_(closedirp) DIR *d = opendir(path);
	_cleanup_(strv_freep) char **names = NULL;

	if (!d)
		return -errno;
	for (;;) {
		const struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(d);
		if (!entry && errno != 0)
			return -errno;
		if (!entry)
			break;
		if (entry->d_name[0] == '.' || !ends_in(entry->d_name, suffix))
			continue;
		r = strv_append(&names, entry->d_name, strlen(entry->d_name));
		if (r < 0)
			return r;
	}
	if (names)
		qsort(names, strv_length(names), sizeof(*names), compare_names);
	*ret_names = TAKE_PTR(names);
	return 0;
}
