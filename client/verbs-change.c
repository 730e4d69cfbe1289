/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attach, detach, restart, reset-failed, reload: ask for a change, wait for the outcome, say it. */
#include "client/connect.h"
#include "client/json.h"
#include "client/text.h"
#include "client/verbs.h"
#include "common/protocol.h"

/* One policy's call, which is under way until answered is set. */
struct change {
	struct client *client;
	sd_bus_slot *slot;
	bool answered;
	enum exit_status status;
	char *sentence; /* NULL: out of memory */
	struct result result;
};

struct changes {
	struct change *items;
	size_t n;
};

static void changes_done(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		sd_bus_slot_unref(changes->items[i].slot);
		free(changes->items[i].sentence);
	}
	free(changes->items);
}

static void settle(struct change *change, enum exit_status status, char *sentence)
{
	change->answered = true;
	change->status = status;
	change->sentence = sentence;
	change->result.done = status == EXIT_DONE;
	change->result.detail = sentence ?: "out of memory";
}

static void settle_error(struct change *change, const sd_bus_error *error)
{
	char *sentence = NULL;
	enum exit_status status = client_explain(change->client, error, &sentence);

	settle(change, status, sentence);
}

static void settle_errno(struct change *change, int error)
{
	_cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;

	sd_bus_error_set_errno(&e, error);
	settle_error(change, &e);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct change *change = userdata;
	const char *sentence;
	int done, r;

	if (sd_bus_message_is_method_error(m, NULL)) {
		settle_error(change, sd_bus_message_get_error(m));
		return 0;
	}
	r = sd_bus_message_read(m, SIGNATURE_VERDICT, &done, &sentence);
	if (r <= 0)
		settle_errno(change, r < 0 ? r : -EBADMSG);
	else
		settle(change, done ? EXIT_DONE : EXIT_FAILED, strdup(sentence));
	return 0;
}

static int send_change(struct change *change, const struct verb *verb)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	struct client *client = change->client;
	int r;

	r = client_new_call(client, verb->method, &call);
	if (r >= 0)
		r = sd_bus_message_append_basic(call, 's', change->result.name);
	if (r >= 0 && verb->changes)
		r = sd_bus_message_append(call, "b", (int)client->wait);
	if (r < 0)
		return r;
	return sd_bus_call_async(client->bus, &change->slot, call, on_answer, change,
				 client->wait ? CALL_WITHOUT_TIMEOUT : CALL_TIMEOUT);
}

static bool all_answered(const struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		if (!changes->items[i].answered)
			return false;
	return true;
}

static void await_answers(struct client *client, struct changes *changes)
{
	int r = 0;

	while (r >= 0 && !all_answered(changes)) {
		r = sd_bus_process(client->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(client->bus, UINT64_MAX);
	}
	for (size_t i = 0; i < changes->n; i++)
		if (!changes->items[i].answered)
			settle_errno(&changes->items[i], r);
}

static enum exit_status print_results(struct client *client, const struct result *results, size_t n)
{
	if (client->json)
		return written(json_results(stdout, results, n));
	return written(text_results(stdout, stderr, results, n));
}

static enum exit_status print_changes(struct client *client, const struct changes *changes)
{
	_cleanup_(freep) struct result *results = calloc(changes->n, sizeof(*results));
	enum exit_status gravest;

	if (!results)
		return out_of_memory();
	for (size_t i = 0; i < changes->n; i++)
		results[i] = changes->items[i].result;
	gravest = print_results(client, results, changes->n);
	for (size_t i = 0; i < changes->n; i++)
		gravest = exit_status_gravest(gravest, changes->items[i].status);
	return gravest;
}

enum exit_status verb_change(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(changes_done) struct changes changes = {
		.items = calloc(n, sizeof(struct change))};

	if (!changes.items)
		return out_of_memory();
	for (changes.n = 0; changes.n < n; changes.n++) {
		struct change *change = &changes.items[changes.n];
		int r;

		change->client = client;
		change->result.name = names[changes.n];
		r = send_change(change, verb);
		if (r < 0)
			settle_errno(change, r);
	}
	await_answers(client, &changes);
	return print_changes(client, &changes);
}

/* Reload()'s lines; the texts are the message's. */
static int read_lines(sd_bus_message *m, bool *ret_done, struct result **results, size_t *n)
{
	struct result line;
	int done, ok, r;

	r = sd_bus_message_read_basic(m, 'b', &done);
	if (r > 0)
		r = sd_bus_message_enter_container(m, 'a', "(sbs)");
	if (r <= 0)
		return -EBADMSG;
	while ((r = sd_bus_message_read(m, "(sbs)", &line.name, &ok, &line.detail)) > 0) {
		struct result *grown = reallocarray(*results, *n + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*results = grown;
		line.done = ok;
		grown[(*n)++] = line;
	}
	*ret_done = done;
	return r;
}

enum exit_status verb_reload(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
	_cleanup_(freep) struct result *results = NULL;
	enum exit_status status;
	size_t n_results = 0;
	bool done;
	int r;

	r = client_new_call(client, METHOD_RELOAD, &call);
	if (r >= 0)
		r = sd_bus_message_append(call, "b", (int)client->wait);
	if (r < 0)
		return client_answer_failed(r);
	status = client_call(client, call, client->wait ? CALL_WITHOUT_TIMEOUT : CALL_TIMEOUT, NULL,
			     &answer);
	if (status != EXIT_DONE)
		return status;
	r = read_lines(answer, &done, &results, &n_results);
	if (r < 0)
		return client_answer_failed(r);
	if (!client->json && n_results == 0 && done)
		puts(client->wait ? "Nothing has changed." : "The reload was asked for.");
	status = print_results(client, results, n_results);
	return exit_status_gravest(status, done ? EXIT_DONE : EXIT_FAILED);
}
