/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>

#include "daemon/core/outcome.h"

/* Starts each encoding; to be changed with the order of what follows. */
#define MAGIC UINT32_C(0x324f5453)

void outcome_done(struct outcome *o)
{
	free(o->detail);
	free(o->verifier_log);
	free(o->object_file);
	free(o->digest);
	free(o->type);
	free(o->map);
	for (size_t i = 0; i < o->n_fields; i++) {
		free(o->fields[i].member);
		free(o->fields[i].wanted);
		free(o->fields[i].actual);
	}
	free(o->fields);
	for (size_t i = 0; i < o->n_programs; i++) {
		free(o->programs[i].member);
		free(o->programs[i].name);
	}
	free(o->programs);
	free(o->slot);
	free(o->device);
	free(o->ops_name);
	free(o->end_file);
	for (size_t i = 0; i < o->n_defaults; i++) {
		free(o->defaults[i].netns);
		free(o->defaults[i].former);
	}
	free(o->defaults);
	for (size_t i = 0; i < o->n_foreign; i++) {
		free(o->foreign[i].type);
		free(o->foreign[i].map);
		messages_done(&o->foreign[i].holders);
	}
	free(o->foreign);
	messages_done(&o->notes);
	*o = OUTCOME_NULL;
}

int outcome_add_field(struct outcome *o, const char *member, const char *wanted, const char *actual)
{
	struct outcome_field *field = reallocarray(o->fields, o->n_fields + 1, sizeof(*field));

	if (!field)
		return -ENOMEM;
	o->fields = field;
	field += o->n_fields++;
	*field = (struct outcome_field){
		.member = strdup(member),
		.wanted = strdup(wanted),
		.actual = actual ? strdup(actual) : NULL,
	};
	return field->member && field->wanted && (field->actual || !actual) ? 0 : -ENOMEM;
}

int outcome_add_program(struct outcome *o, const char *member, const char *name, uint32_t id)
{
	struct outcome_program *program = reallocarray(o->programs, o->n_programs + 1,
						       sizeof(*program));

	if (!program)
		return -ENOMEM;
	o->programs = program;
	program += o->n_programs++;
	*program = (struct outcome_program){
		.member = strdup(member),
		.name = strdup(name),
		.id = id,
	};
	return program->member && program->name ? 0 : -ENOMEM;
}

int outcome_add_default(struct outcome *o, const char *netns, const char *former)
{
	struct outcome_default *d = reallocarray(o->defaults, o->n_defaults + 1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	o->defaults = d;
	d += o->n_defaults++;
	*d = (struct outcome_default){
		.netns = strdup(netns),
		.former = former ? strdup(former) : NULL,
	};
	return d->netns && (d->former || !former) ? 0 : -ENOMEM;
}

struct outcome_foreign *outcome_add_foreign(struct outcome *o)
{
	struct outcome_foreign *f = reallocarray(o->foreign, o->n_foreign + 1, sizeof(*f));

	if (!f)
		return NULL;
	o->foreign = f;
	f += o->n_foreign++;
	*f = (struct outcome_foreign){0};
	return f;
}

static void put_u32(FILE *f, uint32_t number)
{
	fwrite(&number, sizeof(number), 1, f);
}

static void put_u64(FILE *f, uint64_t number)
{
	fwrite(&number, sizeof(number), 1, f);
}

/* The length plus one, then the text; 0 for NULL. */
static void put_text(FILE *f, const char *text)
{
	put_u32(f, text ? (uint32_t)strlen(text) + 1 : 0);
	if (text)
		fputs(text, f);
}

static void put_stamp(FILE *f, const struct object_stamp *stamp)
{
	put_u64(f, stamp->device);
	put_u64(f, stamp->inode);
	put_u64(f, stamp->size);
	put_u64(f, stamp->mtime_nsec);
	put_u64(f, stamp->ctime_nsec);
}

static void put_exit(FILE *f, const struct outcome *o)
{
	const struct exit_layout *l = &o->exit;
	const uint32_t layout[] = {l->value_size,   l->kind,        l->code,
				   l->reason,       l->reason_size, l->message,
				   l->message_size, l->dump_size,   l->dump};

	for (size_t i = 0; i < ARRAY_SIZE(layout); i++)
		put_u32(f, layout[i]);
	put_u32(f, (uint32_t)o->end.kind);
	put_u64(f, (uint64_t)o->end.code);
	put_text(f, o->end.reason);
	put_text(f, o->end.message);
	put_text(f, o->end_file);
}

static void put_scalars(FILE *f, const struct outcome *o)
{
	put_u32(f, MAGIC);
	put_u32(f, o->verdict);
	put_u32(f, o->change);
	put_u32(f, (uint32_t)o->error);
	put_stamp(f, &o->stamp);
	put_u32(f, o->map_id);
	put_u32(f, o->link_id);
	put_u32(f, o->linkless);
	put_u32(f, o->relinkable);
	put_u64(f, o->load_usec);
	put_u64(f, o->attach_usec);
	put_u64(f, o->gap_usec);
	put_u64(f, o->enable_seq);
	put_u32(f, o->holder_map_id);
}

static void put_texts(FILE *f, const struct outcome *o)
{
	put_text(f, o->detail);
	put_text(f, o->verifier_log);
	put_text(f, o->object_file);
	put_text(f, o->digest);
	put_text(f, o->type);
	put_text(f, o->map);
	put_text(f, o->slot);
	put_text(f, o->device);
	put_text(f, o->ops_name);
}

static void put_messages(FILE *f, const struct messages *m)
{
	put_u32(f, (uint32_t)m->n);
	for (size_t i = 0; i < m->n; i++)
		put_text(f, m->items[i]);
}

static void put_lists(FILE *f, const struct outcome *o)
{
	put_u32(f, (uint32_t)o->n_fields);
	for (size_t i = 0; i < o->n_fields; i++) {
		put_text(f, o->fields[i].member);
		put_text(f, o->fields[i].wanted);
		put_text(f, o->fields[i].actual);
	}
	put_u32(f, (uint32_t)o->n_programs);
	for (size_t i = 0; i < o->n_programs; i++) {
		put_text(f, o->programs[i].member);
		put_text(f, o->programs[i].name);
		put_u32(f, o->programs[i].id);
	}
	put_messages(f, &o->notes);
	put_u32(f, (uint32_t)o->n_defaults);
	for (size_t i = 0; i < o->n_defaults; i++) {
		put_text(f, o->defaults[i].netns);
		put_text(f, o->defaults[i].former);
	}
	put_u32(f, (uint32_t)o->n_foreign);
	for (size_t i = 0; i < o->n_foreign; i++) {
		put_u32(f, o->foreign[i].map_id);
		put_u32(f, o->foreign[i].link_id);
		put_text(f, o->foreign[i].type);
		put_text(f, o->foreign[i].map);
		put_messages(f, &o->foreign[i].holders);
	}
}

int outcome_encode(const struct outcome *o, void **ret_bytes, size_t *ret_length)
{
	_cleanup_(freep) char *bytes = NULL;
	size_t length;
	FILE *f = open_memstream(&bytes, &length);

	if (!f)
		return -ENOMEM;
	put_scalars(f, o);
	put_texts(f, o);
	put_exit(f, o);
	put_lists(f, o);
	if (fclose(f) != 0)
		return -ENOMEM;
	*ret_bytes = TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}

/* After the first error all reads give 0 or NULL, so that only the end need look at it. */
struct reader {
	const char *next;
	size_t left;
	int error;
};

static void get_bytes(struct reader *r, void *to, size_t n)
{
	if (r->error == 0 && n > r->left)
		r->error = -EBADMSG;
	if (r->error < 0) {
		memset(to, 0, n);
		return;
	}
	memcpy(to, r->next, n);
	r->next += n;
	r->left -= n;
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t number;

	get_bytes(r, &number, sizeof(number));
	return number;
}

static uint64_t get_u64(struct reader *r)
{
	uint64_t number;

	get_bytes(r, &number, sizeof(number));
	return number;
}

/* A number that is less than limit. */
static uint32_t get_below(struct reader *r, uint32_t limit)
{
	uint32_t number = get_u32(r);

	if (number < limit)
		return number;
	r->error = -EBADMSG;
	return 0;
}

/* The caller's; NULL also for a text that is NULL. */
static char *get_text(struct reader *r)
{
	uint32_t length = get_u32(r);
	char *text;

	if (length == 0)
		return NULL;
	length--;
	if (length > r->left || memchr(r->next, '\0', length)) {
		r->error = -EBADMSG;
		return NULL;
	}
	text = malloc(length + 1);
	if (!text) {
		r->error = -ENOMEM;
		return NULL;
	}
	get_bytes(r, text, length);
	text[length] = '\0';
	return text;
}

/* A text that must not be NULL. */
static char *get_some_text(struct reader *r)
{
	char *text = get_text(r);

	if (!text && r->error == 0)
		r->error = -EBADMSG;
	return text;
}

static void get_stamp(struct reader *r, struct object_stamp *ret)
{
	ret->device = get_u64(r);
	ret->inode = get_u64(r);
	ret->size = get_u64(r);
	ret->mtime_nsec = get_u64(r);
	ret->ctime_nsec = get_u64(r);
}

static void get_scalars(struct reader *r, struct outcome *o)
{
	if (get_u32(r) != MAGIC)
		r->error = -EBADMSG;
	o->verdict = get_below(r, _VERDICT_MAX);
	o->change = get_below(r, _CHANGE_MAX);
	o->error = (int)get_below(r, (uint32_t)INT_MAX + 1);
	get_stamp(r, &o->stamp);
	o->map_id = get_u32(r);
	o->link_id = get_u32(r);
	o->linkless = get_below(r, 2) == 1;
	o->relinkable = get_below(r, 2) == 1;
	o->load_usec = get_u64(r);
	o->attach_usec = get_u64(r);
	o->gap_usec = get_u64(r);
	o->enable_seq = get_u64(r);
	o->holder_map_id = get_u32(r);
}

static void get_texts(struct reader *r, struct outcome *o)
{
	o->detail = get_text(r);
	o->verifier_log = get_text(r);
	o->object_file = get_text(r);
	o->digest = get_text(r);
	o->type = get_text(r);
	o->map = get_text(r);
	o->slot = get_text(r);
	o->device = get_text(r);
	o->ops_name = get_text(r);
}

/* A text that has its place in the outcome itself. */
static void get_text_into(struct reader *r, char *to, size_t size)
{
	_cleanup_(freep) char *text = get_some_text(r);

	if (r->error < 0)
		return;
	if (strlen(text) >= size)
		r->error = -EBADMSG;
	else
		strcpy(to, text);
}

static void get_exit(struct reader *r, struct outcome *o)
{
	struct exit_layout *l = &o->exit;
	uint32_t *const layout[] = {&l->value_size,   &l->kind,        &l->code,
				    &l->reason,       &l->reason_size, &l->message,
				    &l->message_size, &l->dump_size,   &l->dump};

	for (size_t i = 0; i < ARRAY_SIZE(layout); i++)
		*layout[i] = get_u32(r);
	o->end.kind = (int)get_u32(r);
	o->end.code = (int64_t)get_u64(r);
	get_text_into(r, o->end.reason, sizeof(o->end.reason));
	get_text_into(r, o->end.message, sizeof(o->end.message));
	o->end_file = get_text(r);
}

static void get_field(struct reader *r, struct outcome *o)
{
	_cleanup_(freep) char *member = get_some_text(r);
	_cleanup_(freep) char *wanted = get_some_text(r);
	_cleanup_(freep) char *actual = get_text(r);

	if (r->error == 0)
		r->error = outcome_add_field(o, member, wanted, actual);
}

static void get_program(struct reader *r, struct outcome *o)
{
	_cleanup_(freep) char *member = get_some_text(r);
	_cleanup_(freep) char *name = get_some_text(r);
	uint32_t id = get_u32(r);

	if (r->error == 0)
		r->error = outcome_add_program(o, member, name, id);
}

static void get_message(struct reader *r, struct messages *m)
{
	_cleanup_(freep) char *text = get_some_text(r);

	if (r->error == 0)
		r->error = messages_add(m, "%s", text);
}

static void get_note(struct reader *r, struct outcome *o)
{
	get_message(r, &o->notes);
}

static void get_default(struct reader *r, struct outcome *o)
{
	_cleanup_(freep) char *netns = get_some_text(r);
	_cleanup_(freep) char *former = get_text(r);

	if (r->error == 0)
		r->error = outcome_add_default(o, netns, former);
}

static void get_foreign(struct reader *r, struct outcome *o)
{
	struct outcome_foreign *f = outcome_add_foreign(o);
	uint32_t n;

	if (!f) {
		r->error = -ENOMEM;
		return;
	}
	f->map_id = get_u32(r);
	f->link_id = get_u32(r);
	f->type = get_text(r);
	f->map = get_text(r);
	n = get_u32(r);
	for (uint32_t i = 0; i < n && r->error == 0; i++)
		get_message(r, &f->holders);
}

static void get_list(struct reader *r, struct outcome *o,
		     void (*get_item)(struct reader *r, struct outcome *o))
{
	uint32_t n = get_u32(r);

	/* n may be a lie, what is there is not: each item takes some of it. */
	for (uint32_t i = 0; i < n && r->error == 0; i++)
		get_item(r, o);
}

int outcome_decode(const void *bytes, size_t length, struct outcome *ret)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	struct reader r = {.next = bytes, .left = length};

	get_scalars(&r, &o);
	get_texts(&r, &o);
	get_exit(&r, &o);
	get_list(&r, &o, get_field);
	get_list(&r, &o, get_program);
	get_list(&r, &o, get_note);
	get_list(&r, &o, get_default);
	get_list(&r, &o, get_foreign);
	if (r.error < 0)
		return r.error;
	if (r.left > 0)
		return -EBADMSG;
	*ret = o;
	o = OUTCOME_NULL;
	return 0;
}
