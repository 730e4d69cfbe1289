/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/findings.h"

#include <stdarg.h>

#include "common/sentence.h"

static const char *const severity_table[] = {
	[SEVERITY_OK] = "ok",
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};
DEFINE_STRING_TABLE(severity, enum severity)

void findings_add(struct findings *f, enum severity severity, const char *id, const char *format,
		  ...)
{
	struct finding *grown = reallocarray(f->items, f->n + 1, sizeof(*grown)), *new;
	va_list args;

	if (!grown) {
		f->failed = true;
		return;
	}
	f->items = grown;
	new = &grown[f->n++];
	*new = (struct finding){.id = strdup(id), .severity = severity};
	va_start(args, format);
	new->text = sentence_va(format, args);
	va_end(args);
	if (!new->id || !new->text)
		f->failed = true;
}

void findings_remedy(struct findings *f, const char *format, ...)
{
	va_list args;

	if (f->failed)
		return;
	va_start(args, format);
	f->items[f->n - 1].remedy = sentence_va(format, args);
	va_end(args);
	if (!f->items[f->n - 1].remedy)
		f->failed = true;
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].id);
		free(f->items[i].text);
		free(f->items[i].remedy);
	}
	free(f->items);
	*f = (struct findings){0};
}

const struct finding *findings_find(const struct findings *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (streq(f->items[i].id, id))
			return &f->items[i];
	return NULL;
}

size_t findings_count(const struct findings *f, enum severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->items[i].severity == severity;
	return n;
}
