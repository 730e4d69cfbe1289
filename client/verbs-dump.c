/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dump: what the kernel has, of a policy's attachment or of any map. Only for a policy's name a daemon is needed. */
#include <inttypes.h>

#include "client/ask.h"
#include "client/connect.h"
#include "client/dump-output.h"
#include "client/verbs.h"
#include "common/sentence.h"
#include "live/objects.h"

#define GLOBALS_PREFIX "Globals."

/* What was named, and what is known of it beside the map. */
struct subject {
	uint32_t map_id, link_id;
	struct policy_rows rows; /* one, of the policy that was named */
};

static void subject_done(struct subject *s)
{
	policy_rows_done(&s->rows);
}

static enum exit_status find_link_map(uint32_t id, struct subject *s)
{
	struct live_link link = {0};
	int r = live_link_find(id, &link);

	if (r == -EPERM)
		complain("link %" PRIu32
			 " cannot be looked up: the kernel gives links by their ids only "
			 "to those with CAP_SYS_ADMIN. Run it as root",
			 id);
	else if (r == -EMEDIUMTYPE)
		complain("link %" PRIu32 " is no struct_ops link", id);
	else if (r == -ENOENT)
		complain("there is no link %" PRIu32
			 " (any more); \"bpftool link\" lists what there is",
			 id);
	else if (r < 0)
		complain("link %" PRIu32 " cannot be looked up: %s", id, strerror(-r));
	else if (link.map_id == 0)
		complain("link %" PRIu32 " is detached: it has no map any more", id);
	if (r < 0 || link.map_id == 0)
		return r == -EPERM ? EXIT_DENIED : EXIT_FAILED;
	s->map_id = link.map_id;
	s->link_id = id;
	return EXIT_DONE;
}

/* The link that holds the map now; that there is none is no failure. */
static uint32_t link_of_map(uint32_t map_id)
{
	_cleanup_(freep) struct live_link *links = NULL;
	size_t n = 0;

	if (live_links(&links, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (links[i].map_id == map_id)
			return links[i].id;
	return 0;
}

static enum exit_status find_policy(struct client *client, char *name, struct subject *s)
{
	char *names[] = {name, NULL};
	enum exit_status status = client_connect(client);
	const struct policy_row *row;

	if (status == EXIT_DONE)
		status = ask_status(client, names, &s->rows);
	if (status != EXIT_DONE)
		return status;
	if (s->rows.n != 1)
		return client_answer_failed(-EBADMSG);
	row = &s->rows.items[0];
	if (row->is_template) {
		complain("%s: a template has no map of its own; dump its instances", name);
		return EXIT_FAILED;
	}
	if (row->map_id == 0) {
		complain("%s: there is no map: it is %s%s%s", name, row->state,
			 row->detail && *row->detail ? ": " : "", or_empty(row->detail));
		return EXIT_FAILED;
	}
	s->map_id = row->map_id;
	return EXIT_DONE;
}

/* 1 with *ret for "map:12"; 0: it begins otherwise; -EINVAL. */
static int parse_id(const char *text, const char *prefix, uint32_t *ret)
{
	unsigned long id;
	char *end;

	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return 0;
	text += strlen(prefix);
	errno = 0;
	id = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || id == 0 || id > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)id;
	return 1;
}

static enum exit_status find_subject(struct client *client, char *name, struct subject *s)
{
	enum exit_status status = EXIT_DONE;
	uint32_t id = 0;
	int map = parse_id(name, "map:", &id), link = parse_id(name, "link:", &id);

	if (map < 0 || link < 0) {
		complain("\"%s\": behind the colon stands an id, a number from 1 to %" PRIu32, name,
			 UINT32_MAX);
		return EXIT_USAGE;
	}
	if (link > 0)
		return find_link_map(id, s);
	if (map > 0)
		s->map_id = id;
	else
		status = find_policy(client, name, s);
	if (status == EXIT_DONE)
		s->link_id = link_of_map(s->map_id);
	return status;
}

static void free_wanted(struct dump_wanted *wanted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(wanted[i].actual);
	free(wanted);
}

/* What the policy says, beside what the kernel has at the same place. */
static int add_wanted(struct dump_view *view, const struct policy_row *row)
{
	view->wanted = calloc(row->n_fields + 1, sizeof(*view->wanted));
	if (!view->wanted)
		return -ENOMEM;
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct row_field *field = &row->fields[i];
		struct dump_wanted *w = &view->wanted[view->n_wanted];

		if (strncmp(field->member, GLOBALS_PREFIX, strlen(GLOBALS_PREFIX)) == 0)
			continue;
		*w = (struct dump_wanted){.member = field->member, .wanted = field->wanted};
		if (live_map_value_at(view->map, field->member, &w->actual) == -ENOMEM)
			return -ENOMEM;
		view->n_wanted++;
	}
	return 0;
}

static enum exit_status show(struct client *client, const struct subject *s,
			     const struct live_map *map)
{
	struct dump_view view = {.map = map, .link_id = s->link_id, .bytes = client->value};
	int r = 0;

	if (s->rows.n > 0) {
		view.policy = s->rows.items[0].name;
		r = add_wanted(&view, &s->rows.items[0]);
	}
	if (r == 0)
		r = client->json ? json_dump(stdout, &view)
				 : text_dump(stdout, &client->style, &view);
	free_wanted(view.wanted, view.n_wanted);
	return written(r);
}

enum exit_status verb_dump(struct client *client, const struct verb *verb, char *const *names,
			   size_t n)
{
	_cleanup_(subject_done) struct subject s = {0};
	_cleanup_(live_btf_freep) struct live_btf *btf = NULL;
	_cleanup_(live_map_freep) struct live_map *map = NULL;
	_cleanup_(freep) char *error = NULL;
	enum exit_status status;
	int r;

	status = find_subject(client, names[0], &s);
	if (status != EXIT_DONE)
		return status;
	r = live_btf_new(&btf, &error);
	if (r == 0)
		r = live_map_read(btf, s.map_id, &map, &error);
	return r < 0 ? failed_by(r, error) : show(client, &s, map);
}
