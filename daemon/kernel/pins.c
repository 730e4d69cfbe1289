/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pins in bpffs. A set of pins is made under a name that no policy can have ("+" and the name) and then takes its place
 * by one rename, so that there is always either the former set or the new one, whole.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "common/sentence.h"
#include "daemon/core/pin-name.h"
#include "daemon/core/strv.h"
#include "daemon/kernel/kernel.h"

#define UNFINISHED '+'

static const char *const pin_names[] = {"link", "map", "record", "dump"};

/* The descriptors of a set, in the order of their names. */
static void list_fds(struct kernel_handles *h, int *ret[ARRAY_SIZE(pin_names)])
{
	ret[0] = &h->link_fd;
	ret[1] = &h->map_fd;
	ret[2] = &h->record_fd;
	ret[3] = &h->dump_fd;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int pin_error(char **ret_error, int error, const char *doing, const char *path)
{
	const char *advice = "";

	if (error == -EROFS)
		advice =
			" (bpffs is mounted read-only: mount -o remount,rw it, or give the service "
			"ReadWritePaths=)";
	else if (error == -EPERM || error == -EACCES)
		advice = " (pinning takes root; a security module may forbid it too)";
	return sentence_error(ret_error, error, "%s: %s: %s%s", path, doing, strerror(-error),
			      advice);
}

/* 1: it lies in bpffs; 0: elsewhere; -errno. */
static int is_on_bpffs(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -errno;
	return fs.f_type == BPF_FS_MAGIC;
}

static int not_on_bpffs(const char *folder, char **ret_error)
{
	return sentence_error(
		ret_error, -EOPNOTSUPP,
		"%s: cannot pin here, this is no BPF file system; mount one (mount -t bpf "
		"bpf /sys/fs/bpf), or set KeepLinks= to fdstore or no",
		folder);
}

/* What is there or what it would be made in. */
static int check_bpffs(const char *folder, char **ret_error)
{
	_cleanup_(freep) char *parent = strdup(folder);
	char *slash;
	int r;

	if (!parent)
		return -ENOMEM;
	r = is_on_bpffs(folder);
	slash = strrchr(parent, '/');
	if (r == -ENOENT && slash && slash > parent) {
		*slash = '\0';
		r = is_on_bpffs(parent);
	}
	if (r == 0 || r == -ENOENT)
		return not_on_bpffs(folder, ret_error);
	return r < 0 ? pin_error(ret_error, r, "cannot be examined", folder) : 0;
}

static int make_folder(const char *path, char **ret_error)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return pin_error(ret_error, -errno, "this folder cannot be made", path);
	return 0;
}

/* A file, or a folder of files. 0, also where there is nothing. */
static int remove_entry(int folder, const char *entry)
{
	_cleanup_(closedirp) DIR *d = NULL;
	int fd;

	if (unlinkat(folder, entry, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(folder, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		safe_close(fd);
		return -ENOMEM;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (unlinkat(dirfd(d), e->d_name, e->d_type == DT_DIR ? AT_REMOVEDIR : 0) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	return unlinkat(folder, entry, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Where a set of pins lies: the folder opened, and its entries. */
struct pin_place {
	const char *folder;
	int fd;
	char *entry, *unfinished;
};

static void pin_place_done(struct pin_place *p)
{
	safe_close(p->fd);
	free(p->entry);
	free(p->unfinished);
}

/* 0; -ENOENT without a sentence; -errno. */
static int pin_place_open(struct pin_place *p, const char *folder, const char *name,
			  char **ret_error)
{
	p->folder = folder;
	p->entry = pin_name_escape(name);
	p->unfinished = p->entry ? sentence("%c%s", UNFINISHED, p->entry) : NULL;
	if (!p->unfinished)
		return -ENOMEM;
	p->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd >= 0)
		return 0;
	return errno == ENOENT ? -ENOENT : pin_error(ret_error, -errno, "cannot be opened", folder);
}

static int pin_set(const struct pin_place *p, const struct kernel_handles *h, char **ret_error)
{
	struct kernel_handles copy = *h;
	int *fds[ARRAY_SIZE(pin_names)];

	list_fds(&copy, fds);
	for (size_t i = 0; i < ARRAY_SIZE(pin_names); i++) {
		_cleanup_(freep) char *path = NULL;

		if (*fds[i] < 0)
			continue;
		path = sentence("%s/%s/%s", p->folder, p->unfinished, pin_names[i]);
		if (!path)
			return -ENOMEM;
		if (bpf_obj_pin(*fds[i], path) < 0)
			return pin_error(ret_error, -errno, "cannot be pinned", path);
	}
	return 0;
}

/* The new set takes the place of the former one, which then stands under the unfinished name. */
static int put_in_place(const struct pin_place *p)
{
	if (renameat2(p->fd, p->unfinished, p->fd, p->entry, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	return renameat2(p->fd, p->unfinished, p->fd, p->entry, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

static int pin_into(const struct pin_place *p, const struct kernel_handles *h, char **ret_error)
{
	int r;

	r = remove_entry(p->fd, p->unfinished);
	if (r < 0)
		return pin_error(ret_error, r, "an unfinished set of pins cannot be removed",
				 p->folder);
	if (mkdirat(p->fd, p->unfinished, 0700) < 0)
		return pin_error(ret_error, -errno, "a folder for pins cannot be made", p->folder);
	r = pin_set(p, h, ret_error);
	if (r < 0)
		return r;
	r = put_in_place(p);
	return r < 0 ? pin_error(ret_error, r, "the new pins cannot take their place", p->folder)
		     : 0;
}

int kernel_pin(const struct kernel_handles *h, const char *folder, const char *name,
	       char **ret_error)
{
	_cleanup_(pin_place_done) struct pin_place p = {.fd = -EBADF};
	int r;

	r = check_bpffs(folder, ret_error);
	if (r < 0)
		return r;
	r = make_folder(folder, ret_error);
	if (r < 0)
		return r;
	r = pin_place_open(&p, folder, name, ret_error);
	if (r < 0)
		return r;
	r = pin_into(&p, h, ret_error);
	/* The former set, or what of the new one could be made. */
	(void)remove_entry(p.fd, p.unfinished);
	return r;
}

int kernel_unpin(const char *folder, const char *name, char **ret_error)
{
	_cleanup_(pin_place_done) struct pin_place p = {.fd = -EBADF};
	int r;

	r = pin_place_open(&p, folder, name, ret_error);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)remove_entry(p.fd, p.unfinished);
	r = remove_entry(p.fd, p.entry);
	(void)rmdir(folder); /* with the last of them; the next pin makes it again */
	return r < 0 ? pin_error(ret_error, r, "the pins of this name cannot be removed", folder)
		     : 0;
}

static int list_entry(int folder, const char *path, const char *entry, char ***names,
		      struct messages *notes)
{
	_cleanup_(freep) char *name = NULL;
	int r;

	if (*entry == '.')
		return 0;
	if (*entry == UNFINISHED && remove_entry(folder, entry) == 0)
		return 0;
	r = pin_name_unescape(entry, &name);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !policy_name_is_valid(name))
		return messages_add(notes, "%s/%s: this is none of our pins, it is left alone",
				    path, entry);
	return strv_append(names, name, strlen(name));
}

int kernel_pins_list(const char *folder, char ***ret_names, struct messages *ret_notes)
{
	_cleanup_(strv_freep) char **names = NULL;
	_cleanup_(closedirp) DIR *d = opendir(folder);
	int r;

	if (!d && errno != ENOENT)
		return -errno;
	for (struct dirent *e; d && (e = readdir(d));) {
		r = list_entry(dirfd(d), folder, e->d_name, &names, ret_notes);
		if (r < 0)
			return r;
	}
	*ret_names = TAKE_PTR(names);
	return 0;
}

/* Of a kind that its place is not for it may be: kernel_find_facts() looks at that. */
static int open_pin(const char *path, int *ret, struct messages *notes)
{
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : messages_add(notes, "%s: this pin cannot be opened: %s",
						      path, strerror(errno));
	*ret = fd;
	return 0;
}

static int open_set(const char *folder, const char *entry, struct kernel_handles *h,
		    struct messages *notes)
{
	int *fds[ARRAY_SIZE(pin_names)];
	int r;

	list_fds(h, fds);
	for (size_t i = 0; i < ARRAY_SIZE(pin_names); i++) {
		_cleanup_(freep) char *path = sentence("%s/%s/%s", folder, entry, pin_names[i]);

		if (!path)
			return -ENOMEM;
		r = open_pin(path, fds[i], notes);
		if (r < 0)
			return r;
	}
	return 0;
}

int kernel_pins_open(const char *folder, const char *name, struct kernel_handles *ret,
		     struct messages *ret_notes)
{
	_cleanup_(kernel_handles_close) struct kernel_handles h = KERNEL_HANDLES_NULL;
	_cleanup_(freep) char *entry = pin_name_escape(name);
	int r;

	if (!entry)
		return -ENOMEM;
	r = open_set(folder, entry, &h, ret_notes);
	if (r < 0)
		return r;
	*ret = h;
	h = KERNEL_HANDLES_NULL;
	return 0;
}
