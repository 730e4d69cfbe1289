/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json.h"

#include <jansson.h>

#define SCHEMA 1

/* Owned by the array or object that they are packed into ("o"); NULL, out of memory, makes json_pack() fail. */
static json_t *number_or_null(uint64_t number)
{
	return number != 0 ? json_integer((json_int_t)number) : json_null();
}

/* Takes root over. */
static int print(FILE *out, json_t *root, size_t flags)
{
	json_auto_t *json = root;

	if (!json)
		return -ENOMEM;
	if (json_dumpf(json, out, flags) < 0)
		return ferror(out) ? -EIO : -ENOMEM;
	fputc('\n', out);
	return ferror(out) ? -EIO : 0;
}

/* An array of n elements that make(items, i) gives; NULL: out of memory. */
static json_t *array_of(const void *items, size_t n, json_t *(*make)(const void *items, size_t i))
{
	json_auto_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		if (json_array_append_new(array, make(items, i)) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *policy_object(const struct policy_row *r)
{
	return json_pack("{s:s, s:s?, s:b, s:s, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:s?, s:o, s:I, "
			 "s:o, s:s?}",
			 "name", r->name, "description", r->description, "enabled", r->enabled,
			 "state", r->state, "reason", r->reason, "detail", r->detail, "type",
			 r->type, "map", r->map, "map_id", number_or_null(r->map_id), "link_id",
			 number_or_null(r->link_id), "object", r->object, "attached_usec",
			 number_or_null(r->attached_usec), "restarts", (json_int_t)r->restarts,
			 "next_attempt_usec", number_or_null(r->next_attempt_usec), "fallback",
			 r->fallback);
}

static json_t *make_policy(const void *items, size_t i)
{
	return policy_object(&((const struct policy_row *)items)[i]);
}

static json_t *make_field(const void *items, size_t i)
{
	const struct row_field *f = &((const struct row_field *)items)[i];

	return json_pack("{s:s, s:s, s:s?}", "member", f->member, "wanted", f->wanted, "actual",
			 f->actual);
}

static json_t *make_program(const void *items, size_t i)
{
	const struct row_program *p = &((const struct row_program *)items)[i];

	return json_pack("{s:s, s:s, s:o}", "member", p->member, "name", p->name, "id",
			 number_or_null(p->id));
}

static json_t *make_event(const void *items, size_t i)
{
	const struct row_event *e = &((const struct row_event *)items)[i];

	return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:o}", "seq", (json_int_t)e->seq,
			 "time_usec", (json_int_t)e->time_usec, "monotonic_usec",
			 (json_int_t)e->monotonic_usec, "policy", e->policy, "from", e->from, "to",
			 e->to, "reason", e->reason, "detail", e->detail, "link_id",
			 number_or_null(e->link_id));
}

static json_t *make_text(const void *items, size_t i)
{
	return json_string(((const char *const *)items)[i]);
}

static json_t *make_status(const void *items, size_t i)
{
	const struct policy_row *r = &((const struct policy_row *)items)[i];
	json_auto_t *policy = policy_object(r);
	json_auto_t *added = json_pack("{s:o, s:o, s:o, s:o, s:o, s:s?, s:s?, s:o}", "fields",
				       array_of(r->fields, r->n_fields, make_field), "programs",
				       array_of(r->programs, r->n_programs, make_program), "events",
				       array_of(r->events, r->n_events, make_event), "notes",
				       array_of(r->notes, r->n_notes, make_text), "files",
				       array_of(r->files, r->n_files, make_text), "digest",
				       r->digest, "watch", r->watch, "attach_usec",
				       number_or_null(r->attach_usec));

	if (!policy || !added || json_object_update(policy, added) < 0)
		return NULL;
	if (r->verifier_log &&
	    json_object_set_new(policy, "verifier_log", json_string(r->verifier_log)) < 0)
		return NULL;
	return TAKE_PTR(policy);
}

static json_t *make_result(const void *items, size_t i)
{
	const struct result *r = &((const struct result *)items)[i];

	return json_pack("{s:s?, s:b, s:s}", "name", *r->name ? r->name : NULL, "done", r->done,
			 "detail", r->detail);
}

static json_t *make_file(const void *items, size_t i)
{
	const struct policy_file *f = &((const struct policy_file *)items)[i];

	return json_pack("{s:s, s:s}", "path", f->path, "content", f->content);
}

int json_list(FILE *out, const struct policy_rows *rows)
{
	return print(out,
		     json_pack("{s:i, s:o}", "schema", SCHEMA, "policies",
			       array_of(rows->items, rows->n, make_policy)),
		     JSON_INDENT(2));
}

int json_status(FILE *out, const struct policy_rows *rows)
{
	return print(out,
		     json_pack("{s:i, s:o}", "schema", SCHEMA, "policies",
			       array_of(rows->items, rows->n, make_status)),
		     JSON_INDENT(2));
}

int json_event(FILE *out, const struct row_event *event)
{
	int r = print(out, make_event(event, 0), JSON_COMPACT);

	if (r == 0 && fflush(out) != 0)
		return -errno;
	return r;
}

int json_results(FILE *out, const struct result *results, size_t n)
{
	return print(out,
		     json_pack("{s:i, s:o}", "schema", SCHEMA, "results",
			       array_of(results, n, make_result)),
		     JSON_INDENT(2));
}

int json_files(FILE *out, const char *name, const struct policy_file *files, size_t n)
{
	return print(out,
		     json_pack("{s:i, s:s, s:o}", "schema", SCHEMA, "name", name, "files",
			       array_of(files, n, make_file)),
		     JSON_INDENT(2));
}
