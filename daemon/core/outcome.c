/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>

#include "daemon/core/outcome.h"
#include "daemon/core/wire.h"

/* Starts each encoding; to be changed with the order of what follows. */
#define MAGIC UINT32_C(0x324f5453)

void outcome_forget_defaults(struct outcome *o)
{
	for (size_t i = 0; i < o->n_defaults; i++) {
		free(o->defaults[i].netns);
		free(o->defaults[i].former);
	}
	free(o->defaults);
	o->defaults = NULL;
	o->n_defaults = 0;
}

/* In the order in which they are encoded. */
#define TEXTS_N 9
static void list_texts(struct outcome *o, char **ret[TEXTS_N])
{
	char **const texts[] = {&o->detail, &o->verifier_log, &o->object_file,
				&o->digest, &o->type,         &o->map,
				&o->slot,   &o->device,       &o->ops_name};

	_Static_assert(sizeof(texts) == TEXTS_N * sizeof(*texts), "each has a place");
	memcpy(ret, texts, sizeof(texts));
}

void outcome_done(struct outcome *o)
{
	char **texts[TEXTS_N];

	list_texts(o, texts);
	for (size_t i = 0; i < TEXTS_N; i++)
		free(*texts[i]);
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
	free(o->end_file);
	outcome_forget_defaults(o);
	for (size_t i = 0; i < o->n_foreign; i++) {
		free(o->foreign[i].type);
		free(o->foreign[i].map);
		messages_done(&o->foreign[i].holders);
	}
	free(o->foreign);
	messages_done(&o->notes);
	*o = OUTCOME_NULL;
}

bool object_stamp_is(const struct object_stamp *s, const struct stat *st)
{
	return st->st_dev == s->device && st->st_ino == s->inode &&
	       (uint64_t)st->st_size == s->size &&
	       (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec ==
		       s->mtime_nsec &&
	       (uint64_t)st->st_ctim.tv_sec * 1000000000 + (uint64_t)st->st_ctim.tv_nsec ==
		       s->ctime_nsec;
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

static void put_stamp(FILE *f, const struct object_stamp *stamp)
{
	wire_put_u64(f, stamp->device);
	wire_put_u64(f, stamp->inode);
	wire_put_u64(f, stamp->size);
	wire_put_u64(f, stamp->mtime_nsec);
	wire_put_u64(f, stamp->ctime_nsec);
}

static void put_exit(FILE *f, const struct outcome *o)
{
	const struct exit_layout *l = &o->exit;
	const uint32_t layout[] = {l->value_size,   l->kind,        l->code,
				   l->reason,       l->reason_size, l->message,
				   l->message_size, l->dump_size,   l->dump};

	for (size_t i = 0; i < ARRAY_SIZE(layout); i++)
		wire_put_u32(f, layout[i]);
	wire_put_u32(f, (uint32_t)o->end.kind);
	wire_put_u64(f, (uint64_t)o->end.code);
	wire_put_text(f, o->end.reason);
	wire_put_text(f, o->end.message);
	wire_put_text(f, o->end_file);
}

static void put_scalars(FILE *f, const struct outcome *o)
{
	wire_put_u32(f, MAGIC);
	wire_put_u32(f, o->verdict);
	wire_put_u32(f, o->change);
	wire_put_u32(f, (uint32_t)o->error);
	put_stamp(f, &o->stamp);
	wire_put_u32(f, o->map_id);
	wire_put_u32(f, o->link_id);
	wire_put_u32(f, o->linkless);
	wire_put_u32(f, o->relinkable);
	wire_put_u64(f, o->load_usec);
	wire_put_u64(f, o->attach_usec);
	wire_put_u64(f, o->gap_usec);
	wire_put_u64(f, o->enable_seq);
	wire_put_u32(f, o->holder_map_id);
}

static void put_texts(FILE *f, const struct outcome *o)
{
	struct outcome copy = *o;
	char **texts[TEXTS_N];

	list_texts(&copy, texts);
	for (size_t i = 0; i < TEXTS_N; i++)
		wire_put_text(f, *texts[i]);
}

static void put_messages(FILE *f, const struct messages *m)
{
	wire_put_u32(f, (uint32_t)m->n);
	for (size_t i = 0; i < m->n; i++)
		wire_put_text(f, m->items[i]);
}

static void put_lists(FILE *f, const struct outcome *o)
{
	wire_put_u32(f, (uint32_t)o->n_fields);
	for (size_t i = 0; i < o->n_fields; i++) {
		wire_put_text(f, o->fields[i].member);
		wire_put_text(f, o->fields[i].wanted);
		wire_put_text(f, o->fields[i].actual);
	}
	wire_put_u32(f, (uint32_t)o->n_programs);
	for (size_t i = 0; i < o->n_programs; i++) {
		wire_put_text(f, o->programs[i].member);
		wire_put_text(f, o->programs[i].name);
		wire_put_u32(f, o->programs[i].id);
	}
	put_messages(f, &o->notes);
	wire_put_u32(f, (uint32_t)o->n_defaults);
	for (size_t i = 0; i < o->n_defaults; i++) {
		wire_put_text(f, o->defaults[i].netns);
		wire_put_text(f, o->defaults[i].former);
	}
	wire_put_u32(f, (uint32_t)o->n_foreign);
	for (size_t i = 0; i < o->n_foreign; i++) {
		wire_put_u32(f, o->foreign[i].map_id);
		wire_put_u32(f, o->foreign[i].link_id);
		wire_put_text(f, o->foreign[i].type);
		wire_put_text(f, o->foreign[i].map);
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

static void get_stamp(struct wire_reader *r, struct object_stamp *ret)
{
	ret->device = wire_get_u64(r);
	ret->inode = wire_get_u64(r);
	ret->size = wire_get_u64(r);
	ret->mtime_nsec = wire_get_u64(r);
	ret->ctime_nsec = wire_get_u64(r);
}

static void get_scalars(struct wire_reader *r, struct outcome *o)
{
	if (wire_get_u32(r) != MAGIC)
		r->error = -EBADMSG;
	o->verdict = wire_get_below(r, _VERDICT_MAX);
	o->change = wire_get_below(r, _CHANGE_MAX);
	o->error = (int)wire_get_below(r, (uint32_t)INT_MAX + 1);
	get_stamp(r, &o->stamp);
	o->map_id = wire_get_u32(r);
	o->link_id = wire_get_u32(r);
	o->linkless = wire_get_bool(r);
	o->relinkable = wire_get_bool(r);
	o->load_usec = wire_get_u64(r);
	o->attach_usec = wire_get_u64(r);
	o->gap_usec = wire_get_u64(r);
	o->enable_seq = wire_get_u64(r);
	o->holder_map_id = wire_get_u32(r);
}

static void get_texts(struct wire_reader *r, struct outcome *o)
{
	char **texts[TEXTS_N];

	list_texts(o, texts);
	for (size_t i = 0; i < TEXTS_N; i++)
		*texts[i] = wire_get_text(r);
}

/* A text that has its place in the outcome itself. */
static void get_text_into(struct wire_reader *r, char *to, size_t size)
{
	_cleanup_(freep) char *text = wire_get_some_text(r);

	if (r->error < 0)
		return;
	if (strlen(text) >= size)
		r->error = -EBADMSG;
	else
		strcpy(to, text);
}

static void get_exit(struct wire_reader *r, struct outcome *o)
{
	struct exit_layout *l = &o->exit;
	uint32_t *const layout[] = {&l->value_size,   &l->kind,        &l->code,
				    &l->reason,       &l->reason_size, &l->message,
				    &l->message_size, &l->dump_size,   &l->dump};

	for (size_t i = 0; i < ARRAY_SIZE(layout); i++)
		*layout[i] = wire_get_u32(r);
	o->end.kind = (int)wire_get_u32(r);
	o->end.code = (int64_t)wire_get_u64(r);
	get_text_into(r, o->end.reason, sizeof(o->end.reason));
	get_text_into(r, o->end.message, sizeof(o->end.message));
	o->end_file = wire_get_text(r);
}

static void get_field(struct wire_reader *r, struct outcome *o)
{
	_cleanup_(freep) char *member = wire_get_some_text(r);
	_cleanup_(freep) char *wanted = wire_get_some_text(r);
	_cleanup_(freep) char *actual = wire_get_text(r);

	if (r->error == 0)
		r->error = outcome_add_field(o, member, wanted, actual);
}

static void get_program(struct wire_reader *r, struct outcome *o)
{
	_cleanup_(freep) char *member = wire_get_some_text(r);
	_cleanup_(freep) char *name = wire_get_some_text(r);
	uint32_t id = wire_get_u32(r);

	if (r->error == 0)
		r->error = outcome_add_program(o, member, name, id);
}

static void get_message(struct wire_reader *r, struct messages *m)
{
	_cleanup_(freep) char *text = wire_get_some_text(r);

	if (r->error == 0)
		r->error = messages_add(m, "%s", text);
}

static void get_note(struct wire_reader *r, struct outcome *o)
{
	get_message(r, &o->notes);
}

static void get_default(struct wire_reader *r, struct outcome *o)
{
	_cleanup_(freep) char *netns = wire_get_some_text(r);
	_cleanup_(freep) char *former = wire_get_text(r);

	if (r->error == 0)
		r->error = outcome_add_default(o, netns, former);
}

static void get_foreign(struct wire_reader *r, struct outcome *o)
{
	struct outcome_foreign *f = outcome_add_foreign(o);
	uint32_t n;

	if (!f) {
		r->error = -ENOMEM;
		return;
	}
	f->map_id = wire_get_u32(r);
	f->link_id = wire_get_u32(r);
	f->type = wire_get_text(r);
	f->map = wire_get_text(r);
	n = wire_get_u32(r);
	for (uint32_t i = 0; i < n && r->error == 0; i++)
		get_message(r, &f->holders);
}

static void get_list(struct wire_reader *r, struct outcome *o,
		     void (*get_item)(struct wire_reader *r, struct outcome *o))
{
	uint32_t n = wire_get_u32(r);

	/* n may be a lie, what is there is not: each item takes some of it. */
	for (uint32_t i = 0; i < n && r->error == 0; i++)
		get_item(r, o);
}

int outcome_decode(const void *bytes, size_t length, struct outcome *ret)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	struct wire_reader r = {.next = bytes, .left = length};

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
