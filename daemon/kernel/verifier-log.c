/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/verifier-log.h"

#include "common/sentence.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/verdict.h"

#define KEPT_MAX (16U * 1024)

struct span {
	const char *text;
	size_t length;
};

struct findings {
	struct span decisive; /* the last line that is not one of the others */
	struct span source;   /* the last line of the source that was shown before it */
	struct span suggestion;
};

static bool starts_with(struct span line, const char *start)
{
	return line.length >= strlen(start) && strncmp(line.text, start, strlen(start)) == 0;
}

/* What the verifier says at the end in any case. */
static bool is_summary(struct span line)
{
	return line.length == 0 || starts_with(line, "processed ") ||
	       starts_with(line, "verification time ") || starts_with(line, "stack depth ");
}

static struct span next_line(const char **log)
{
	struct span line = {*log, strcspn(*log, "\n")};

	*log += line.length + ((*log)[line.length] == '\n');
	return line;
}

/* Linux 7.3 explains its decision once more, at length, in blocks with headings; one of them is advice. */
static void read_explanation(const char *log, struct findings *f)
{
	while (*log) {
		if (!starts_with(next_line(&log), "Suggestion:"))
			continue;
		f->suggestion = next_line(&log);
		while (f->suggestion.length > 0 && *f->suggestion.text == ' ') {
			f->suggestion.text++;
			f->suggestion.length--;
		}
	}
}

static struct findings read_log(const char *log)
{
	struct findings f = {.decisive = {"no reason given", strlen("no reason given")}};

	while (*log) {
		struct span line = next_line(&log);

		if (starts_with(line, "Verification failed:")) {
			read_explanation(log, &f);
			break;
		}
		/* "; struct tcp_sock *tp = …", newer kernels add " @ file.c:12". */
		if (line.length > 2 && starts_with(line, "; "))
			f.source = (struct span){line.text + 2, line.length - 2};
		else if (!is_summary(line))
			f.decisive = line;
	}
	return f;
}

char *verifier_log_sentence(const char *log)
{
	struct findings f = read_log(log);

	return sentence("%.*s%s%.*s%s%s%.*s", (int)f.decisive.length, f.decisive.text,
			f.source.length ? " (at: " : "", (int)f.source.length,
			or_empty(f.source.text), f.source.length ? ")" : "",
			f.suggestion.length ? ". The verifier suggests: " : "",
			(int)f.suggestion.length, or_empty(f.suggestion.text));
}

char *verifier_log_end(const char *log)
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
	_cleanup_(freep) char *why = verifier_log_sentence(p->log);

	free(a->outcome->verifier_log);
	a->outcome->verifier_log = verifier_log_end(p->log);
	if (!why || !a->outcome->verifier_log)
		return -ENOMEM;
	return verdict_refused(a->outcome, error,
			       "the verifier refused program \"%s\" of object \"%s\": %s",
			       bpf_program__name(p->program), a->file->path, why);
}
