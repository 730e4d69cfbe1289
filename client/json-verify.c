/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json-tools.h"
#include "client/verify.h"
#include "daemon/core/utf8.h"

/* Sentences may quote what an object says, which need not be UTF-8; JSON has to be. */
static json_t *text(const char *bytes)
{
	_cleanup_(freep) char *copy = strdup(bytes);

	for (char *p = copy; p && *p;) {
		p += utf8_valid_length(p, strlen(p));
		if (*p)
			*p++ = '?';
	}
	return json_string(copy);
}

static json_t *text_or_null(const char *bytes)
{
	return bytes ? text(bytes) : json_null();
}

static json_t *make_note(const void *items, size_t i)
{
	return text(((const char *const *)items)[i]);
}

static json_t *make_problem(const void *items, size_t i)
{
	const struct verify_problem *p = &((const struct verify_problem *)items)[i];
	json_t *sentence = text(p->sentence);

	return json_pack("{s:o, s:o, s:o}", "file", text_or_null(p->file), "line",
			 json_number_or_null(p->line), "sentence", sentence);
}

static json_t *make_verified(const void *items, size_t i)
{
	const struct verified *x = &((const struct verified *)items)[i];

	return json_pack("{s:o, s:b, s:o, s:o}", "policy", text(x->name), "ok", x->n_problems == 0,
			 "problems", json_array_of(x->problems, x->n_problems, make_problem),
			 "notes", json_array_of(x->notes.items, x->notes.n, make_note));
}

int json_verify(FILE *out, const struct verify *v)
{
	json_t *root;

	root = json_pack("{s:i, s:b, s:o, s:o}", "schema", JSON_SCHEMA, "ok", verify_is_ok(v),
			 "policies", json_array_of(v->items, v->n, make_verified), "notes",
			 json_array_of(v->notes.items, v->notes.n, make_note));
	return json_print(out, root, JSON_INDENT(2));
}
