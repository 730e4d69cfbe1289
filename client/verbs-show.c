/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list, status, cat: one question, one answer, printed. */
#include "client/ask.h"
#include "client/connect.h"
#include "client/json.h"
#include "client/policy-output.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/protocol.h"

static enum exit_status ask_foreign(struct client *client, struct foreign_rows *rows)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
	enum exit_status status;
	int r;

	status = client_ask(client, METHOD_FOREIGN, "what others have attached", &answer);
	if (status != EXIT_DONE)
		return status;
	r = foreign_rows_read(rows, answer);
	return r < 0 ? client_answer_failed(r) : EXIT_DONE;
}

/* One document, also where the second part cannot be told. */
static enum exit_status list_all_json(struct client *client, const struct policy_rows *rows)
{
	_cleanup_(foreign_rows_done) struct foreign_rows foreign = {0};
	enum exit_status status = ask_foreign(client, &foreign);

	return exit_status_gravest(status, written(json_list(stdout, rows, &foreign)));
}

/* The first part is not kept waiting for the second, which takes a look at every process. */
static enum exit_status list_all_text(struct client *client, const struct policy_rows *rows)
{
	_cleanup_(foreign_rows_done) struct foreign_rows foreign = {0};
	enum exit_status status = written(text_list(stdout, &client->style, rows, now_usec()));

	if (status != EXIT_DONE)
		return status;
	fflush(stdout);
	status = ask_foreign(client, &foreign);
	if (status != EXIT_DONE)
		return status;
	return written(text_foreign(stdout, &client->style, &foreign));
}

enum exit_status verb_list(struct client *client, const struct verb *verb, char *const *names,
			   size_t n)
{
	_cleanup_(policy_rows_done) struct policy_rows rows = {0};
	enum exit_status status = ask_list(client, &rows);

	if (status != EXIT_DONE)
		return status;
	if (client->all)
		return client->json ? list_all_json(client, &rows) : list_all_text(client, &rows);
	if (client->json)
		return written(json_list(stdout, &rows, NULL));
	return written(text_list(stdout, &client->style, &rows, now_usec()));
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
	return gravest;
}

static bool have_template(const struct policy_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->items[i].is_template)
			return true;
	return false;
}

static enum exit_status check_in_effect(const struct policy_rows *rows,
					const struct policy_rows *all)
{
	for (size_t i = 0; i < rows->n; i++)
		if (!policy_row_is_in_effect(&rows->items[i], all))
			return EXIT_NOT_ATTACHED;
	return EXIT_DONE;
}

static enum exit_status print_status(struct client *client, const struct policy_rows *rows,
				     const struct policy_rows *all)
{
	if (client->json)
		return written(json_status(stdout, rows));
	return written(text_status(stdout, &client->style, rows, all, now_usec()));
}

static enum exit_status status_of_all(struct client *client)
{
	_cleanup_(policy_rows_done) struct policy_rows rows = {0};
	char *none[] = {NULL};
	enum exit_status status = ask_status(client, none, &rows);

	return status == EXIT_DONE ? print_status(client, &rows, &rows) : status;
}

enum exit_status verb_status(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(policy_rows_done) struct policy_rows rows = {0}, all = {0};
	enum exit_status status;

	if (n == 0)
		return status_of_all(client);
	status = ask_status_of(client, names, n, &rows);
	if (rows.n == 0 && status != EXIT_DONE)
		return status;
	/* A template is what its instances are, and these were not named. */
	if (have_template(&rows))
		status = exit_status_gravest(status, ask_list(client, &all));
	status = exit_status_gravest(status, check_in_effect(&rows, &all));
	return exit_status_gravest(status, print_status(client, &rows, &all));
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

/* Lines that are no INI are told, and the others shown. */
static enum exit_status print_merged(struct client *client, const char *name,
				     const struct policy_file *files, size_t n)
{
	_cleanup_(freep) struct policy_source *sources = calloc(n + 1, sizeof(*sources));
	_cleanup_(merged_policy_done) struct merged_policy merged = {0};
	_cleanup_(messages_done) struct messages errors = MESSAGES_NULL;
	enum exit_status status;
	int r;

	for (size_t i = 0; sources && i < n; i++)
		sources[i] = (struct policy_source){
			.path = (char *)files[i].path,
			.text = (char *)files[i].content,
			.length = strlen(files[i].content),
		};
	r = sources ? policy_merge(sources, n, &merged, &errors) : -ENOMEM;
	if (r == -ENOMEM)
		return out_of_memory();
	for (size_t i = 0; i < errors.n; i++)
		complain("%s", errors.items[i]);
	status = written(client->json ? json_merged(stdout, name, &merged)
				      : text_merged(stdout, &client->style, &merged));
	return exit_status_gravest(r < 0 ? EXIT_FAILED : EXIT_DONE, status);
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
	if (client->merged)
		return print_merged(client, names[0], files, n_files);
	if (client->json)
		return written(json_files(stdout, names[0], files, n_files));
	return written(text_files(stdout, &client->style, files, n_files));
}
