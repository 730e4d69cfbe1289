/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "client/hexadecimal.h"
#include "client/inspect-output.h"
#include "client/output.h"
#include "client/table.h"
#include "common/sentence.h"
#include "daemon/kernel/kernel.h"

#define INDENT 2
#define BYTES_SHOWN 8

static void add_number(struct table *t, size_t number)
{
	table_add_taken(t, COLOUR_NONE, sentence("%zu", number));
}

static void print_title(FILE *out, const struct style *style, const char *title)
{
	fprintf(out, "\n%s%s%s\n", style_on(style, COLOUR_BOLD), title,
		style_off(style, COLOUR_BOLD));
}

static void print_head(FILE *out, const struct style *style, const struct inspect_view *view)
{
	const struct inspection *in = view->in;

	style_put(style, out, in->name, 0);
	fprintf(out, "\n  %zu bytes, SHA-256 %s\n", in->size, in->digest);
	fprintf(out, "  Licence: %s\n", in->license ? in->license : "none");
	if (in->kernel) {
		fputs("  Compared with kernel ", out);
		style_put(style, out, in->kernel, 0);
		fputc('\n', out);
	}
	if (view->kernel_problem) {
		fputs("  ", out);
		style_put(style, out, view->kernel_problem, 0);
		fputc('\n', out);
	}
}

static void print_sentences(FILE *out, const struct style *style, const char *title,
			    enum colour colour, const struct sentences *s)
{
	if (s->n > 0)
		print_title(out, style, title);
	for (size_t i = 0; i < s->n; i++) {
		fprintf(out, "  %s", style_on(style, colour));
		style_put(style, out, s->items[i], 0);
		fprintf(out, "%s\n", style_off(style, colour));
	}
	if (s->n_left_out > 0)
		fprintf(out, "  and %zu more\n", s->n_left_out);
}

static enum colour fate_colour(enum fate fate)
{
	if (fate_is_refusal(fate))
		return COLOUR_RED;
	return fate == FATE_DROPPED ? COLOUR_YELLOW : COLOUR_NONE;
}

static char *fate_text(const struct ops_member *m)
{
	switch (m->fate) {
	case FATE_SAME:
		return strdup("same");
	case FATE_MOVED:
		return sentence("moved from %zu to %zu", m->offset, m->kernel_offset);
	case FATE_DROPPED:
		return strdup("not in the kernel, and zero: dropped");
	case FATE_MISSING:
		return strdup("not in the kernel, but set: refused");
	case FATE_OTHER_SIZE:
		return sentence("%zu bytes in the kernel: refused", m->kernel_size);
	case FATE_OTHER_KIND:
		return strdup("of another kind in the kernel: refused");
	case FATE_BITFIELD:
		return strdup("a bitfield: refused");
	case FATE_NO_PROGRAM:
		return strdup("an address that is no program: refused");
	case FATE_OTHER_MEMBER:
		return strdup("its program is an earlier member, too: refused");
	default:
		return strdup("");
	}
}

static char *member_text(const struct inspection *in, const struct ops_map *map,
			 const struct ops_member *m)
{
	if (m->program != NO_PROGRAM)
		return strdup(in->programs[m->program].name);
	if (m->kind == TYPE_OPERATOR)
		return strdup("none");
	return ops_member_value(in, map, m);
}

static int print_members(FILE *out, const struct style *style, const struct inspection *in,
			 const struct ops_map *map)
{
	static const char *const titles[] = {"MEMBER", "KIND", "TYPE", "SIZE", "KERNEL", "VALUE"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	table_add_head(&t, titles);
	for (size_t i = 0; i < map->n_members; i++) {
		const struct ops_member *m = &map->members[i];

		if (m->fate == FATE_KERNEL_ONLY)
			continue;
		table_add(&t, COLOUR_NONE, m->name);
		table_add(&t, COLOUR_NONE, m->bits ? "bitfield" : type_kind_to_string(m->kind));
		table_add(&t, COLOUR_NONE, m->type);
		table_add_taken(&t, COLOUR_NONE,
				m->bits ? sentence("%zu bits", m->bits) : sentence("%zu", m->size));
		table_add_taken(&t, fate_colour(m->fate), fate_text(m));
		table_add_taken(&t, COLOUR_NONE, member_text(in, map, m));
	}
	return table_print(&t, out, style, INDENT);
}

static void print_kernel_only(FILE *out, const struct style *style, const struct ops_map *map)
{
	const char *separator = "  Only in the kernel, and so zero: ";

	for (size_t i = 0; i < map->n_members; i++) {
		if (map->members[i].fate != FATE_KERNEL_ONLY)
			continue;
		fprintf(out, "%s%s", separator, map->members[i].name);
		separator = ", ";
	}
	if (*separator == ',')
		fputc('\n', out);
}

static int print_value(FILE *out, const struct style *style, const struct inspection *in,
		       const struct value_image *v)
{
	static const char *const titles[] = {"OFFSET", "SIZE", "BYTES", "MEMBER", "MEANING"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	fprintf(out,
		"\n  The kernel receives %zu bytes, of which the first %zu are its own (reference "
		"count, state):\n",
		v->size, v->data_offset);
	table_add_head(&t, titles);
	for (size_t i = 0; i < v->n_parts; i++) {
		const struct value_part *p = &v->parts[i];

		add_number(&t, p->offset);
		add_number(&t, p->size);
		if (p->program != NO_PROGRAM)
			table_add(&t, COLOUR_NONE, "program");
		else
			table_add_taken(&t, COLOUR_NONE,
					hexadecimal(v->bytes + p->offset, p->size, BYTES_SHOWN));
		table_add(&t, COLOUR_NONE, p->member);
		table_add(&t, COLOUR_NONE,
			  p->program != NO_PROGRAM ? in->programs[p->program].name
			  : *p->meaning            ? p->meaning
						   : "-");
	}
	return table_print(&t, out, style, INDENT);
}

static int print_missing_type(FILE *out, const struct ops_map *map)
{
	_cleanup_(freep) char *needs = kernel_type_needs_text(map->kernel_type);

	if (!needs)
		return -ENOMEM;
	fprintf(out, "  The kernel has no struct_ops type %s%s%s.\n", map->kernel_type, needs,
		kernel_type_needs(map->kernel_type).built_in ? "" : "; a module may bring it");
	return 0;
}

static int print_presence(FILE *out, const struct ops_map *map)
{
	if (map->presence == PRESENCE_MISSING)
		return print_missing_type(out, map);
	if (map->presence == PRESENCE_KNOWN)
		fprintf(out, "  Type %s of %s%s%s.\n", map->kernel_type,
			map->module ? "module " : "the kernel itself",
			map->module ? map->module : "",
			ops_map_is_refused(map) ? "; it would be refused" : "");
	return 0;
}

static int print_map(FILE *out, const struct style *style, const struct inspect_view *view,
		     size_t i)
{
	const struct ops_map *map = &view->in->maps[i];
	int r;

	fprintf(out, "\n%sMap %s%s: struct %s in \"%s\" (%s%s)\n", style_on(style, COLOUR_BOLD),
		map->name, style_off(style, COLOUR_BOLD), map->type, map->section,
		map->link ? "with a link" : "without a link",
		map->optional ? ", only when asked for" : "");
	r = print_presence(out, map);
	if (r < 0)
		return r;
	r = print_members(out, style, view->in, map);
	if (r < 0)
		return r;
	print_kernel_only(out, style, map);
	if (!view->values)
		return 0;
	if (view->values[i])
		return print_value(out, style, view->in, view->values[i]);
	fputs("\n  The kernel receives nothing of it.\n", out);
	return 0;
}

static char *uses_text(const struct inspection *in, const struct program *p)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f;

	if (!p->struct_ops)
		return strdup("not of struct_ops: structopsd does not attach it");
	if (p->n_uses == 0)
		return strdup(in->btf ? "no map" : "not known");
	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	for (size_t i = 0; i < p->n_uses; i++) {
		const struct ops_map *map = &in->maps[p->uses[i].map];

		fprintf(f, "%s%s.%s", i > 0 ? ", " : "", map->name,
			map->members[p->uses[i].member].name);
	}
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}

static int print_programs(FILE *out, const struct style *style, const struct inspection *in)
{
	static const char *const titles[] = {"PROGRAM", "SECTION", "INSNS", "USED BY"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	if (in->n_programs == 0)
		return 0;
	print_title(out, style, "Programs");
	table_add_head(&t, titles);
	for (size_t i = 0; i < in->n_programs; i++) {
		const struct program *p = &in->programs[i];

		table_add(&t, COLOUR_NONE, p->name);
		table_add(&t, COLOUR_NONE, p->section);
		add_number(&t, p->instructions);
		table_add_taken(&t, program_is_unreferenced(p) ? COLOUR_YELLOW : COLOUR_NONE,
				uses_text(in, p));
	}
	return table_print(&t, out, style, INDENT);
}

static int print_globals(FILE *out, const struct style *style, const struct inspection *in)
{
	static const char *const titles[] = {"GLOBAL", "SECTION", "TYPE",
					     "SIZE",   "VALUE",   "OVERRIDE"};
	_cleanup_table_ struct table t = {.n_columns = ARRAY_SIZE(titles)};

	if (in->n_globals == 0)
		return 0;
	print_title(out, style, "Globals");
	table_add_head(&t, titles);
	for (size_t i = 0; i < in->n_globals; i++) {
		const struct global *g = &in->globals[i];

		table_add(&t, COLOUR_NONE, g->name);
		table_add(&t, COLOUR_NONE, g->section);
		table_add(&t, COLOUR_NONE, g->type);
		add_number(&t, g->size);
		table_add(&t, COLOUR_NONE, g->value && *g->value ? g->value : "-");
		table_add(&t, COLOUR_NONE, g->not_because ? g->not_because : "yes");
	}
	return table_print(&t, out, style, INDENT);
}

int text_inspect(FILE *out, const struct style *style, const struct inspect_view *view)
{
	const struct inspection *in = view->in;
	int r = 0;

	print_head(out, style, view);
	print_sentences(out, style, "Wrong with it", COLOUR_RED, &in->problems);
	print_sentences(out, style, "Notes", COLOUR_NONE, &in->notes);
	for (size_t i = 0; r == 0 && i < in->n_maps; i++)
		r = print_map(out, style, view, i);
	if (r == 0)
		r = print_programs(out, style, in);
	if (r == 0)
		r = print_globals(out, style, in);
	return output_result(out, r);
}
