/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>

#include "daemon/core/messages.h"
#include "common/sentence.h"

int messages_addv(struct messages *m, const char *format, va_list args)
{
	_cleanup_(freep) char *text = sentence_va(format, args);
	char **items;

	if (!text)
		return -ENOMEM;
	items = reallocarray(m->items, m->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	m->items = items;
	m->items[m->n++] = TAKE_PTR(text);
	return 0;
}

int messages_add(struct messages *m, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = messages_addv(m, format, args);
	va_end(args);
	return r;
}

void messages_done(struct messages *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->items[i]);
	free(m->items);
	*m = MESSAGES_NULL;
}

char *messages_join(const struct messages *m, const char *separator)
{
	size_t length = 1;
	char *joined, *end;

	for (size_t i = 0; i < m->n; i++)
		length += (i > 0 ? strlen(separator) : 0) + strlen(m->items[i]);
	joined = malloc(length);
	if (!joined)
		return NULL;
	end = joined;
	*end = '\0';
	for (size_t i = 0; i < m->n; i++) {
		if (i > 0)
			end = stpcpy(end, separator);
		end = stpcpy(end, m->items[i]);
	}
	return joined;
}
