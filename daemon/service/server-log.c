/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log: a worker's file, in pieces: whoever reads slowly keeps one piece of it in memory, not megabytes. */
#include <fcntl.h>
#include <sys/stat.h>

#include "common/protocol.h"
#include "daemon/service/server-internal.h"

#define PIECE 65536

struct piece {
	char text[PIECE + 1];
	uint64_t next; /* 0: there is no more */
};

/* Where there is no file, nothing was said. 0; -errno. */
static int read_piece(const char *path, uint64_t offset, struct piece *ret)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	*ret->text = '\0';
	ret->next = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (offset > INT64_MAX - PIECE)
		return -EINVAL;
	n = pread(fd, ret->text, PIECE, (off_t)offset);
	if (n < 0 || fstat(fd, &st) < 0)
		return -errno;
	ret->text[n] = '\0';
	if (n > 0 && offset + (uint64_t)n < (uint64_t)st.st_size)
		ret->next = offset + (uint64_t)n;
	return 0;
}

static int reply(sd_bus_message *call, const char *path, uint64_t offset)
{
	_cleanup_(freep) struct piece *piece = malloc(sizeof(*piece));
	_cleanup_(freep) char *clean = NULL;
	int r;

	if (!piece)
		return -ENOMEM;
	r = read_piece(path, offset, piece);
	if (r < 0)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_FAILED, "%s: %s", path,
						  strerror(-r));
	clean = server_clean(piece->text);
	if (!clean)
		return -ENOMEM;
	return sd_bus_reply_method_return(call, SIGNATURE_LOG, clean, piece->next);
}

int server_method_log(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;
	_cleanup_(freep) char *path = NULL;
	const struct attachment *a;
	const char *name;
	uint64_t offset;
	int r;

	r = sd_bus_message_read(call, "st", &name, &offset);
	if (r < 0)
		return r;
	a = manager_find(c->server->manager, name);
	if (!a)
		return server_no_such_policy(c, name, ret_error);
	path = attachment_log_path(a);
	return path ? reply(call, path, offset) : -ENOMEM;
}
