/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a dead attachment left: its exit record, the debug dump, and what its programs printed. All of it is read from
 * maps and programs that live on as long as somebody has them, whatever the kernel has done to the attachment.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "daemon/kernel/exit.h"
#include "daemon/kernel/map-value.h"

#define FILE_SIZE_MAX (2U * 1024 * 1024)
#define DUMP_SIZE_MAX (1024U * 1024)

/* From libbpf 1.6 on bpf_prog_stream_read(), and in Linux 6.17's headers; this builds with older ones. */
#define COMMAND_STREAM_READ 37 /* BPF_PROG_STREAM_READ_BY_FD */
struct stream_read {
	uint64_t buffer;
	uint32_t size;
	uint32_t stream;
	uint32_t program_fd;
	uint32_t unused;
};
static const char *const streams[] = {[1] = "stdout", [2] = "stderr"};

/* The whole value of a data map of that size. 0 with bytes that are the caller's. */
static int read_value(int map_fd, uint32_t size, char **ret)
{
	struct bpf_map_info info;
	int r;

	r = map_info(map_fd, &info);
	if (r < 0)
		return r;
	/* The lookup writes as much as the map has. */
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != size)
		return -EBADMSG;
	return map_value(map_fd, &info, ret);
}

static bool has_record(const struct kernel_handles *h, const struct outcome *o)
{
	return h->record_fd >= 0 && o->exit.value_size > 0;
}

int kernel_exit_read(const struct kernel_handles *h, const struct outcome *o,
		     struct exit_record *ret)
{
	_cleanup_(freep) char *value = NULL;
	struct exit_record record;
	int r;

	if (!has_record(h, o))
		return 0;
	r = read_value(h->record_fd, o->exit.value_size, &value);
	if (r < 0)
		return r;
	r = exit_record_parse(value, o->exit.value_size, &o->exit, &record);
	if (r < 0 || record.kind == 0)
		return r;
	*ret = record;
	return 1;
}

int exit_record_reset(const struct kernel_handles *h, const struct outcome *o)
{
	_cleanup_(freep) char *value = NULL;
	uint32_t zero = 0;
	int r;

	if (!has_record(h, o))
		return 0;
	r = read_value(h->record_fd, o->exit.value_size, &value);
	if (r < 0)
		return r;
	if (o->exit.kind > o->exit.value_size - sizeof(int32_t))
		return -EBADMSG;
	memset(value + o->exit.kind, 0, sizeof(int32_t));
	return bpf_map_update_elem(h->record_fd, &zero, value, BPF_ANY) < 0 ? -errno : 0;
}

static int write_record(FILE *f, const struct kernel_handles *h, const struct outcome *o)
{
	_cleanup_(freep) char *text = NULL;
	struct exit_record record;

	if (kernel_exit_read(h, o, &record) != 1)
		return 0;
	text = exit_record_text(&record);
	if (!text)
		return -ENOMEM;
	fprintf(f, "exit: %s\n", text);
	return 1;
}

static int write_dump(FILE *f, const struct kernel_handles *h, const struct outcome *o)
{
	_cleanup_(freep) char *value = NULL;
	size_t length;
	int r;

	if (h->dump_fd < 0 || o->exit.dump >= o->exit.dump_size)
		return 0;
	r = read_value(h->dump_fd, o->exit.dump_size, &value);
	if (r < 0)
		return r;
	length = strnlen(value + o->exit.dump,
			 MIN(o->exit.dump_size - o->exit.dump, DUMP_SIZE_MAX));
	if (length == 0)
		return 0;
	fprintf(f, "\ndebug dump:\n%.*s\n", (int)length, value + o->exit.dump);
	return 1;
}

/* Reading takes it out of the stream. Bytes; 0: none (left); -errno, -EINVAL from a kernel without streams. */
static ssize_t read_stream(int program_fd, uint32_t stream, char *buffer, size_t size)
{
	struct stream_read attr = {
		.buffer = (uintptr_t)buffer,
		.size = (uint32_t)size,
		.stream = stream,
		.program_fd = (uint32_t)program_fd,
	};
	long n = syscall(SYS_bpf, COMMAND_STREAM_READ, &attr, sizeof(attr));

	return n < 0 ? -errno : n;
}

static int write_stream(FILE *f, const struct outcome_program *p, int program_fd, uint32_t stream)
{
	char buffer[4096];
	int written = 0;
	ssize_t n;

	while (ftell(f) < (long)FILE_SIZE_MAX - (long)sizeof(buffer) &&
	       (n = read_stream(program_fd, stream, buffer, sizeof(buffer))) > 0) {
		if (!written)
			fprintf(f, "\n%s of program \"%s\" (%s):\n", streams[stream], p->name,
				p->member);
		fwrite(buffer, 1, (size_t)n, f);
		written = 1;
	}
	return written;
}

static int write_streams(FILE *f, const struct outcome *o)
{
	int written = 0;

	for (size_t i = 0; i < o->n_programs; i++) {
		_cleanup_(closep) int fd = bpf_prog_get_fd_by_id(o->programs[i].id);

		for (uint32_t s = 1; fd >= 0 && s < ARRAY_SIZE(streams); s++)
			written |= write_stream(f, &o->programs[i], fd, s);
	}
	return written;
}

/* 1: something was written; 0: there was nothing; -errno. A part that cannot be read does not keep back the others. */
static int write_all(FILE *f, const struct kernel_handles *h, const struct outcome *o)
{
	int record = write_record(f, h, o), dump = write_dump(f, h, o);
	int written = write_streams(f, o);

	if (fflush(f) != 0)
		return -errno;
	if (record > 0 || dump > 0 || written)
		return 1;
	return record < 0 ? record : dump;
}

int kernel_exit_dump(const struct kernel_handles *h, const struct outcome *o, const char *path)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(closep) int fd = -EBADF;
	int r;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	if (!f)
		return -errno;
	(void)TAKE_FD(fd);
	r = write_all(f, h, o);
	if (r != 1)
		unlink(path);
	return r;
}
