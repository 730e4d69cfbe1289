/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/capture.h"

#include <bpf/libbpf.h>

/* A hostile object can make libbpf say a lot. */
#define CAPTURE_BYTES_MAX (256U * 1024)

/* libbpf's last word on every load that failed. */
#define SAYS_NOTHING "failed to load object"

static _Thread_local struct capture *listener;

_printf_(2, 0) static int listen_to_libbpf(enum libbpf_print_level level, const char *format,
					   va_list args)
{
	static const char prefix[] = "libbpf: ";
	_cleanup_(freep) char *line = NULL;
	const char *text;
	int n;

	if (!listener || level == LIBBPF_DEBUG || listener->bytes > CAPTURE_BYTES_MAX)
		return 0;
	n = vasprintf(&line, format, args);
	if (n < 0) {
		line = NULL;
		return 0;
	}
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	text = strncmp(line, prefix, strlen(prefix)) == 0 ? line + strlen(prefix) : line;
	/* A line lost to a lack of memory makes the sentence poorer, no more. */
	if (messages_add(&listener->lines, "%s", text) < 0)
		return 0;
	listener->bytes += (size_t)n;
	if (level == LIBBPF_WARN && !strstr(text, SAYS_NOTHING))
		listener->n_to_warning = listener->lines.n;
	return n;
}

void capture_start(struct capture *c)
{
	listener = c;
	libbpf_set_print(listen_to_libbpf);
}

void capture_done(struct capture *c)
{
	if (listener == c)
		listener = NULL;
	messages_done(&c->lines);
	*c = CAPTURE_NULL;
}

const char *capture_find(const struct capture *c, const char *text)
{
	for (size_t i = 0; i < c->lines.n; i++)
		if (strstr(c->lines.items[i], text))
			return c->lines.items[i];
	return NULL;
}

const char *capture_last_warning(const struct capture *c)
{
	return c->n_to_warning > 0 ? c->lines.items[c->n_to_warning - 1] : NULL;
}
