/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* switch: one policy in place of another, for a time or until somebody switches back. */
#include "client/connect.h"
#include "client/output.h"
#include "client/json.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/protocol.h"
#include "daemon/core/timespan.h"

/* False: it was complained about. */
static bool read_span(const struct client *client, uint64_t *ret_span)
{
	*ret_span = client->until_restart ? SWITCH_SPAN_UNTIL_RESTART : SWITCH_SPAN_FOR_GOOD;
	if ((client->span != NULL) + client->until_restart + client->back > 1) {
		complain("--for, --until-restart and --back exclude each other");
		return false;
	}
	if (!client->span)
		return true;
	if (timespan_parse(client->span, ret_span) == 0 && *ret_span > 0 &&
	    *ret_span < USEC_INFINITY)
		return true;
	complain("--for %s: a time span such as 2h or \"1d 30min\"", client->span);
	return false;
}

static int new_call(struct client *client, const char *name, uint64_t span, sd_bus_message **ret)
{
	int r = client_new_call(client, client->back ? METHOD_SWITCH_BACK : METHOD_SWITCH, ret);

	if (r >= 0)
		r = sd_bus_message_append_basic(*ret, 's', name);
	if (r >= 0 && !client->back)
		r = sd_bus_message_append_basic(*ret, 't', &span);
	return r < 0 ? r : sd_bus_message_append(*ret, "b", (int)client->wait);
}

static enum exit_status print_result(struct client *client, const struct result *result)
{
	if (client->json)
		return written(json_results(stdout, result, 1));
	return written(text_results(stdout, stderr, result, 1));
}

enum exit_status verb_switch(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	struct result result = {.name = names[0]};
	enum exit_status status;
	uint64_t span;
	int r, done;

	if (!read_span(client, &span))
		return EXIT_USAGE;
	status = client_connect(client);
	if (status != EXIT_DONE)
		return status;
	r = new_call(client, names[0], span, &call);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(client, call, client->wait ? CALL_WITHOUT_TIMEOUT : CALL_TIMEOUT,
			     names[0], &answer);
	if (status != EXIT_DONE)
		return status;
	r = sd_bus_message_read(answer, SIGNATURE_VERDICT, &done, &result.detail);
	if (r <= 0)
		return client_answer_failed(r < 0 ? r : -EBADMSG);
	result.done = done;
	status = print_result(client, &result);
	return exit_status_gravest(status, done ? EXIT_DONE : EXIT_FAILED);
}
