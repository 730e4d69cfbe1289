/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/service/bed.h"

static const struct server_rights root_only = {SERVER_NO_GROUP, SERVER_NO_GROUP};

sd_bus *bed_connect(struct bed *b)
{
	char address[160];
	sd_bus *bus;

	snprintf(address, sizeof(address), "unix:path=%s", b->path);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_address(bus, address) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_attach_event(bus, b->rig->event, 0) >= 0);
	return bus;
}

int bed_setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	assert_int_equal(rig_setup((void **)&b->rig), 0);
	b->path = scratch_path(b->rig->scratch, "bus");
	*state = b;
	return 0;
}

int bed_teardown(void **state)
{
	struct bed *b = *state;
	int r;

	sd_bus_close_unref(b->bus);
	server_free(b->server);
	free(b->path);
	r = rig_teardown((void **)&b->rig);
	free(b);
	return r;
}

void bed_start(struct bed *b)
{
	char *error = NULL;
	int fd;

	rig_start(b->rig);
	assert_int_equal(server_listen(b->path, &root_only, &fd, &error), 0);
	assert_int_equal(server_new(b->rig->event, b->rig->manager, fd, &root_only, &b->server), 0);
	b->bus = bed_connect(b);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct answer *answer = userdata;

	answer->m = sd_bus_message_ref(m);
	return 0;
}

void bed_call_async(sd_bus *bus, struct answer *answer, const char *method, const char *types, ...)
{
	sd_bus_message *m;
	va_list ap;

	answer->m = NULL;
	assert_true(sd_bus_message_new_method_call(bus, &m, NULL, PROTOCOL_PATH, PROTOCOL_INTERFACE,
						   method) >= 0);
	va_start(ap, types);
	assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	assert_true(sd_bus_call_async(bus, NULL, m, on_answer, answer, 0) >= 0);
	sd_bus_message_unref(m);
}

void assert_verdict(struct answer *answer, bool done, const char *start)
{
	const char *sentence;
	int got;

	assert_true(sd_bus_message_read(answer->m, SIGNATURE_VERDICT, &got, &sentence) >= 0);
	if (strncmp(sentence, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", sentence, start);
	assert_int_equal(got, done);
	answer->m = sd_bus_message_unref(answer->m);
}

void assert_error(struct answer *answer, const char *name, const char *part)
{
	const sd_bus_error *e = sd_bus_message_get_error(answer->m);

	assert_non_null(e);
	assert_string_equal(e->name, name);
	assert_non_null(strstr(e->message, part));
	answer->m = sd_bus_message_unref(answer->m);
}

size_t count_rows(struct answer *answer, const char *key, bool *ret_found)
{
	const char *k, *contents;
	size_t n = 0;
	char type;

	*ret_found = false;
	assert_true(sd_bus_message_enter_container(answer->m, 'a', "a{sv}") > 0);
	while (sd_bus_message_enter_container(answer->m, 'a', "{sv}") > 0) {
		while (sd_bus_message_enter_container(answer->m, 'e', "sv") > 0) {
			assert_true(sd_bus_message_read(answer->m, "s", &k) >= 0);
			*ret_found |= streq(k, key);
			assert_true(sd_bus_message_peek_type(answer->m, &type, &contents) >= 0);
			assert_true(sd_bus_message_skip(answer->m, "v") >= 0);
			assert_true(sd_bus_message_exit_container(answer->m) >= 0);
		}
		assert_true(sd_bus_message_exit_container(answer->m) >= 0);
		n++;
	}
	answer->m = sd_bus_message_unref(answer->m);
	return n;
}

static bool value_is(sd_bus_message *m, const char *signature, int number, const char *text)
{
	const char *s = NULL, *other = NULL;
	int i = 0;

	if (streq(signature, "u") || streq(signature, "i"))
		return sd_bus_message_read(m, "v", signature, &i) > 0 && !text && i == number;
	if (streq(signature, "s"))
		return sd_bus_message_read(m, "v", signature, &s) > 0 && text && strstr(s, text);
	if (streq(signature, "as"))
		return sd_bus_message_read(m, "v", signature, 1, &s) > 0 && text && strstr(s, text);
	if (streq(signature, "a(ss)"))
		return sd_bus_message_read(m, "v", signature, 1, &s, &other) > 0 && text &&
		       strstr(other, text);
	return false;
}

static void assert_row(struct answer *answer, const char *key, int number, const char *text)
{
	const char *k, *signature;
	bool found = false;
	char type;

	assert_true(sd_bus_message_enter_container(answer->m, 'a', "a{sv}") > 0);
	assert_true(sd_bus_message_enter_container(answer->m, 'a', "{sv}") > 0);
	while (!found && sd_bus_message_enter_container(answer->m, 'e', "sv") > 0) {
		assert_true(sd_bus_message_read(answer->m, "s", &k) >= 0);
		assert_true(sd_bus_message_peek_type(answer->m, &type, &signature) >= 0);
		found = streq(k, key);
		if (!found)
			assert_true(sd_bus_message_skip(answer->m, "v") >= 0);
		else if (!value_is(answer->m, signature, number, text))
			fail_msg("%s (%s) is not %s", key, signature, or_empty(text));
		assert_true(sd_bus_message_exit_container(answer->m) >= 0);
	}
	assert_true(found);
	answer->m = sd_bus_message_unref(answer->m);
}

void assert_row_number(struct answer *answer, const char *key, int number)
{
	assert_row(answer, key, number, NULL);
}

void assert_row_text(struct answer *answer, const char *key, const char *text)
{
	assert_row(answer, key, 0, text);
}
