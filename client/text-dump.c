/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "client/dump-output.h"
#include "client/hexadecimal.h"
#include "client/output.h"
#include "client/table.h"
#include "common/sentence.h"

#define KEY_WIDTH 11
#define INDENT 2
#define BYTES_SHOWN 16

static void print_head(FILE *out, const struct dump_view *view)
{
	const struct live_map *m = view->map;

	if (view->policy)
		fprintf(out, "%*s: %s\n", KEY_WIDTH, "Policy", view->policy);
	fprintf(out, "%*s: %s (id %" PRIu32 ")\n", KEY_WIDTH, "Map", m->name, m->id);
	if (view->link_id != 0)
		fprintf(out, "%*s: id %" PRIu32 "\n", KEY_WIDTH, "Link", view->link_id);
	fprintf(out, "%*s: %s of %s%s\n", KEY_WIDTH, "Type", m->type,
		m->module ? "module " : "the kernel itself", or_empty(m->module));
	fprintf(out, "%*s: %s\n", KEY_WIDTH, "State", m->state);
	fprintf(out, "%*s: %" PRIu32 "\n", KEY_WIDTH, "References", m->references);
}

static char *bytes_text(const struct live_map *m, const struct live_member *member)
{
	if (member->offset > m->size || member->size > m->size - member->offset)
		return strdup("?");
	return hexadecimal(m->value + member->offset, member->size, BYTES_SHOWN);
}

static void add_place(struct table *t, const struct live_map *m, const struct live_member *member)
{
	table_add_taken(t, COLOUR_NONE, sentence("%zu", member->offset));
	table_add_taken(t, COLOUR_NONE,
			member->bits ? sentence("%zu bits", member->bits)
				     : sentence("%zu", member->size));
	table_add_taken(t, COLOUR_NONE, bytes_text(m, member));
}

static const struct dump_wanted *wanted_of(const struct dump_view *view, const char *member)
{
	const struct dump_wanted *found = NULL;

	/* The last one counts. */
	for (size_t i = 0; i < view->n_wanted; i++)
		if (streq(view->wanted[i].member, member))
			found = &view->wanted[i];
	return found;
}

/* The last column, which only policies have. */
static void add_wanted(struct table *t, const struct dump_view *view, const char *wanted,
		       const char *actual)
{
	bool differs = wanted && !streq(wanted, or_empty(actual));

	if (!view->policy)
		return;
	if (!wanted)
		table_add(t, COLOUR_NONE, "");
	else
		table_add(t, differs ? COLOUR_YELLOW : COLOUR_NONE, *wanted ? wanted : "none");
}

static void add_member(struct table *t, const struct dump_view *view,
		       const struct live_member *member)
{
	const struct dump_wanted *w = wanted_of(view, member->name);

	table_add(t, COLOUR_NONE, member->name);
	table_add(t, COLOUR_NONE, member->bits ? "bitfield" : member->type);
	if (view->bytes)
		add_place(t, view->map, member);
	table_add(t, COLOUR_NONE, *member->value ? member->value : "-");
	add_wanted(t, view, w ? w->wanted : NULL, member->value);
}

static bool is_inside(const char *path, const struct live_member *member)
{
	size_t n = strlen(member->name);

	return strncmp(path, member->name, n) == 0 && (path[n] == '.' || path[n] == '[');
}

static void add_inner(struct table *t, const struct dump_view *view,
		      const struct live_member *member)
{
	for (size_t i = 0; i < view->n_wanted; i++) {
		const struct dump_wanted *w = &view->wanted[i];

		if (!is_inside(w->member, member))
			continue;
		table_add(t, COLOUR_NONE, w->member);
		for (int k = 0; k < (view->bytes ? 4 : 1); k++)
			table_add(t, COLOUR_NONE, "");
		table_add(t, COLOUR_NONE, w->actual);
		add_wanted(t, view, w->wanted, w->actual);
	}
}

static int print_fields(FILE *out, const struct style *style, const struct dump_view *view)
{
	static const char *const titles[] = {"FIELD", "TYPE", "VALUE", "WANTED"};
	static const char *const with_bytes[] = {"FIELD", "TYPE",  "OFFSET", "SIZE",
						 "BYTES", "VALUE", "WANTED"};
	_cleanup_table_ struct table t = {
		.n_columns = (view->bytes ? ARRAY_SIZE(with_bytes) : ARRAY_SIZE(titles)) -
			     !view->policy,
	};

	table_add_head(&t, view->bytes ? with_bytes : titles);
	for (size_t i = 0; i < view->map->n_members; i++) {
		if (view->map->members[i].kind == TYPE_OPERATOR)
			continue;
		add_member(&t, view, &view->map->members[i]);
		add_inner(&t, view, &view->map->members[i]);
	}
	fputc('\n', out);
	return table_print(&t, out, style, INDENT);
}

static int print_operators(FILE *out, const struct style *style, const struct dump_view *view)
{
	static const char *const titles[] = {"OPERATOR", "ID", "PROGRAM", "WANTED"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles) - !view->policy};

	table_add_head(&t, titles);
	for (size_t i = 0; i < view->map->n_members; i++) {
		const struct live_member *m = &view->map->members[i];
		const struct dump_wanted *w = wanted_of(view, m->name);

		if (m->kind != TYPE_OPERATOR || (m->program_id == 0 && !w))
			continue;
		table_add(&t, COLOUR_NONE, m->name);
		table_add_id(&t, m->program_id);
		table_add(&t, COLOUR_NONE, m->program_id ? m->program ?: "?" : "none");
		add_wanted(&t, view, w ? w->wanted : NULL, m->program);
	}
	fputc('\n', out);
	return table_print(&t, out, style, INDENT);
}

static void print_not_set(FILE *out, const struct live_map *m)
{
	const char *separator = "\n  Not set: ";

	for (size_t i = 0; i < m->n_members; i++) {
		if (m->members[i].kind != TYPE_OPERATOR || m->members[i].program_id != 0)
			continue;
		fprintf(out, "%s%s", separator, m->members[i].name);
		separator = ", ";
	}
	if (*separator == ',')
		fputc('\n', out);
}

int text_dump(FILE *out, const struct style *style, const struct dump_view *view)
{
	int r;

	print_head(out, view);
	r = print_fields(out, style, view);
	if (r == 0)
		r = print_operators(out, style, view);
	print_not_set(out, view->map);
	return output_result(out, r);
}
