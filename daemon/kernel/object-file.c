/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/object-file.h"

#include <fcntl.h>
#include <nettle/sha2.h>
#include <sys/stat.h>

#include "common/sentence.h"
#include "daemon/kernel/verdict.h"

#define READABLE_MODE(st) ((unsigned)((st)->st_mode & 07777))

static int object_file_refused_missing(const char *path, char *const *folders, struct outcome *o)
{
	_cleanup_(messages_done) struct messages looked = MESSAGES_NULL;
	_cleanup_(freep) char *list = NULL;

	for (size_t i = 0; folders && folders[i]; i++)
		if (messages_add(&looked, "%s", folders[i]) < 0)
			return -ENOMEM;
	list = messages_join(&looked, ", ");
	if (!list)
		return -ENOMEM;
	if (looked.n == 0)
		return verdict_refused(o, ENOENT,
				       "object \"%s\" not found: Path= is relative and ObjectPath= "
				       "names no folder to look in",
				       path);
	return verdict_refused(o, ENOENT,
			       "object \"%s\" not found; looked in %s. Put it there or give its "
			       "absolute path in [Object] Path=",
			       path, list);
}

/* Where the file is, with symbolic links resolved: the folders above the real file are the ones that count. */
static int object_file_find(const char *path, char *const *folders, struct outcome *o,
			    char **ret_path)
{
	if (path[0] == '/') {
		*ret_path = realpath(path, NULL);
		if (*ret_path)
			return 0;
		return verdict_by_error(o, errno, "object \"%s\" cannot be opened: %s", path,
					strerror(errno));
	}
	for (size_t i = 0; folders && folders[i]; i++) {
		_cleanup_(freep) char *full = sentence("%s/%s", folders[i], path);

		if (!full)
			return -ENOMEM;
		*ret_path = realpath(full, NULL);
		if (*ret_path)
			return 0;
		if (errno != ENOENT && errno != ENOTDIR)
			return verdict_by_error(o, errno, "object \"%s\" cannot be opened: %s",
						full, strerror(errno));
	}
	return object_file_refused_missing(path, folders, o);
}

static const char *kind_of_file(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a folder";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "something else";
	}
}

static int object_file_check_owner(const char *path, const struct stat *st, struct outcome *o)
{
	if (!S_ISREG(st->st_mode))
		return verdict_refused(
			o, 0, "object \"%s\" is %s, not a regular file: correct Path=", path,
			kind_of_file(st->st_mode));
	if (st->st_uid != 0)
		return verdict_refused(o, EPERM,
				       "object \"%s\" is owned by user %u, but what is loaded into "
				       "the kernel must be root's: "
				       "check its content, then: chown root '%s'",
				       path, st->st_uid, path);
	if (st->st_mode & 022)
		return verdict_refused(
			o, EPERM,
			"object \"%s\" has mode %04o, so others than root may write it: "
			"check its content, then: chmod go-w '%s'",
			path, READABLE_MODE(st), path);
	return 0;
}

static int object_file_check_folder(const char *path, const char *folder, struct outcome *o)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		return verdict_by_error(o, errno,
					"object \"%s\": folder \"%s\" cannot be checked: %s", path,
					folder, strerror(errno));
	if (st.st_uid != 0)
		return verdict_refused(
			o, EPERM,
			"object \"%s\" lies below \"%s\", which user %u owns and may replace: "
			"chown root '%s', or move the object",
			path, folder, st.st_uid, folder);
	/* In a sticky folder nobody can rename or remove what root owns. */
	if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))
		return verdict_refused(o, EPERM,
				       "object \"%s\" lies below \"%s\" (mode %04o), where others "
				       "than root may replace it: "
				       "chmod go-w '%s', or move the object",
				       path, folder, READABLE_MODE(&st), folder);
	return 0;
}

/* From the file's folder up to the root. */
static int object_file_check_folders(const char *path, struct outcome *o)
{
	_cleanup_(freep) char *folder = strdup(path);
	char *slash;
	int r;

	if (!folder)
		return -ENOMEM;
	while ((slash = strrchr(folder, '/')) && slash != folder) {
		*slash = '\0';
		r = object_file_check_folder(path, folder, o);
		if (r < 0)
			return r;
	}
	return object_file_check_folder(path, "/", o);
}

static uint64_t nsec_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec;
}

static struct object_stamp stamp_of(const struct stat *st)
{
	return (struct object_stamp){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_nsec = nsec_of(&st->st_mtim),
		.ctime_nsec = nsec_of(&st->st_ctim),
	};
}

/* Reads exactly size bytes. 0; -EIO: the file ended before; -errno. */
static int read_all(int fd, char *bytes, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t k = read(fd, bytes + n, size - n);

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

static int object_file_read_bytes(struct object_file *f, int fd, struct outcome *o)
{
	struct object_stamp after;
	struct stat st;
	int r;

	if (f->stamp.size > OBJECT_SIZE_MAX)
		return verdict_refused(
			o, EFBIG, "object \"%s\" has %ju bytes; more than %u MiB is no BPF object",
			f->path, (uintmax_t)f->stamp.size, OBJECT_SIZE_MAX / 1024 / 1024);
	f->size = (size_t)f->stamp.size;
	f->bytes = malloc(f->size + 1);
	if (!f->bytes)
		return -ENOMEM;
	r = read_all(fd, f->bytes, f->size);
	if (r < 0 && r != -EIO)
		return verdict_by_error(o, r, "object \"%s\" cannot be read: %s", f->path,
					strerror(-r));
	if (fstat(fd, &st) < 0)
		return verdict_by_error(o, errno, "object \"%s\" cannot be checked: %s", f->path,
					strerror(errno));
	after = stamp_of(&st);
	if (r == -EIO || memcmp(&after, &f->stamp, sizeof(after)) != 0)
		return verdict_busy(
			o, EAGAIN,
			"object \"%s\" changed while it was read: install it by renaming a "
			"complete file over it",
			f->path);
	return 0;
}

static void object_file_hash(struct object_file *f)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, f->size, f->bytes);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(f->digest + 2 * i, 3, "%02x", digest[i]);
}

static int object_file_note(const struct object_file *f, struct outcome *o)
{
	free(o->digest);
	o->digest = strdup(f->digest);
	return o->digest ? 0 : -ENOMEM;
}

static int object_file_check_trust(const struct object_file *f, const struct stat *st,
				   struct outcome *o)
{
	int r = object_file_check_owner(f->path, st, o);

	return r < 0 ? r : object_file_check_folders(f->path, o);
}

static int object_file_fill(struct object_file *f, int fd, bool anybodys, struct outcome *o)
{
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return verdict_by_error(o, errno, "object \"%s\" cannot be checked: %s", f->path,
					strerror(errno));
	f->stamp = o->stamp = stamp_of(&st);
	if (!anybodys)
		r = object_file_check_trust(f, &st, o);
	if (r < 0)
		return r;
	r = object_file_read_bytes(f, fd, o);
	if (r < 0)
		return r;
	object_file_hash(f);
	return object_file_note(f, o);
}

int object_file_read(const struct policy *policy, char *const *folders, bool anybodys,
		     struct outcome *o, struct object_file **ret)
{
	_cleanup_(object_file_freep) struct object_file *f = calloc(1, sizeof(*f));
	_cleanup_(closep) int fd = -EBADF;
	int r;

	if (!f)
		return -ENOMEM;
	r = object_file_find(policy->object_path, folders, o, &f->path);
	if (r < 0)
		return r;
	free(o->object_file);
	o->object_file = strdup(f->path);
	if (!o->object_file)
		return -ENOMEM;
	/* The path is resolved: a symbolic link here was put there a moment ago. Non-blocking for a FIFO. */
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return verdict_by_error(o, errno, "object \"%s\" cannot be opened: %s", f->path,
					strerror(errno));
	r = object_file_fill(f, fd, anybodys, o);
	if (r < 0)
		return r;
	if (policy->sha256 && !streq(policy->sha256, f->digest))
		return verdict_refused(o, 0,
				       "object \"%s\" has SHA-256 %s, but [Object] SHA256= allows "
				       "only %s: install the file "
				       "that was meant, or write the new digest into the policy",
				       f->path, f->digest, policy->sha256);
	*ret = TAKE_PTR(f);
	return 0;
}

struct object_file *object_file_free(struct object_file *f)
{
	if (!f)
		return NULL;
	free(f->path);
	free(f->bytes);
	free(f);
	return NULL;
}
