/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/policy-row.h"

#include "common/names.h"
#include "common/protocol.h"

static int read_fields(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;
	struct row_field f;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(sss)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(sss)", &f.member, &f.wanted, &f.actual)) > 0) {
		struct row_field *field = array_append(&row->fields, &row->n_fields,
						       sizeof(*field));

		if (!field)
			return -ENOMEM;
		*field = f;
		if (streq(f.actual, FIELD_UNREADABLE))
			field->actual = NULL;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_programs(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;
	struct row_program p;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(ssu)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(ssu)", &p.member, &p.name, &p.id)) > 0) {
		struct row_program *program = array_append(&row->programs, &row->n_programs,
							   sizeof(*program));

		if (!program)
			return -ENOMEM;
		*program = p;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_defaults(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;
	struct row_default d;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(ss)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(ss)", &d.netns, &d.before)) > 0) {
		struct row_default *added = array_append(&row->defaults, &row->n_defaults,
							 sizeof(*added));

		if (!added)
			return -ENOMEM;
		*added = d;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Counts that are left out where there is nothing to count: 0 is another answer than none. */
static int read_instances(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;

	row->is_template = true;
	return sd_bus_message_read_basic(m, 'u', &row->instances);
}

/* 0 has a meaning of its own. */
static int read_switch_end(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;

	row->goes_back = true;
	return sd_bus_message_read_basic(m, 't', &row->switch_ends_usec);
}

static int read_users(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;

	row->users_known = true;
	return sd_bus_message_read_basic(m, 'u', &row->users);
}

static int read_event(sd_bus_message *m, const char *signature, struct row_event *e)
{
	return sd_bus_message_read(m, signature, &e->seq, &e->time_usec, &e->monotonic_usec,
				   &e->policy, &e->from, &e->to, &e->reason, &e->detail,
				   &e->link_id);
}

static int append_events(sd_bus_message *m, struct row_event **events, size_t *n)
{
	struct row_event e;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(" SIGNATURE_EVENT ")");
	if (r < 0)
		return r;
	while ((r = read_event(m, "(" SIGNATURE_EVENT ")", &e)) > 0) {
		struct row_event *event = array_append(events, n, sizeof(*event));

		if (!event)
			return -ENOMEM;
		*event = e;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_events(sd_bus_message *m, void *userdata, void *member)
{
	struct policy_row *row = userdata;

	return append_events(m, &row->events, &row->n_events);
}

int row_events_read(struct row_event **events, size_t *n, sd_bus_message *answer)
{
	int r = append_events(answer, events, n);

	if (r >= 0)
		return 0;
	return r == -ENOMEM ? r : -EBADMSG;
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

static const struct dictionary_key keys[] = {
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
	{KEY_SWITCHED_FROM, "s", offsetof(struct policy_row, switched_from)},
	{KEY_SWITCH_ENDS_USEC, "t", 0, read_switch_end},
	{KEY_TEMPLATE, "s", offsetof(struct policy_row, template)},
	{KEY_INSTANCES, "u", 0, read_instances},
	{KEY_DEVICE, "s", offsetof(struct policy_row, device)},
	{KEY_DISAGREEMENTS, "as", offsetof(struct policy_row, disagreements)},
	{KEY_STATUS_DIGEST, "s", offsetof(struct policy_row, digest)},
	{KEY_STATUS_WATCH, "s", offsetof(struct policy_row, watch)},
	{KEY_STATUS_KEPT, "s", offsetof(struct policy_row, kept)},
	{KEY_STATUS_VERIFIER_LOG, "s", offsetof(struct policy_row, verifier_log)},
	{KEY_STATUS_ATTACH_USEC, "t", offsetof(struct policy_row, attach_usec)},
	{KEY_STATUS_USERS, "u", 0, read_users},
	{KEY_STATUS_DEFAULTS, "a(ss)", 0, read_defaults},
	{KEY_STATUS_EXIT_KIND, "i", offsetof(struct policy_row, exit_kind)},
	{KEY_STATUS_EXIT_CODE, "x", offsetof(struct policy_row, exit_code)},
	{KEY_STATUS_EXIT_REASON, "s", offsetof(struct policy_row, exit_reason)},
	{KEY_STATUS_EXIT_MESSAGE, "s", offsetof(struct policy_row, exit_message)},
	{KEY_STATUS_EXIT_FILE, "s", offsetof(struct policy_row, exit_file)},
	{KEY_STATUS_FIELDS, "a(sss)", 0, read_fields},
	{KEY_STATUS_PROGRAMS, "a(ssu)", 0, read_programs},
	{KEY_STATUS_EVENTS, "a(" SIGNATURE_EVENT ")", 0, read_events},
	{KEY_STATUS_NOTES, "as", offsetof(struct policy_row, notes)},
	{KEY_STATUS_FILES, "as", offsetof(struct policy_row, files)},
};

static bool is_whole(const void *row)
{
	const struct policy_row *r = row;

	return r->name && r->state;
}

static void row_done(void *row)
{
	struct policy_row *r = row;

	free(r->disagreements.items);
	free(r->defaults);
	free(r->fields);
	free(r->programs);
	free(r->events);
	free(r->notes.items);
	free(r->files.items);
}

static const struct dictionary_form form = {
	.keys = keys,
	.n_keys = ARRAY_SIZE(keys),
	.row_size = sizeof(struct policy_row),
	.is_whole = is_whole,
	.row_done = row_done,
};

int policy_rows_read(struct policy_rows *rows, sd_bus_message *answer)
{
	return dictionary_read_rows(&form, answer, &rows->items, &rows->n);
}

void policy_rows_done(struct policy_rows *rows)
{
	dictionary_free_rows(&form, rows->items, rows->n);
	*rows = (struct policy_rows){0};
}

bool policy_row_is_attached(const struct policy_row *row)
{
	enum state state = state_from_string(row->state);

	return state == STATE_ATTACHED || state == STATE_UPDATING;
}

bool policy_row_is_instance_of(const struct policy_row *row, const struct policy_row *template)
{
	return streq_null(row->template, template->name);
}

static bool is_confirmed(const struct policy_row *row)
{
	return policy_row_is_attached(row) && row->disagreements.n == 0;
}

static bool are_instances_confirmed(const struct policy_row *template,
				    const struct policy_rows *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (!policy_row_is_instance_of(&all->items[i], template))
			continue;
		if (!is_confirmed(&all->items[i]))
			return false;
		n++;
	}
	return n > 0;
}

bool policy_row_is_in_effect(const struct policy_row *row, const struct policy_rows *all)
{
	if (row->is_template)
		return row->disagreements.n == 0 && are_instances_confirmed(row, all);
	return is_confirmed(row);
}
