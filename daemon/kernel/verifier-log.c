/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/verifier-log.h"

#include <ctype.h>

#include "common/sentence.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/causes.h"
#include "daemon/kernel/verdict.h"

#define KEPT_MAX (16U * 1024)
/* A macro may be one line of source, but a sentence should fit on five. */
#define SOURCE_MAX 100

static bool starts_with(struct log_part line, const char *start)
{
	return line.length >= strlen(start) && strncmp(line.text, start, strlen(start)) == 0;
}

/* What the verifier says at the end in any case. */
static bool is_summary(struct log_part line)
{
	return line.length == 0 || starts_with(line, "processed ") ||
	       starts_with(line, "cur state:") || starts_with(line, "old state:") ||
	       starts_with(line, "verification time ") || starts_with(line, "stack depth ");
}

static struct log_part next_line(const char **log)
{
	struct log_part line = {*log, strcspn(*log, "\n")};

	*log += line.length + ((*log)[line.length] == '\n');
	return line;
}

/* Linux 7.3 explains its decision once more, at length, in blocks with headings; one of them is advice. */
static void read_explanation(const char *log, struct log_findings *f)
{
	while (*log) {
		const char *end;

		if (!starts_with(next_line(&log), "Suggestion:"))
			continue;
		end = strstr(log, "\n\n");
		f->suggestion = (struct log_part){log, end ? (size_t)(end - log) : strlen(log)};
	}
}

/* The kernel breaks its lines; here all is one. */
static char *one_line(struct log_part part)
{
	_cleanup_(freep) char *text = strndup(or_empty(part.text), part.length);
	size_t n = 0;

	if (!text)
		return NULL;
	for (const char *c = text; *c; c++)
		if (!isspace((unsigned char)*c))
			text[n++] = *c;
		else if (n > 0 && text[n - 1] != ' ')
			text[n++] = ' ';
	text[n - (n > 0 && text[n - 1] == ' ')] = '\0';
	return TAKE_PTR(text);
}

/* "12: (61) r0 = …" */
static void read_instruction(struct log_part line, struct log_findings *f)
{
	size_t digits = strspn(line.text, "0123456789");

	if (digits > 0 && digits + 3 <= line.length && strncmp(line.text + digits, ": (", 3) == 0)
		f->instruction = (struct log_part){line.text, digits};
}

/* A log that is whole ends with how much was looked at. */
static bool is_cut(const char *log)
{
	return *log && !strstr(log, "processed ");
}

struct log_findings verifier_log_read(const char *log)
{
	static const char cut[] = "the log ends before the reason";
	const char *whole = log;
	struct log_findings f = {.decisive = {"no reason given", strlen("no reason given")}};

	while (*log) {
		struct log_part line = next_line(&log);

		if (starts_with(line, "Verification failed:")) {
			read_explanation(log, &f);
			break;
		}
		read_instruction(line, &f);
		/* "; struct tcp_sock *tp = …", newer kernels add " @ file.c:12". */
		if (line.length > 2 && starts_with(line, "; "))
			f.source = (struct log_part){line.text + 2, line.length - 2};
		else if (!is_summary(line))
			f.decisive = line;
	}
	if (is_cut(whole))
		f.decisive = (struct log_part){cut, strlen(cut)};
	return f;
}

/* Where its " @ file.c:12" begins; its end, where it has none. */
static size_t source_length(struct log_part source)
{
	static const char at[] = " @ ";

	for (size_t i = source.length; i-- > 0;)
		if (strncmp(source.text + i, at, strlen(at)) == 0)
			return i;
	return source.length;
}

static char *source_text(struct log_part source)
{
	size_t length = source_length(source), shown = MIN(length, (size_t)SOURCE_MAX);

	/* Not in the middle of a character. */
	while (shown < length && shown > 0 && ((unsigned char)source.text[shown] & 0xc0) == 0x80)
		shown--;
	return sentence("%.*s%s%.*s", (int)shown, or_empty(source.text), shown < length ? "…" : "",
			(int)(source.length - length), or_empty(source.text) + length);
}

/* " (at: SOURCE, instruction N)", as far as the log tells. */
static char *place_text(const struct log_findings *f)
{
	_cleanup_(freep) char *source = source_text(f->source);
	const char *comma = f->source.length && f->instruction.length ? ", " : "";

	if (f->source.length == 0 && f->instruction.length == 0)
		return strdup("");
	if (!source)
		return NULL;
	return sentence(" (at: %s%s%s%.*s)", source, comma,
			f->instruction.length ? "instruction " : "", (int)f->instruction.length,
			or_empty(f->instruction.text));
}

char *verifier_log_sentence(const char *log)
{
	struct log_findings f = verifier_log_read(log);
	_cleanup_(freep) char *place = place_text(&f), *suggestion = one_line(f.suggestion);

	if (!place || !suggestion)
		return NULL;
	return sentence("%.*s%s%s%s", (int)f.decisive.length, f.decisive.text, place,
			*suggestion ? ". The verifier suggests: " : "", suggestion);
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

/* What the decisive line means; "" where that is not known, or where the verifier has said it itself. */
static char *meaning(const struct attempt *a, const char *log)
{
	struct log_findings f = verifier_log_read(log);
	_cleanup_(freep) char *line = strndup(f.decisive.text, f.decisive.length);
	const struct cause *cause = line && f.suggestion.length == 0
					    ? cause_of_text(CAUSE_VERIFIER, line)
					    : NULL;

	if (!line)
		return NULL;
	return cause ? attempt_cause_sentence(a, cause, line) : strdup("");
}

int attempt_explain_verifier(struct attempt *a, const struct loaded_program *p, int error)
{
	_cleanup_(freep) char *why = verifier_log_sentence(p->log), *means = meaning(a, p->log);

	free(a->outcome->verifier_log);
	a->outcome->verifier_log = verifier_log_end(p->log);
	if (!why || !means || !a->outcome->verifier_log)
		return -ENOMEM;
	return verdict_refused(
		a->outcome, error, "the verifier refused program \"%s\" of object \"%s\": %s%s%s",
		bpf_program__name(p->program), a->file->path, why, *means ? ". " : "", means);
}
