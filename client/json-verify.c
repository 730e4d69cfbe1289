/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json-tools.h"
#include "client/verify.h"

static json_t *make_problem(const void *items, size_t i)
{
	const struct verify_problem *p = &((const struct verify_problem *)items)[i];

	return json_pack("{s:s?, s:o, s:s}", "file", p->file, "line", json_number_or_null(p->line),
			 "sentence", p->sentence);
}

static json_t *make_verified(const void *items, size_t i)
{
	const struct verified *x = &((const struct verified *)items)[i];

	return json_pack("{s:s, s:b, s:o, s:o}", "policy", x->name, "ok", x->n_problems == 0,
			 "problems", json_array_of(x->problems, x->n_problems, make_problem),
			 "notes", json_array_of(x->notes.items, x->notes.n, json_make_text));
}

int json_verify(FILE *out, const struct verify *v)
{
	json_t *root;

	root = json_pack("{s:i, s:b, s:o, s:o}", "schema", JSON_SCHEMA, "ok", verify_is_ok(v),
			 "policies", json_array_of(v->items, v->n, make_verified), "notes",
			 json_array_of(v->notes.items, v->notes.n, json_make_text));
	return json_print(out, root, JSON_INDENT(2));
}
