/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy-merge.h"

static void line_done(struct merged_line *line)
{
	free(line->section);
	free(line->key);
	free(line->value);
}

void merged_policy_done(struct merged_policy *m)
{
	for (size_t i = 0; i < m->n; i++)
		line_done(&m->lines[i]);
	free(m->lines);
	*m = (struct merged_policy){0};
}

static void drop(struct merged_policy *m, const char *section, const char *key)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (streq(m->lines[i].section, section) && streq(m->lines[i].key, key))
			line_done(&m->lines[i]);
		else
			m->lines[n_kept++] = m->lines[i];
	m->n = n_kept;
}

/* Behind the last of its section; of a new section, at the end. */
static size_t place_for(const struct merged_policy *m, const char *section)
{
	size_t place = m->n;

	while (place > 0 && !streq(m->lines[place - 1].section, section))
		place--;
	return place > 0 ? place : m->n;
}

static enum override_op op_from_char(char op)
{
	return op == '|' ? OVERRIDE_OR : op == '&' ? OVERRIDE_AND : OVERRIDE_SET;
}

static int add(struct merged_policy *m, const struct ini_item *item)
{
	struct merged_line line = {
		.section = strdup(item->section),
		.key = strdup(item->key),
		.value = strdup(item->value),
		.op = op_from_char(item->op),
		.file = item->file,
		.line = item->line,
	};
	struct merged_line *longer = reallocarray(m->lines, m->n + 1, sizeof(*longer));
	size_t place;

	if (longer)
		m->lines = longer;
	if (!longer || !line.section || !line.key || !line.value) {
		line_done(&line);
		return -ENOMEM;
	}
	place = place_for(m, item->section);
	memmove(&longer[place + 1], &longer[place], (m->n - place) * sizeof(*longer));
	longer[place] = line;
	m->n++;
	return 0;
}

bool policy_section_is_free(const char *section)
{
	static const char fields[] = "Fields";

	return strncmp(section, fields, strlen(fields)) == 0 || streq(section, "Globals");
}

static int take_item(void *userdata, const struct ini_item *item)
{
	struct merged_policy *m = userdata;

	if (!item->key)
		return 0;
	if (item->op == '=')
		drop(m, item->section, item->key);
	/* For an override an empty value is one, too: an operator that is NULL, a variable as it was. */
	if (*item->value == '\0' && !policy_section_is_free(item->section))
		return 0;
	return add(m, item);
}

int policy_merge(const struct policy_source *sources, size_t n, struct merged_policy *ret,
		 struct messages *messages)
{
	_cleanup_(merged_policy_done) struct merged_policy m = {0};
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		int k = ini_parse_text(sources[i].path, sources[i].text, sources[i].length,
				       take_item, &m, messages);

		if (k < 0 && k != -EBADMSG)
			return k;
		r = MIN(r, k);
	}
	*ret = m;
	m = (struct merged_policy){0};
	return r;
}
