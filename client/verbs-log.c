/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log: all that libbpf and the verifier said in the last attempt. status has what it comes to. */
#include "client/connect.h"
#include "client/log-output.h"
#include "client/verbs.h"
#include "common/protocol.h"

/* One piece, appended to f. *offset: where the next one begins; 0: there is none. */
static enum exit_status read_piece(struct client *client, const char *name, uint64_t *offset,
				   FILE *f)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	enum exit_status status;
	const char *text;
	int r;

	r = client_new_call(client, METHOD_LOG, &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "st", name, *offset);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(client, call, CALL_TIMEOUT, name, &answer);
	if (status != EXIT_DONE)
		return status;
	r = sd_bus_message_read(answer, SIGNATURE_LOG, &text, offset);
	if (r < 0)
		return client_answer_failed(r);
	fputs(text, f);
	return EXIT_DONE;
}

enum exit_status verb_log(struct client *client, const struct verb *verb, char *const *names,
			  size_t n)
{
	_cleanup_(freep) char *text = NULL;
	enum exit_status status;
	uint64_t offset = 0;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return out_of_memory();
	do {
		status = read_piece(client, names[0], &offset, f);
	} while (status == EXIT_DONE && offset > 0);
	if (fclose(f) != 0)
		return out_of_memory();
	if (status != EXIT_DONE)
		return status;
	return written(client->json ? json_log(stdout, names[0], text)
				    : text_log(stdout, &client->style, names[0], text));
}
