/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/dump-output.h"
#include "client/json-tools.h"

static json_t *make_live_member(const void *items, size_t i)
{
	const struct live_member *m = &((const struct live_member *)items)[i];
	bool is_data = m->kind != TYPE_OPERATOR;

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:s?, s:s?, s:o}", "name", m->name, "kind",
			 type_kind_to_string(m->kind), "type", m->type, "offset",
			 (json_int_t)m->offset, "size", (json_int_t)m->size, "bits",
			 json_number_or_null(m->bits), "value", is_data ? m->value : NULL,
			 "program", m->program, "program_id", json_number_or_null(m->program_id));
}

static json_t *make_wanted(const void *items, size_t i)
{
	const struct dump_wanted *w = &((const struct dump_wanted *)items)[i];

	return json_pack("{s:s, s:s, s:s?}", "member", w->member, "wanted", w->wanted, "actual",
			 w->actual);
}

int json_dump(FILE *out, const struct dump_view *view)
{
	const struct live_map *m = view->map;
	json_t *root;

	root = json_pack("{s:i, s:s?, s:s, s:I, s:o, s:s, s:s?, s:s, s:I, s:I, s:I, s:o, s:o, s:o}",
			 "schema", JSON_SCHEMA, "policy", view->policy, "map", m->name, "map_id",
			 (json_int_t)m->id, "link_id", json_number_or_null(view->link_id), "type",
			 m->type, "module", m->module, "state", m->state, "references",
			 (json_int_t)m->references, "size", (json_int_t)m->size, "data_offset",
			 (json_int_t)m->data_offset, "bytes", json_hexadecimal(m->value, m->size),
			 "members", json_array_of(m->members, m->n_members, make_live_member),
			 "wanted", json_array_of(view->wanted, view->n_wanted, make_wanted));
	return json_print(out, root, JSON_INDENT(2));
}
