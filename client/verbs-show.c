/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list, status, cat: one question, one answer, printed. */
#include "client/connect.h"
#include "client/json.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/protocol.h"

enum exit_status verb_list(struct client *client, const struct verb *verb, char *const *names,
			   size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	_cleanup_(policy_rows_done) struct policy_rows rows = {0};
	enum exit_status status;
	int r;

	r = client_new_call(client, METHOD_LIST, &call);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(client, call, CALL_TIMEOUT, NULL, &answer);
	if (status != EXIT_DONE)
		return status;
	r = policy_rows_read(&rows, answer);
	if (r < 0)
		return client_answer_failed(r);
	if (client->json)
		return written(json_list(stdout, &rows));
	return written(text_list(stdout, &client->style, &rows, now_usec()));
}

/* The policies of names, or all where names is empty, are put to the rows. */
static enum exit_status ask_status(struct client *client, char **names, struct policy_rows *rows)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	enum exit_status status;
	int r;

	r = client_new_call(client, METHOD_STATUS, &call);
	if (r >= 0)
		r = sd_bus_message_append_strv(call, names);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(client, call, CALL_TIMEOUT, names[0], &answer);
	if (status != EXIT_DONE)
		return status;
	r = policy_rows_read(rows, answer);
	return r < 0 ? client_answer_failed(r) : EXIT_DONE;
}

/* Name by name, so that one that does not exist does not hide the others. */
static enum exit_status ask_status_of(struct client *client, char *const *names, size_t n,
				      struct policy_rows *rows)
{
	enum exit_status gravest = EXIT_DONE;

	for (size_t i = 0; i < n && gravest != EXIT_NO_DAEMON; i++) {
		char *one[] = {names[i], NULL};
		enum exit_status status = ask_status(client, one, rows);

		gravest = exit_status_gravest(gravest, status);
	}
	for (size_t i = 0; i < rows->n; i++)
		if (!policy_row_is_attached(&rows->items[i]))
			gravest = exit_status_gravest(gravest, EXIT_NOT_ATTACHED);
	return gravest;
}

enum exit_status verb_status(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(policy_rows_done) struct policy_rows rows = {0};
	enum exit_status status, output;
	char *all[] = {NULL};

	if (n == 0)
		status = ask_status(client, all, &rows);
	else
		status = ask_status_of(client, names, n, &rows);
	if (rows.n == 0 && status != EXIT_DONE)
		return status;
	if (client->json)
		output = written(json_status(stdout, &rows));
	else
		output = written(text_status(stdout, &client->style, &rows, now_usec()));
	return exit_status_gravest(status, output);
}

static int read_files(sd_bus_message *m, struct policy_file **files, size_t *n)
{
	struct policy_file f;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(ss)");
	if (r <= 0)
		return -EBADMSG;
	while ((r = sd_bus_message_read(m, "(ss)", &f.path, &f.content)) > 0) {
		struct policy_file *grown = reallocarray(*files, *n + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*files = grown;
		grown[(*n)++] = f;
	}
	return r;
}

enum exit_status verb_cat(struct client *client, const struct verb *verb, char *const *names,
			  size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	_cleanup_(freep) struct policy_file *files = NULL;
	enum exit_status status;
	size_t n_files = 0;
	int r;

	r = client_new_call(client, METHOD_CAT, &call);
	if (r >= 0)
		r = sd_bus_message_append_basic(call, 's', names[0]);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(client, call, CALL_TIMEOUT, names[0], &answer);
	if (status != EXIT_DONE)
		return status;
	r = read_files(answer, &files, &n_files);
	if (r < 0)
		return client_answer_failed(r);
	if (client->json)
		return written(json_files(stdout, names[0], files, n_files));
	return written(text_files(stdout, &client->style, files, n_files));
}
