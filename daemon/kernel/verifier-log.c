/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verifier's log: hundreds of lines, of which the last ones matter and one decides. */
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/verdict.h"

#define KEPT_MAX (16U * 1024)

struct span {
	const char *text;
	size_t length;
};

/* What the verifier says at the end in any case. */
static bool is_summary(const char *line, size_t length)
{
	static const char *const starts[] = {"processed ", "verification time ", "stack depth "};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (length >= strlen(starts[i]) && strncmp(line, starts[i], strlen(starts[i])) == 0)
			return true;
	return length == 0;
}

/* A line of the source: "; struct tcp_sock *tp = …", newer kernels add " @ file.c:12". */
static bool is_source(const char *line, size_t length)
{
	return length > 2 && line[0] == ';' && line[1] == ' ';
}

static bool find_lines(const char *log, struct span *ret_decisive, struct span *ret_source)
{
	*ret_decisive = *ret_source = (struct span){0};
	for (const char *line = log; *line;) {
		size_t length = strcspn(line, "\n");

		if (is_source(line, length))
			*ret_source = (struct span){line + 2, length - 2};
		else if (!is_summary(line, length))
			*ret_decisive = (struct span){line, length};
		line += length + (line[length] == '\n');
	}
	return ret_decisive->length > 0;
}

/* From the start of a line on. */
static char *last_part(const char *log)
{
	size_t length = strlen(log);
	const char *start = log;

	if (length > KEPT_MAX) {
		start = log + length - KEPT_MAX;
		start += strcspn(start, "\n");
		start += *start == '\n';
	}
	return strdup(start);
}

int attempt_explain_verifier(struct attempt *a, const struct loaded_program *p, int error)
{
	struct span decisive, source;

	free(a->outcome->verifier_log);
	a->outcome->verifier_log = last_part(p->log);
	if (!a->outcome->verifier_log)
		return -ENOMEM;
	if (!find_lines(p->log, &decisive, &source))
		decisive = (struct span){"no reason given", strlen("no reason given")};
	return verdict_refused(a->outcome, error,
			       "the verifier refused program \"%s\" of object \"%s\": %.*s%s%.*s%s",
			       bpf_program__name(p->program), a->file->path, (int)decisive.length,
			       decisive.text, source.length > 0 ? " (at: " : "", (int)source.length,
			       or_empty(source.text), source.length > 0 ? ")" : "");
}
