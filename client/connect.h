/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to the daemon, and what its failures mean. A silent or slow daemon ends in a sentence, never
 * in a client that hangs; only a verb that waits for an outcome waits without end.
 */
#pragma once

#include "client/client.h"

/* Connects client->bus to client->socket and authenticates. Anything but EXIT_DONE has been complained about. */
enum exit_status client_connect(struct client *client);

/* The same, and says nothing: anything but EXIT_DONE has a sentence that the caller frees (NULL: out of memory). */
enum exit_status client_try_connect(struct client *client, char **ret_sentence);

/* For a call whose answer comes when the outcome is known. */
#define CALL_WITHOUT_TIMEOUT UINT64_MAX
#define CALL_TIMEOUT 0 /* sd-bus's own, 25 s */

/* A call of METHOD_… with no arguments yet. Negative errno. */
int client_new_call(struct client *client, const char *method, sd_bus_message **ret);

/* Sends call and waits for its answer. subject is for the complaint: a policy's name, or NULL. */
enum exit_status client_call(struct client *client, sd_bus_message *call, uint64_t timeout,
			     const char *subject, sd_bus_message **ret_answer);

/* The same for a call of METHOD_… without arguments, within CALL_TIMEOUT. */
enum exit_status client_ask(struct client *client, const char *method, const char *subject,
			    sd_bus_message **ret_answer);

/* Which end a call that failed means, and the sentence for it; the caller frees *ret_sentence (NULL: out of memory). */
enum exit_status client_explain(const struct client *client, const sd_bus_error *error,
				char **ret_sentence);

/* Complains with client_explain()'s sentence. */
enum exit_status client_call_failed(const struct client *client, const char *subject,
				    const sd_bus_error *error);

/* Complains about an answer that is not what protocol.h says (-EBADMSG, …) or about -ENOMEM. */
enum exit_status client_answer_failed(int error);
