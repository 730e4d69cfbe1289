/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The known causes of failure: by what libbpf prints, what the verifier says, and which errno a call returns. One table;
 * tests/causes/ has for each row what was really printed.
 */
#pragma once

#include "common/macro.h"

enum cause_source {
	CAUSE_LIBBPF,   /* a line that libbpf printed while it loaded the object */
	CAUSE_VERIFIER, /* the decisive line of the verifier's log */
	CAUSE_ATTACH,   /* the errno with which the kernel refused to take the loaded map */
	_CAUSE_SOURCE_MAX,
	_CAUSE_SOURCE_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(cause_source, enum cause_source);

/*
 * Sentences have {word}, {map}, {type}, {object}, {kernel} (its release) and {program} in them. NULL: whoever recognises
 * the cause has to say more than a fixed sentence can.
 */
struct cause {
	const char *id;
	enum cause_source source;
	int error; /* CAUSE_ATTACH: positive errno */
	const char *
		mark; /* stands in the line; CAUSE_ATTACH: the struct_ops type that it is about, NULL: any */
	const char *before_word; /* the word that is meant follows it in the line; NULL: none */
	const char *sentence;    /* CAUSE_VERIFIER: what its line means, and what to do */
};

extern const struct cause causes[];
extern const size_t n_causes;

/* The first row of a source that a line of text shows, or NULL. */
const struct cause *cause_of_text(enum cause_source source, const char *line);
/* A row for this very type comes before one for any. */
const struct cause *cause_of_error(int error, const char *type);

/* The word of the cause in its line; the caller frees. NULL: out of memory; "" where there is none. */
char *cause_word(const struct cause *cause, const char *line);

struct cause_words {
	const char *word, *map, *type, *object, *kernel, *program; /* NULL: "" */
};

/* The sentence with its words; the caller frees. NULL: out of memory. */
char *cause_sentence(const struct cause *cause, const struct cause_words *words);
