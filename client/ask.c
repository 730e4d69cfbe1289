/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/ask.h"

#include "client/connect.h"
#include "common/protocol.h"
#include "common/sentence.h"

enum exit_status ask_list(struct client *client, struct policy_rows *rows)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
	enum exit_status status = client_ask(client, METHOD_LIST, NULL, &answer);
	int r;

	if (status != EXIT_DONE)
		return status;
	r = policy_rows_read(rows, answer);
	return r < 0 ? client_answer_failed(r) : EXIT_DONE;
}

static enum exit_status list_quietly(struct client *client, struct policy_rows *rows,
				     char **ret_sentence)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = client_new_call(client, METHOD_LIST, &call);
	if (r >= 0 && sd_bus_call(client->bus, call, CALL_TIMEOUT, &error, &answer) < 0)
		return client_explain(client, &error, ret_sentence);
	if (r >= 0)
		r = policy_rows_read(rows, answer);
	if (r >= 0)
		return EXIT_DONE;
	*ret_sentence = sentence("the daemon's answer cannot be read: %s", strerror(-r));
	return EXIT_FAILED;
}

enum exit_status ask_list_quietly(struct client *client, struct policy_rows *rows,
				  char **ret_sentence)
{
	enum exit_status status = EXIT_DONE;

	if (!client->bus)
		status = client_try_connect(client, ret_sentence);
	if (status == EXIT_DONE)
		status = list_quietly(client, rows, ret_sentence);
	/* The next question begins with a new connection: the daemon may have been restarted. */
	if (status != EXIT_DONE)
		client->bus = sd_bus_close_unref(client->bus);
	return status;
}

enum exit_status ask_status(struct client *client, char **names, struct policy_rows *rows)
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
