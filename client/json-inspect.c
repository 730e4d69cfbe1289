/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/inspect-output.h"
#include "client/json-tools.h"
#include "common/sentence.h"
#include "daemon/kernel/kernel.h"

/* What only the object has, or only the kernel, and where 0 is a value like any other. */
static json_t *if_known_or_null(bool known, size_t number)
{
	return known ? json_integer((json_int_t)number) : json_null();
}

static json_t *presence_or_null(enum type_presence presence)
{
	return presence == PRESENCE_UNKNOWN ? json_null()
					    : json_boolean(presence == PRESENCE_KNOWN);
}

static const char *program_name(const struct inspection *in, size_t program)
{
	return program == NO_PROGRAM ? NULL : in->programs[program].name;
}

static json_t *ops_member_object(const struct inspection *in, const struct ops_map *map,
				 const struct ops_member *m)
{
	_cleanup_(freep) char *value = ops_member_value(in, map, m);
	bool own = m->fate != FATE_KERNEL_ONLY;
	bool theirs = m->fate != FATE_UNKNOWN && m->fate != FATE_DROPPED && m->fate != FATE_MISSING;
	bool has_value = own && m->kind != TYPE_OPERATOR;

	if (!value)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s?, s:s?, s:s?, s:o, s:o}", "name",
			 m->name, "kind", type_kind_to_string(m->kind), "type", m->type, "offset",
			 if_known_or_null(own, m->offset), "size", if_known_or_null(own, m->size),
			 "bits", json_number_or_null(m->bits), "value", has_value ? value : NULL,
			 "program", program_name(in, m->program), "fate",
			 m->fate == FATE_UNKNOWN ? NULL : fate_to_string(m->fate), "kernel_offset",
			 if_known_or_null(theirs, m->kernel_offset), "kernel_size",
			 if_known_or_null(theirs, m->kernel_size));
}

static json_t *ops_members(const struct inspection *in, const struct ops_map *map)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; array && i < map->n_members; i++)
		if (json_array_append_new(array, ops_member_object(in, map, &map->members[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *value_part_object(const struct inspection *in, const struct value_part *p)
{
	return json_pack("{s:s, s:I, s:I, s:s?, s:s}", "member", p->member, "offset",
			 (json_int_t)p->offset, "size", (json_int_t)p->size, "program",
			 program_name(in, p->program), "meaning", p->meaning);
}

static json_t *value_parts(const struct inspection *in, const struct value_image *v)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; array && i < v->n_parts; i++)
		if (json_array_append_new(array, value_part_object(in, &v->parts[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *value_object(const struct inspection *in, const struct value_image *v)
{
	return json_pack("{s:I, s:I, s:o, s:o}", "size", (json_int_t)v->size, "data_offset",
			 (json_int_t)v->data_offset, "bytes", json_hexadecimal(v->bytes, v->size),
			 "parts", value_parts(in, v));
}

static json_t *value_or_null(const struct inspection *in, const struct value_image *v)
{
	return v ? value_object(in, v) : json_null();
}

static json_t *ops_map_object(const void *items, size_t i)
{
	const struct inspect_view *view = items;
	const struct inspection *in = view->in;
	const struct ops_map *m = &in->maps[i];
	const struct kernel_type_needs needs = kernel_type_needs(m->kernel_type);

	return json_pack(
		"{s:s, s:s, s:b, s:b, s:s, s:s, s:o, s:s?, s:s?, s:s?, s:b, s:I, s:o, s:o}", "name",
		m->name, "section", m->section, "link", m->link, "optional", m->optional, "type",
		m->type, "kernel_type", m->kernel_type, "known", presence_or_null(m->presence),
		"module", m->module, "since", needs.since, "config", needs.config, "refused",
		ops_map_is_refused(m), "size", (json_int_t)m->size, "members", ops_members(in, m),
		"value", value_or_null(in, view->values ? view->values[i] : NULL));
}

static json_t *program_uses(const struct inspection *in, const struct program *p)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; array && i < p->n_uses; i++) {
		const struct ops_map *map = &in->maps[p->uses[i].map];
		json_t *text = json_sprintf("%s.%s", map->name,
					    map->members[p->uses[i].member].name);

		if (json_array_append_new(array, text) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

static json_t *ops_program_object(const void *items, size_t i)
{
	const struct inspection *in = items;
	const struct program *p = &in->programs[i];

	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:I, s:o}", "name", p->name, "section",
			 p->section, "struct_ops", p->struct_ops, "sleepable", p->sleepable,
			 "optional", p->optional, "instructions", (json_int_t)p->instructions,
			 "members", program_uses(in, p));
}

static json_t *make_global(const void *items, size_t i)
{
	const struct global *g = &((const struct global *)items)[i];

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s?, s:b, s:s?}", "name", g->name, "section",
			 g->section, "type", g->type, "kind", type_kind_to_string(g->kind), "size",
			 (json_int_t)g->size, "value", g->value, "overridable", !g->not_because,
			 "reason", g->not_because);
}

/* JSON is UTF-8; a path may be anything. */
static json_t *path_text(const char *path)
{
	_cleanup_(freep) char *ascii = NULL;
	json_t *text = json_string(path);

	if (text)
		return text;
	ascii = name_copy(path);
	return ascii ? json_string(ascii) : NULL;
}

static json_t *path_or_null(const char *path)
{
	return path ? path_text(path) : json_null();
}

static json_t *inspection_object(const struct inspect_view *view)
{
	const struct inspection *in = view->in;

	return json_pack("{s:i, s:o, s:I, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
			 JSON_SCHEMA, "object", path_text(in->name), "size", (json_int_t)in->size,
			 "digest", in->digest, "license", in->license, "kernel",
			 path_or_null(in->kernel), "maps",
			 json_array_of(view, in->n_maps, ops_map_object), "programs",
			 json_array_of(in, in->n_programs, ops_program_object), "globals",
			 json_array_of(in->globals, in->n_globals, make_global), "problems",
			 json_array_of(in->problems.items, in->problems.n, json_make_text), "notes",
			 json_array_of(in->notes.items, in->notes.n, json_make_text));
}

int json_inspect(FILE *out, const struct inspect_view *view)
{
	return json_print(out, inspection_object(view), JSON_INDENT(2));
}
