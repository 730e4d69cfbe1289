/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/sentence.h"
#include "inspect/inspection.h"

#define SENTENCE_MAX 600

/* What a file calls things may be anything, and as long as the file. */
static void make_printable(char *text)
{
	if (strlen(text) > SENTENCE_MAX)
		strcpy(text + SENTENCE_MAX - strlen("..."), "...");
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

int sentences_add(struct sentences *s, const char *format, ...)
{
	va_list args;
	char **grown;

	if (s->n == INSPECTION_SENTENCES_MAX) {
		s->n_left_out++;
		return 0;
	}
	grown = reallocarray(s->items, s->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->items = grown;
	va_start(args, format);
	grown[s->n] = sentence_va(format, args);
	va_end(args);
	if (!grown[s->n])
		return -ENOMEM;
	make_printable(grown[s->n]);
	s->n++;
	return 0;
}

void sentences_cut(struct sentences *s, size_t n)
{
	while (s->n > n)
		free(s->items[--s->n]);
	s->n_left_out = 0;
}

void sentences_done(struct sentences *s)
{
	sentences_cut(s, 0);
	free(s->items);
	*s = (struct sentences){0};
}
