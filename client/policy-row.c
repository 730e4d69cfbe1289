/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/policy-row.h"

#include "common/names.h"
#include "common/protocol.h"

/*
 * A zeroed element at the end of the array that *items points to; NULL: out of memory. Doubles whenever the count
 * is a power of two. The pointer has the caller's type, so it is only ever copied here.
 */
static void *append(void *items, size_t *n, size_t size)
{
	char *array;

	memcpy(&array, items, sizeof(array));
	if ((*n & (*n - 1)) == 0) {
		array = reallocarray(array, *n ? 2 * *n : 1, size);
		if (!array)
			return NULL;
		memcpy(items, &array, sizeof(array));
	}
	return memset(array + size * (*n)++, 0, size);
}

static int read_strings(sd_bus_message *m, const char ***items, size_t *n)
{
	const char *text;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read_basic(m, 's', &text)) > 0) {
		const char **item = append(items, n, sizeof(*item));

		if (!item)
			return -ENOMEM;
		*item = text;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_notes(sd_bus_message *m, struct policy_row *row)
{
	return read_strings(m, &row->notes, &row->n_notes);
}

static int read_files(sd_bus_message *m, struct policy_row *row)
{
	return read_strings(m, &row->files, &row->n_files);
}

static int read_fields(sd_bus_message *m, struct policy_row *row)
{
	struct row_field f;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(sss)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(sss)", &f.member, &f.wanted, &f.actual)) > 0) {
		struct row_field *field = append(&row->fields, &row->n_fields, sizeof(*field));

		if (!field)
			return -ENOMEM;
		*field = f;
		if (streq(f.actual, FIELD_UNREADABLE))
			field->actual = NULL;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_programs(sd_bus_message *m, struct policy_row *row)
{
	struct row_program p;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(ssu)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(ssu)", &p.member, &p.name, &p.id)) > 0) {
		struct row_program *program = append(&row->programs, &row->n_programs,
						     sizeof(*program));

		if (!program)
			return -ENOMEM;
		*program = p;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_event(sd_bus_message *m, const char *signature, struct row_event *e)
{
	return sd_bus_message_read(m, signature, &e->seq, &e->time_usec, &e->monotonic_usec,
				   &e->policy, &e->from, &e->to, &e->reason, &e->detail,
				   &e->link_id);
}

static int read_events(sd_bus_message *m, struct policy_row *row)
{
	struct row_event e;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(" SIGNATURE_EVENT ")");
	if (r < 0)
		return r;
	while ((r = read_event(m, "(" SIGNATURE_EVENT ")", &e)) > 0) {
		struct row_event *event = append(&row->events, &row->n_events, sizeof(*event));

		if (!event)
			return -ENOMEM;
		*event = e;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

int row_event_read(struct row_event *ret, sd_bus_message *signal)
{
	struct row_event e;
	int r;

	r = read_event(signal, SIGNATURE_EVENT, &e);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	*ret = e;
	return 0;
}

/* Either a basic type that is written at offset, or a container with its reader. */
static const struct row_key {
	const char *key;
	const char *signature;
	size_t offset;
	int (*read)(sd_bus_message *m, struct policy_row *row);
} row_keys[] = {
	{KEY_NAME, "s", offsetof(struct policy_row, name)},
	{KEY_DESCRIPTION, "s", offsetof(struct policy_row, description)},
	{KEY_ENABLED, "b", offsetof(struct policy_row, enabled)},
	{KEY_STATE, "s", offsetof(struct policy_row, state)},
	{KEY_REASON, "s", offsetof(struct policy_row, reason)},
	{KEY_DETAIL, "s", offsetof(struct policy_row, detail)},
	{KEY_TYPE, "s", offsetof(struct policy_row, type)},
	{KEY_MAP, "s", offsetof(struct policy_row, map)},
	{KEY_MAP_ID, "u", offsetof(struct policy_row, map_id)},
	{KEY_LINK_ID, "u", offsetof(struct policy_row, link_id)},
	{KEY_OBJECT, "s", offsetof(struct policy_row, object)},
	{KEY_ATTACHED_USEC, "t", offsetof(struct policy_row, attached_usec)},
	{KEY_RESTARTS, "u", offsetof(struct policy_row, restarts)},
	{KEY_NEXT_ATTEMPT_USEC, "t", offsetof(struct policy_row, next_attempt_usec)},
	{KEY_FALLBACK, "s", offsetof(struct policy_row, fallback)},
	{KEY_STATUS_DIGEST, "s", offsetof(struct policy_row, digest)},
	{KEY_STATUS_WATCH, "s", offsetof(struct policy_row, watch)},
	{KEY_STATUS_VERIFIER_LOG, "s", offsetof(struct policy_row, verifier_log)},
	{KEY_STATUS_ATTACH_USEC, "t", offsetof(struct policy_row, attach_usec)},
	{KEY_STATUS_FIELDS, "a(sss)", 0, read_fields},
	{KEY_STATUS_PROGRAMS, "a(ssu)", 0, read_programs},
	{KEY_STATUS_EVENTS, "a(" SIGNATURE_EVENT ")", 0, read_events},
	{KEY_STATUS_NOTES, "as", 0, read_notes},
	{KEY_STATUS_FILES, "as", 0, read_files},
};

static const struct row_key *find_key(const char *key, const char *signature)
{
	for (size_t i = 0; i < ARRAY_SIZE(row_keys); i++)
		if (streq(row_keys[i].key, key) && streq(row_keys[i].signature, signature))
			return &row_keys[i];
	return NULL;
}

static int read_variant(sd_bus_message *m, struct policy_row *row, const char *key)
{
	const struct row_key *known;
	const char *signature;
	int r;

	r = sd_bus_message_peek_type(m, NULL, &signature);
	if (r < 0)
		return r;
	known = find_key(key, signature);
	if (!known)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', known->signature);
	if (r < 0)
		return r;
	if (known->read)
		r = known->read(m, row);
	else
		r = sd_bus_message_read_basic(m, known->signature[0], (char *)row + known->offset);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* 1: an entry was read; 0: the dictionary ends here. */
static int read_entry(sd_bus_message *m, struct policy_row *row)
{
	const char *key;
	int r;

	r = sd_bus_message_enter_container(m, 'e', "sv");
	if (r <= 0)
		return r;
	r = sd_bus_message_read_basic(m, 's', &key);
	if (r < 0)
		return r;
	r = read_variant(m, row, key);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

/* 1: a row was read; 0: the array ends here. */
static int read_row(sd_bus_message *m, struct policy_rows *rows)
{
	struct policy_row *row;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r <= 0)
		return r;
	row = append(&rows->items, &rows->n, sizeof(*row));
	if (!row)
		return -ENOMEM;
	row->message = sd_bus_message_ref(m);
	do
		r = read_entry(m, row);
	while (r > 0);
	if (r < 0)
		return r;
	if (!row->name || !row->state)
		return -EBADMSG;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static void row_done(struct policy_row *row)
{
	free(row->fields);
	free(row->programs);
	free(row->events);
	free(row->notes);
	free(row->files);
	sd_bus_message_unref(row->message);
}

int policy_rows_read(struct policy_rows *rows, sd_bus_message *answer)
{
	size_t n = rows->n;
	int r;

	r = sd_bus_message_enter_container(answer, 'a', "a{sv}");
	if (r <= 0)
		return -EBADMSG;
	do {
		n = rows->n;
		r = read_row(answer, rows);
	} while (r > 0);
	if (r == 0)
		return 0;
	/* Half a row is none. */
	if (rows->n > n)
		row_done(&rows->items[--rows->n]);
	return r == -ENOMEM ? r : -EBADMSG;
}

void policy_rows_done(struct policy_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		row_done(&rows->items[i]);
	free(rows->items);
	*rows = (struct policy_rows){0};
}

bool policy_row_is_attached(const struct policy_row *row)
{
	enum state state = state_from_string(row->state);

	return state == STATE_ATTACHED || state == STATE_UPDATING;
}
