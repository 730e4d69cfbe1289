/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/doctor-output.h"
#include "client/json-tools.h"

static json_t *make_finding(const void *items, size_t i)
{
	const struct finding *x = &((const struct finding *)items)[i];

	return json_pack("{s:s, s:s, s:s, s:s?}", "id", x->id, "severity",
			 severity_to_string(x->severity), "text", x->text, "remedy", x->remedy);
}

int json_doctor(FILE *out, const struct findings *f)
{
	json_t *root;

	root = json_pack("{s:i, s:b, s:o}", "schema", JSON_SCHEMA, "fit",
			 findings_count(f, SEVERITY_ERROR) == 0, "checks",
			 json_array_of(f->items, f->n, make_finding));
	return json_print(out, root, JSON_INDENT(2));
}
