/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "common/sentence.h"

#define TEXT_MAX 65536

static void trim(char *text, size_t length)
{
	while (length > 0 && strchr(" \t\n", text[length - 1]))
		length--;
	text[length] = '\0';
}

int root_read(const char *root, const char *path, char **ret)
{
	_cleanup_(freep) char *full = sentence("%s%s", root, path), *text = malloc(TEXT_MAX + 1);
	_cleanup_(closep) int fd = -EBADF;
	size_t length = 0;
	ssize_t n;

	if (!full || !text)
		return -ENOMEM;
	/* What is no file must not be waited for. */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	/* sysfs and procfs give what they have in pieces. */
	while ((n = read(fd, text + length, TEXT_MAX - length)) > 0)
		length += (size_t)n;
	if (n < 0)
		return -errno;
	trim(text, length);
	*ret = TAKE_PTR(text);
	return 0;
}

int root_read_number(const char *root, const char *path, long long *ret)
{
	_cleanup_(freep) char *text = NULL;
	long long number;
	char *end;
	int r;

	r = root_read(root, path, &text);
	if (r < 0)
		return r;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0)
		return -EBADMSG;
	*ret = number;
	return 0;
}

bool root_has(const char *root, const char *path)
{
	_cleanup_(freep) char *full = sentence("%s%s", root, path);

	return full && faccessat(AT_FDCWD, full, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *root_link(const char *root, const char *path)
{
	_cleanup_(freep) char *full = sentence("%s%s", root, path);
	char target[PATH_MAX];
	ssize_t n = full ? readlink(full, target, sizeof(target) - 1) : -1;

	return n < 0 ? NULL : strndup(target, (size_t)n);
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), n = strlen(suffix);

	return length >= n && streq(text + length - n, suffix);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int collect(DIR *folder, const char *suffix, char ***names, size_t *n)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		char **grown;

		if (*entry->d_name == '.' || !ends_with(entry->d_name, suffix))
			continue;
		grown = reallocarray(*names, *n + 2, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*names = grown;
		grown[*n + 1] = NULL;
		grown[*n] = strdup(entry->d_name);
		if (!grown[(*n)++])
			return -ENOMEM;
	}
	return 0;
}

int root_list(const char *root, const char *path, const char *suffix, char ***ret, size_t *ret_n)
{
	_cleanup_(freep) char *full = sentence("%s%s", root, path);
	_cleanup_(root_names_freep) char **names = calloc(1, sizeof(*names));
	size_t n = 0;
	DIR *folder;
	int r;

	if (!full || !names)
		return -ENOMEM;
	folder = opendir(full);
	if (!folder)
		return -errno;
	r = collect(folder, suffix, &names, &n);
	closedir(folder);
	if (r < 0)
		return r;
	qsort(names, n, sizeof(*names), compare_names);
	*ret = TAKE_PTR(names);
	*ret_n = n;
	return 0;
}

void root_names_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}
