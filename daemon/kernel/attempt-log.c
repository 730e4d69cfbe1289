/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole of what libbpf and the verifier said, in a file: the outcome has only what it comes to. */
#include <fcntl.h>

#include "daemon/kernel/attempt.h"

/* For all alternatives of Map= together; the verifier's words about one program take up to 1 MiB. */
#define LOG_MAX (4L * 1024 * 1024)

static bool has_room(FILE *f)
{
	return ftell(f) < LOG_MAX;
}

static void write_text(FILE *f, const char *text)
{
	size_t length = strlen(text), room = has_room(f) ? (size_t)(LOG_MAX - ftell(f)) : 0;

	/* The end of a log says more than its beginning. */
	if (length > room) {
		fprintf(f, "(%zu bytes are left out here)\n", length - room);
		text += length - room;
	}
	fputs(text, f);
}

static void write_attempt(FILE *f, const struct attempt *a)
{
	const struct outcome *o = a->outcome;

	fprintf(f, "Object %s%s%s%s\n", a->file->path, o->map ? ", map " : "", or_empty(o->map),
		a->linkless ? ", without a link" : "");
	for (size_t i = 0; i < a->capture.lines.n && has_room(f); i++)
		fprintf(f, "libbpf: %s\n", a->capture.lines.items[i]);
	for (size_t i = 0; i < a->n_programs && has_room(f); i++) {
		if (a->programs[i].log[0] == '\0')
			continue;
		fprintf(f, "\nThe verifier on program \"%s\":\n",
			bpf_program__name(a->programs[i].program));
		write_text(f, a->programs[i].log);
	}
	if (o->detail)
		fprintf(f, "\n%s\n", o->detail);
	fputc('\n', f);
}

int attempt_log(const struct attempt *a, const char *path)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(closep) int fd = -EBADF;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "a");
	if (!f)
		return -errno;
	(void)TAKE_FD(fd);
	(void)fseek(f, 0, SEEK_END);
	write_attempt(f, a);
	return fflush(f) == 0 ? 0 : -errno;
}
