/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A verifier's log, and the same bytes as lines of libbpf: what an object can make them say is nobody's promise. */
#include "daemon/kernel/causes.h"
#include "daemon/kernel/verifier-log.h"
#include "tests/fuzz/fuzz.h"

static void explain(enum cause_source source, const char *line)
{
	const struct cause *cause = cause_of_text(source, line);
	_cleanup_(freep) char *word = NULL, *text = NULL;
	struct cause_words words = {.map = "m", .type = "t", .object = "o", .kernel = "k"};

	if (!cause)
		return;
	word = cause_word(cause, line);
	words.word = word;
	text = cause_sentence(cause, &words);
	if (!word || !text || strlen(word) > strlen(line))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	_cleanup_(freep) char *log =
		calloc(1, size + 1); /* ASan's strndup() reads the NUL that is not there */
	_cleanup_(freep) char *sentence = NULL, *end = NULL;

	if (!log)
		return 0;
	memcpy(log, bytes, size);
	sentence = verifier_log_sentence(log);
	end = verifier_log_end(log);
	if (!sentence || !end || strlen(end) > strlen(log) || strchr(sentence, '\n'))
		abort();
	explain(CAUSE_VERIFIER, sentence);
	for (char *rest = log, *line; (line = strsep(&rest, "\n"));) {
		explain(CAUSE_LIBBPF, line);
		explain(CAUSE_VERIFIER, line);
	}
	return 0;
}
