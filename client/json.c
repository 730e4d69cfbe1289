/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json.h"

#include "client/json-tools.h"

/* For what may be 0 and there. */
static json_t *count_or_null(bool known, uint32_t count)
{
	return known ? json_integer(count) : json_null();
}

/* 0 is the daemon's next start. */
static json_t *end_or_null(const struct policy_row *r)
{
	return r->goes_back ? json_integer((json_int_t)r->switch_ends_usec) : json_null();
}

/* D-Bus has no null: where a text may be missing it is empty. */
static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static json_t *array_of_texts(const struct texts *texts)
{
	return json_array_of(texts->items, texts->n, json_make_text);
}

static json_t *policy_object(const struct policy_row *r)
{
	return json_pack("{s:s, s:s?, s:b, s:s, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:s?, s:o, s:I, "
			 "s:o, s:s?, s:s?, s:o, s:s?, s:s?, s:o, s:o}",
			 "name", r->name, "description", r->description, "enabled", r->enabled,
			 "state", r->state, "reason", r->reason, "detail", r->detail, "type",
			 r->type, "map", r->map, "map_id", json_number_or_null(r->map_id),
			 "link_id", json_number_or_null(r->link_id), "object", r->object,
			 "attached_usec", json_number_or_null(r->attached_usec), "restarts",
			 (json_int_t)r->restarts, "next_attempt_usec",
			 json_number_or_null(r->next_attempt_usec), "fallback", r->fallback,
			 "template", r->template, "instances",
			 count_or_null(r->is_template, r->instances), "device", r->device,
			 "switched_from", r->switched_from, "switch_ends_usec", end_or_null(r),
			 "disagreements", array_of_texts(&r->disagreements));
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
			 json_number_or_null(p->id));
}

static json_t *make_event(const void *items, size_t i)
{
	const struct row_event *e = &((const struct row_event *)items)[i];

	return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:o}", "seq", (json_int_t)e->seq,
			 "time_usec", (json_int_t)e->time_usec, "monotonic_usec",
			 (json_int_t)e->monotonic_usec, "policy", e->policy, "from", e->from, "to",
			 e->to, "reason", e->reason, "detail", e->detail, "link_id",
			 json_number_or_null(e->link_id));
}

static json_t *make_default(const void *items, size_t i)
{
	const struct row_default *d = &((const struct row_default *)items)[i];

	return json_pack("{s:s?, s:s?}", "netns", text_or_null(d->netns), "before",
			 text_or_null(d->before));
}

static json_t *exit_or_null(const struct policy_row *r)
{
	if (r->exit_kind == 0)
		return json_null();
	return json_pack("{s:i, s:I, s:s?, s:s?, s:s?}", "kind", r->exit_kind, "code",
			 (json_int_t)r->exit_code, "reason", text_or_null(r->exit_reason),
			 "message", text_or_null(r->exit_message), "file",
			 text_or_null(r->exit_file));
}

static json_t *make_status(const void *items, size_t i)
{
	const struct policy_row *r = &((const struct policy_row *)items)[i];
	json_auto_t *policy = policy_object(r);
	json_auto_t *added = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o}", "fields",
		json_array_of(r->fields, r->n_fields, make_field), "programs",
		json_array_of(r->programs, r->n_programs, make_program), "events",
		json_array_of(r->events, r->n_events, make_event), "notes",
		array_of_texts(&r->notes), "files", array_of_texts(&r->files), "digest", r->digest,
		"watch", r->watch, "kept", r->kept, "attach_usec",
		json_number_or_null(r->attach_usec), "users",
		count_or_null(r->users_known, r->users), "defaults",
		json_array_of(r->defaults, r->n_defaults, make_default), "exit", exit_or_null(r));

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

static json_t *make_foreign(const void *items, size_t i)
{
	const struct foreign_row *f = &((const struct foreign_row *)items)[i];

	return json_pack("{s:s?, s:s?, s:o, s:o, s:o}", "type", f->type, "map", f->map, "map_id",
			 json_number_or_null(f->map_id), "link_id", json_number_or_null(f->link_id),
			 "holders", array_of_texts(&f->holders));
}

static json_t *foreign_or_null(const struct foreign_rows *rows)
{
	return rows->known ? json_array_of(rows->items, rows->n, make_foreign) : json_null();
}

int json_list(FILE *out, const struct policy_rows *rows, const struct foreign_rows *foreign)
{
	json_auto_t *root = json_pack("{s:i, s:o}", "schema", JSON_SCHEMA, "policies",
				      json_array_of(rows->items, rows->n, make_policy));

	if (root && foreign && json_object_set_new(root, "foreign", foreign_or_null(foreign)) < 0)
		return -ENOMEM;
	return json_print(out, TAKE_PTR(root), JSON_INDENT(2));
}

int json_status(FILE *out, const struct policy_rows *rows)
{
	return json_print(out,
			  json_pack("{s:i, s:o}", "schema", JSON_SCHEMA, "policies",
				    json_array_of(rows->items, rows->n, make_status)),
			  JSON_INDENT(2));
}

int json_event(FILE *out, const struct row_event *event)
{
	int r = json_print(out, make_event(event, 0), JSON_COMPACT);

	if (r == 0 && fflush(out) != 0)
		return -errno;
	return r;
}

int json_results(FILE *out, const struct result *results, size_t n)
{
	return json_print(out,
			  json_pack("{s:i, s:o}", "schema", JSON_SCHEMA, "results",
				    json_array_of(results, n, make_result)),
			  JSON_INDENT(2));
}

int json_files(FILE *out, const char *name, const struct policy_file *files, size_t n)
{
	return json_print(out,
			  json_pack("{s:i, s:s, s:o}", "schema", JSON_SCHEMA, "name", name, "files",
				    json_array_of(files, n, make_file)),
			  JSON_INDENT(2));
}
