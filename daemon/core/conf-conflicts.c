/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/conf-conflicts.h"
#include "daemon/core/conf-rows.h"

struct conf_said {
	char *section, *key, *value;
	unsigned line, section_line;
};

int conf_conflicts_add(struct conf_conflicts *c, const struct ini_item *item)
{
	struct conf_said *said = reallocarray(c->said, c->n + 1, sizeof(*said));

	if (!said)
		return -ENOMEM;
	c->said = said;
	said += c->n++;
	*said = (struct conf_said){
		.section = strdup(item->section),
		.key = strdup(item->key),
		.value = strdup(item->value),
		.line = item->line,
		.section_line = item->section_line,
	};
	return said->section && said->key && said->value ? 0 : -ENOMEM;
}

static int compare_keys(const struct conf_said *a, const struct conf_said *b)
{
	int order = strcmp(a->section, b->section);

	return order != 0 ? order : strcmp(a->key, b->key);
}

/* What concerns one key side by side, in the order of the file. */
static int compare_said(const void *va, const void *vb)
{
	const struct conf_said *a = va, *b = vb;
	int order = compare_keys(a, b);

	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

int conf_conflicts_check(struct conf_conflicts *c, const char *file, struct messages *messages)
{
	int r = 0;

	if (c->n > 0)
		qsort(c->said, c->n, sizeof(*c->said), compare_said);
	for (size_t i = 1; i < c->n && r >= 0; i++) {
		const struct conf_said *a = &c->said[i - 1], *b = &c->said[i];

		if (compare_keys(a, b) != 0 || a->section_line == b->section_line ||
		    streq(a->value, b->value))
			continue;
		r = conf_error_at(messages, file, b->line, b->section, b->key,
				  "\"%s\" here, but \"%s\" in line %u below another header of the "
				  "same section, expected one of them",
				  b->value, a->value, a->line);
	}
	conf_conflicts_done(c);
	return r;
}

void conf_conflicts_done(struct conf_conflicts *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->said[i].section);
		free(c->said[i].key);
		free(c->said[i].value);
	}
	free(c->said);
	*c = (struct conf_conflicts){0};
}
