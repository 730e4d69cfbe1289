/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/state-dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/core/read-file.h"
#include "daemon/core/strv.h"

/* Hidden, so that no policy has it and no read sees it. */
#define UNFINISHED ".unfinished"

struct state_dir {
	char *path;
	int fd;
	sd_id128_t boot;
	bool complained;
};

int state_dir_new(const char *runtime_dir, struct state_dir **ret)
{
	_cleanup_(state_dir_freep) struct state_dir *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->fd = -EBADF;
	d->path = sentence("%s/" STATE_DIR_NAME, runtime_dir);
	if (!d->path)
		return -ENOMEM;
	r = sd_id128_get_boot(&d->boot);
	if (r < 0)
		return log_error_errno(r, "cannot find out which boot this is");
	if (mkdir(d->path, 0700) < 0 && errno != EEXIST)
		return log_error_errno(errno, "%s: cannot be made", d->path);
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return log_error_errno(
			errno,
			"%s: cannot be opened (it has to be a folder, and no link to one: remove "
			"what is there)",
			d->path);
	*ret = TAKE_PTR(d);
	return 0;
}

struct state_dir *state_dir_free(struct state_dir *d)
{
	if (!d)
		return NULL;
	safe_close(d->fd);
	free(d->path);
	free(d);
	return NULL;
}

/* Writing. */

#define FILE_NAME_MAX (POLICY_NAME_MAX + sizeof(STATE_NEWER_SUFFIX))
static const char *file_name(char buffer[FILE_NAME_MAX], const char *name, const char *suffix)
{
	snprintf(buffer, FILE_NAME_MAX, "%s%s", name, suffix);
	return buffer;
}

static int write_bytes(int folder, const char *bytes, size_t length)
{
	_cleanup_(closep) int fd = openat(
		folder, UNFINISHED, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

static int write_record(struct state_dir *d, const struct state_record *r)
{
	_cleanup_(freep) void *bytes = NULL;
	char to[FILE_NAME_MAX];
	size_t length;
	int k;

	k = state_record_encode(r, d->boot.bytes, &bytes, &length);
	if (k < 0)
		return k;
	k = write_bytes(d->fd, bytes, length);
	if (k < 0)
		return k;
	if (renameat(d->fd, UNFINISHED, d->fd, file_name(to, r->policy, STATE_SUFFIX)) < 0)
		return -errno;
	return 0;
}

int state_dir_write(struct state_dir *d, const struct state_record *r)
{
	int k = write_record(d, r);

	if (k < 0) {
		(void)unlinkat(d->fd, UNFINISHED, 0);
		state_dir_remove(d, r->policy);
		if (!d->complained)
			log_warning_errno(
				k,
				"%s: the state of %s cannot be written (others neither, "
				"most likely); after a restart of the daemon it goes on, but "
				"loaded afresh and with new counters",
				d->path, r->policy);
	} else if (d->complained) {
		log_notice("%s: can be written again", d->path);
	}
	d->complained = k < 0;
	return k;
}

void state_dir_remove(struct state_dir *d, const char *name)
{
	char file[FILE_NAME_MAX];

	(void)unlinkat(d->fd, file_name(file, name, STATE_SUFFIX), 0);
}

/* Reading. */

static void set_aside(struct state_dir *d, const char *name)
{
	char from[FILE_NAME_MAX], to[FILE_NAME_MAX];

	if (renameat(d->fd, file_name(from, name, STATE_SUFFIX), d->fd,
		     file_name(to, name, STATE_NEWER_SUFFIX)) < 0)
		state_dir_remove(d, name);
}

/* A folder, too, since no record can take its name as long as it is there. */
static bool is_removed(struct state_dir *d, const char *file)
{
	return unlinkat(d->fd, file, 0) == 0 || unlinkat(d->fd, file, AT_REMOVEDIR) == 0;
}

static void discard(struct state_dir *d, const char *name, const char *file, int error,
		    const char *why)
{
	if (error == -EOVERFLOW) {
		set_aside(d, name);
		log_warning("%s/%s %s; set aside as %s" STATE_NEWER_SUFFIX, d->path, file, why,
			    name);
	} else if (is_removed(d, file)) {
		log_full(error == -ESTALE ? LOG_DEBUG : LOG_WARNING,
			 &(struct log_fields){.policy = name}, "%s/%s %s; removed", d->path, file,
			 why);
	} else {
		log_warning_errno(errno, "%s/%s %s, and cannot be removed", d->path, file, why);
	}
}

/* 0; -EBADMSG, -EOVERFLOW, -ESTALE with a sentence; -ENOMEM. */
static int read_record(struct state_dir *d, const char *path, const char *name,
		       struct state_record *ret, char **ret_why)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(state_record_done) struct state_record record = STATE_RECORD_NULL;
	_cleanup_(freep) char *bytes = NULL;
	size_t length = 0;
	int r;

	r = read_file(path, &bytes, &length, &messages);
	if (r == -ENOMEM)
		return r;
	if (r != 0)
		return sentence_error(ret_why, -EBADMSG, "is damaged: %s",
				      messages.n ? messages.items[0] : "it is empty");
	r = state_record_decode(bytes, length, d->boot.bytes, &record, ret_why);
	if (r < 0)
		return r;
	if (!streq(record.policy, name))
		return sentence_error(ret_why, -EBADMSG, "is damaged: it is the record of %s",
				      record.policy);
	*ret = record;
	record = STATE_RECORD_NULL;
	return 0;
}

/* 1: *ret has it; 0: it is of no use, and out of the way; -ENOMEM. */
static int take_record(struct state_dir *d, const char *file, struct state_record *ret)
{
	_cleanup_(freep) char *path = sentence("%s/%s", d->path, file), *why = NULL;
	_cleanup_(freep) char *name = strndup(file, strlen(file) - strlen(STATE_SUFFIX));
	int r;

	if (!path || !name)
		return -ENOMEM;
	r = read_record(d, path, name, ret, &why);
	if (r == -ENOMEM)
		return r;
	if (r == 0)
		return 1;
	discard(d, name, file, r, or_empty(why));
	return 0;
}

int state_dir_read(struct state_dir *d, struct state_record **ret, size_t *ret_n)
{
	_cleanup_(strv_freep) char **files = NULL;
	struct state_record *records;
	size_t n = 0;
	int r;

	r = read_folder(d->path, STATE_SUFFIX, &files);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return log_error_errno(r,
				       "%s: cannot be read; what goes on is loaded afresh, and "
				       "with new counters",
				       d->path);
	records = calloc(strv_length(files) + 1, sizeof(*records));
	if (!records)
		return -ENOMEM;
	for (char **file = files; file && *file; file++) {
		r = take_record(d, *file, &records[n]);
		if (r < 0) {
			state_records_free(records, n);
			return r;
		}
		n += (size_t)r;
	}
	*ret = records;
	*ret_n = n;
	return 0;
}

void state_records_free(struct state_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++)
		state_record_done(&records[i]);
	free(records);
}
