/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An attachment as the dictionary that List and Status answer with. */
#include "common/protocol.h"
#include "common/sentence.h"
#include "daemon/core/utf8.h"
#include "daemon/service/attachment-watch.h"
#include "daemon/service/clock.h"
#include "daemon/service/server-row.h"

char *server_clean(const char *text)
{
	char *copy = strdup(or_empty(text)), *p = copy;

	while (p && *p) {
		p += utf8_valid_length(p, strlen(p));
		if (*p)
			*p++ = '?';
	}
	return copy;
}

static int append_text(sd_bus_message *m, const char *text)
{
	_cleanup_(freep) char *copy = server_clean(text);

	return copy ? sd_bus_message_append_basic(m, 's', copy) : -ENOMEM;
}

int server_append_pair(sd_bus_message *m, const char *a, const char *b)
{
	_cleanup_(freep) char *first = server_clean(a), *second = server_clean(b);

	return first && second ? sd_bus_message_append(m, "(ss)", first, second) : -ENOMEM;
}

int server_append_event(sd_bus_message *m, const char *policy, const struct event *e)
{
	_cleanup_(freep) char *detail = server_clean(e->detail);

	if (!detail)
		return -ENOMEM;
	return sd_bus_message_append(m, SIGNATURE_EVENT, e->seq, e->realtime, e->monotonic, policy,
				     state_to_string(e->from), state_to_string(e->to),
				     reason_to_string(e->reason), detail, e->link_id);
}

/* Entries. */

void row_text(struct row *row, const char *key, const char *text)
{
	_cleanup_(freep) char *copy = NULL;

	if (!text)
		return;
	copy = server_clean(text);
	row_do(row, copy ? sd_bus_message_append(row->m, "{sv}", key, "s", copy) : -ENOMEM);
}

static void row_bool(struct row *row, const char *key, bool value)
{
	row_do(row, sd_bus_message_append(row->m, "{sv}", key, "b", (int)value));
}

void row_number(struct row *row, const char *key, uint32_t number)
{
	row_do(row, sd_bus_message_append(row->m, "{sv}", key, "u", number));
}

static void row_id(struct row *row, const char *key, uint32_t id)
{
	if (id)
		row_number(row, key, id);
}

void row_time(struct row *row, const char *key, usec_t time)
{
	if (time)
		row_do(row, sd_bus_message_append(row->m, "{sv}", key, "t", time));
}

void row_open(struct row *row, const char *key, const char *type)
{
	row_do(row, sd_bus_message_open_container(row->m, 'e', "sv"));
	row_do(row, sd_bus_message_append_basic(row->m, 's', key));
	row_do(row, sd_bus_message_open_container(row->m, 'v', type));
	row_do(row, sd_bus_message_open_container(row->m, 'a', type + 1));
}

void row_close(struct row *row)
{
	for (int containers = 0; containers < 3; containers++)
		row_do(row, sd_bus_message_close_container(row->m));
}

/* What List has. */

static usec_t to_realtime(usec_t monotonic)
{
	return monotonic + (clock_now(CLOCK_REALTIME) - clock_now(CLOCK_MONOTONIC));
}

static void row_policy(struct row *row, const struct attachment *a)
{
	const struct policy *p = a->policy;

	row_text(row, KEY_NAME, a->name);
	row_text(row, KEY_DESCRIPTION, p ? p->description : NULL);
	row_bool(row, KEY_ENABLED, p && p->enabled);
	row_text(row, KEY_FALLBACK, p ? p->fallback : NULL);
	row_text(row, KEY_TEMPLATE, a->template);
	if (attachment_is_template(a))
		row_number(row, KEY_INSTANCES, (uint32_t)a->n_instances);
}

static void row_state(struct row *row, const struct attachment *a)
{
	const struct machine *m = &a->machine;

	row_text(row, KEY_STATE, state_to_string(m->state));
	row_text(row, KEY_REASON, a->events.n || a->situation ? reason_to_string(m->reason) : NULL);
	row_text(row, KEY_DETAIL, attachment_detail(a));
	row_time(row, KEY_ATTACHED_USEC, a->attached_realtime);
	row_number(row, KEY_RESTARTS, m->restarts);
	if (m->state == STATE_WAITING && m->deadline != USEC_INFINITY)
		row_time(row, KEY_NEXT_ATTEMPT_USEC, to_realtime(m->deadline));
}

static void row_switch(struct row *row, const struct attachment *a)
{
	usec_t ends = a->switch_ends;

	if (!a->switched_from)
		return;
	row_text(row, KEY_SWITCHED_FROM, a->switched_from);
	if (ends != SWITCH_FOR_GOOD)
		row_do(row, sd_bus_message_append(
				    row->m, "{sv}", KEY_SWITCH_ENDS_USEC, "t",
				    ends == SWITCH_UNTIL_RESTART ? ends : to_realtime(ends)));
}

static void row_texts(struct row *row, const char *key, char *const *texts, size_t n)
{
	row_open(row, key, "as");
	for (size_t i = 0; i < n; i++)
		row_do(row, append_text(row->m, texts[i]));
	row_close(row);
}

/* What the kernel says now; if that is the end of the attachment, it is treated so soon, but not in the middle of a row. */
static void row_disagreements(struct row *row, struct attachment *a)
{
	_cleanup_(freep) char *why = NULL;
	int r;

	if (a->machine.state != STATE_ATTACHED)
		return;
	r = kernel_alive(&a->handles, &a->outcome, &why);
	if (r == 1)
		return;
	if (r < 0)
		why = sentence("whether the kernel uses it cannot be found out: %s", strerror(-r));
	if (!why) {
		row_do(row, -ENOMEM);
		return;
	}
	row_texts(row, KEY_DISAGREEMENTS, &why, 1);
	attachment_check_soon(a);
}

static void row_kernel(struct row *row, const struct attachment *a)
{
	const struct outcome *o = &a->outcome;

	row_text(row, KEY_OBJECT,
		 o->object_file || !a->policy ? o->object_file : a->policy->object_path);
	row_text(row, KEY_TYPE, o->type);
	row_text(row, KEY_MAP, o->map);
	row_id(row, KEY_MAP_ID, a->handles.map_fd >= 0 ? o->map_id : 0);
	row_id(row, KEY_LINK_ID, a->handles.link_fd >= 0 ? o->link_id : 0);
	if (attachment_is_attached(a))
		row_text(row, KEY_DEVICE, o->device);
}

/* What Status adds. */

static int append_field(sd_bus_message *m, const struct outcome_field *f)
{
	_cleanup_(freep) char *wanted = server_clean(f->wanted);
	_cleanup_(freep) char *actual = server_clean(f->actual ? f->actual : FIELD_UNREADABLE);

	if (!wanted || !actual)
		return -ENOMEM;
	return sd_bus_message_append(m, "(sss)", f->member, wanted, actual);
}

static void row_fields(struct row *row, const struct outcome *o)
{
	row_open(row, KEY_STATUS_FIELDS, "a(sss)");
	for (size_t i = 0; i < o->n_fields; i++)
		row_do(row, append_field(row->m, &o->fields[i]));
	row_close(row);
}

static void row_programs(struct row *row, const struct outcome *o)
{
	row_open(row, KEY_STATUS_PROGRAMS, "a(ssu)");
	for (size_t i = 0; i < o->n_programs; i++)
		row_do(row, sd_bus_message_append(row->m, "(ssu)", o->programs[i].member,
						  o->programs[i].name, o->programs[i].id));
	row_close(row);
}

static void row_events(struct row *row, const struct attachment *a)
{
	row_open(row, KEY_STATUS_EVENTS, "a(" SIGNATURE_EVENT ")");
	for (size_t i = 0; i < a->events.n; i++) {
		row_do(row, sd_bus_message_open_container(row->m, 'r', SIGNATURE_EVENT));
		row_do(row, server_append_event(row->m, a->name, event_ring_get(&a->events, i)));
		row_do(row, sd_bus_message_close_container(row->m));
	}
	row_close(row);
}

void row_users(struct row *row, const struct attachment *a)
{
	int users = attachment_is_attached(a) ? kernel_users(&a->handles) : -ENOENT;

	if (users >= 0)
		row_number(row, KEY_STATUS_USERS, (uint32_t)users);
}

static void row_defaults(struct row *row, const struct outcome *o)
{
	if (o->n_defaults == 0)
		return;
	row_open(row, KEY_STATUS_DEFAULTS, "a(ss)");
	for (size_t i = 0; i < o->n_defaults; i++)
		row_do(row, server_append_pair(row->m, o->defaults[i].netns,
					       or_empty(o->defaults[i].former)));
	row_close(row);
}

static void row_exit(struct row *row, const struct outcome *o)
{
	const struct exit_record *end = &o->end;

	if (end->kind == 0)
		return;
	row_do(row, sd_bus_message_append(row->m, "{sv}", KEY_STATUS_EXIT_KIND, "i", end->kind));
	row_do(row, sd_bus_message_append(row->m, "{sv}", KEY_STATUS_EXIT_CODE, "x", end->code));
	row_text(row, KEY_STATUS_EXIT_REASON, end->reason);
	row_text(row, KEY_STATUS_EXIT_MESSAGE, end->message);
	row_text(row, KEY_STATUS_EXIT_FILE, o->end_file);
}

static void row_files(struct row *row, const struct policy *p)
{
	size_t n = 0;

	while (p && p->files[n])
		n++;
	row_texts(row, KEY_STATUS_FILES, p ? p->files : NULL, n);
}

static void row_kept(struct row *row, const struct attachment *a)
{
	_cleanup_(freep) char *kept = a->host->describe_kept(a->host->userdata, a);

	row_text(row, KEY_STATUS_KEPT, kept);
}

static void row_status(struct row *row, const struct attachment *a)
{
	const struct outcome *o = &a->outcome;

	row_fields(row, o);
	row_programs(row, o);
	row_events(row, a);
	row_text(row, KEY_STATUS_VERIFIER_LOG, o->verifier_log);
	row_texts(row, KEY_STATUS_NOTES, o->notes.items, o->notes.n);
	row_text(row, KEY_STATUS_DIGEST, o->digest);
	if (attachment_is_attached(a)) {
		row_text(row, KEY_STATUS_WATCH, attachment_watch_describe(a));
		row_kept(row, a);
	}
	row_files(row, a->policy);
	row_time(row, KEY_STATUS_ATTACH_USEC, o->load_usec + o->attach_usec);
	row_users(row, a);
	row_defaults(row, o);
	row_exit(row, o);
}

int server_append_row(sd_bus_message *m, struct attachment *a, enum row_extent extent)
{
	struct row row = {.m = m};

	row_do(&row, sd_bus_message_open_container(m, 'a', "{sv}"));
	row_policy(&row, a);
	row_state(&row, a);
	row_switch(&row, a);
	row_kernel(&row, a);
	row_disagreements(&row, a);
	if (extent == ROW_STATUS)
		row_status(&row, a);
	else if (extent == ROW_METRICS)
		row_metrics(&row, a);
	row_do(&row, sd_bus_message_close_container(m));
	return row.error < 0 ? row.error : 0;
}

int server_append_foreign(sd_bus_message *m, const struct outcome_foreign *f)
{
	struct row row = {.m = m};

	row_do(&row, sd_bus_message_open_container(m, 'a', "{sv}"));
	row_text(&row, KEY_TYPE, f->type);
	row_text(&row, KEY_MAP, f->map);
	row_id(&row, KEY_MAP_ID, f->map_id);
	row_id(&row, KEY_LINK_ID, f->link_id);
	row_texts(&row, KEY_HOLDERS, f->holders.items, f->holders.n);
	row_do(&row, sd_bus_message_close_container(m));
	return row.error < 0 ? row.error : 0;
}
