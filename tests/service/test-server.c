/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus: every method, answers that come later, and clients that behave badly. Both ends share one loop. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "common/protocol.h"
#include "daemon/service/server.h"
#include "tests/service/rig.h"

struct bed {
	struct rig *rig;
	struct server *server;
	sd_bus *bus; /* a client that behaves */
	char *path;
};

static const struct server_rights root_only = {SERVER_NO_GROUP, SERVER_NO_GROUP};

static sd_bus *connect_bus(struct bed *b)
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

static int bed_setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	assert_int_equal(rig_setup((void **)&b->rig), 0);
	b->path = scratch_path(b->rig->scratch, "bus");
	*state = b;
	return 0;
}

static int bed_teardown(void **state)
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

static void bed_start(struct bed *b)
{
	char *error = NULL;
	int fd;

	rig_start(b->rig);
	assert_int_equal(server_listen(b->path, &root_only, &fd, &error), 0);
	assert_int_equal(server_new(b->rig->event, b->rig->manager, fd, &root_only, &b->server), 0);
	b->bus = connect_bus(b);
}

/* One call, answered or failed. */

struct answer {
	sd_bus_message *m;
};

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct answer *answer = userdata;

	answer->m = sd_bus_message_ref(m);
	return 0;
}

static void call_async(sd_bus *bus, struct answer *answer, const char *method, const char *types,
		       ...)
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

#define call(b, answer, ...)                               \
	do {                                               \
		call_async((b)->bus, answer, __VA_ARGS__); \
		rig_run_until((b)->rig, (answer)->m);      \
	} while (0)

static void assert_verdict(struct answer *answer, bool done, const char *start)
{
	const char *sentence;
	int got;

	assert_true(sd_bus_message_read(answer->m, SIGNATURE_VERDICT, &got, &sentence) >= 0);
	if (strncmp(sentence, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", sentence, start);
	assert_int_equal(got, done);
	answer->m = sd_bus_message_unref(answer->m);
}

static void assert_error(struct answer *answer, const char *name, const char *part)
{
	const sd_bus_error *e = sd_bus_message_get_error(answer->m);

	assert_non_null(e);
	assert_string_equal(e->name, name);
	assert_non_null(strstr(e->message, part));
	answer->m = sd_bus_message_unref(answer->m);
}

/* Counts the rows of List or Status, and looks for a key in the first. */
static size_t count_rows(struct answer *answer, const char *key, bool *ret_found)
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

static void test_list_and_status(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	bool found;

	rig_policy(b->rig, "a", "");
	rig_policy(b->rig, "b", "");
	rig_policy_text(b->rig, "bad", "\xff\n");
	bed_start(b);
	call(b, &answer, METHOD_LIST, "");
	assert_int_equal(count_rows(&answer, KEY_LINK_ID, &found), 3);
	assert_true(found);
	call(b, &answer, METHOD_STATUS, "as", 1, "b");
	assert_int_equal(count_rows(&answer, KEY_STATUS_EVENTS, &found), 1);
	assert_true(found);
	call(b, &answer, METHOD_STATUS, "as", 0);
	assert_int_equal(count_rows(&answer, KEY_STATUS_WATCH, &found), 3);
	assert_true(found);
	call(b, &answer, METHOD_STATUS, "as", 1, "aa");
	assert_error(&answer, ERROR_NO_SUCH_POLICY, "did you mean a?");
}

static void test_changing_verbs(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "a", "");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_KEPT, FAKE_REFUSED);
	bed_start(b);
	call(b, &answer, METHOD_RESTART, "sb", "a", 1);
	assert_verdict(&answer, false, "attached: the change was not made");
	call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	call(b, &answer, METHOD_ATTACH, "sb", "a", 1);
	assert_verdict(&answer, false, "failed: the fake kernel was told to fail");
	call(b, &answer, METHOD_RESET_FAILED, "s", "a");
	assert_verdict(&answer, true, "inactive");
	fake_kernel_script_all("a", FAKE_ATTACHED);
	call(b, &answer, METHOD_ATTACH, "sb", "a", 0);
	assert_verdict(&answer, true, "loading");
	call(b, &answer, METHOD_ATTACH, "sb", "a", 1);
	assert_verdict(&answer, true, "attached: link 2");
	call(b, &answer, METHOD_ATTACH, "sb", "nobody", 1);
	assert_error(&answer, ERROR_NO_SUCH_POLICY, "nobody");
}

static void test_reload(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	const char *name, *text;
	int ok, line_ok;

	bed_start(b);
	rig_policy(b->rig, "a", "");
	call(b, &answer, METHOD_RELOAD, "b", 1);
	assert_true(sd_bus_message_read(answer.m, "b", &ok) >= 0);
	assert_true(sd_bus_message_enter_container(answer.m, 'a', "(sbs)") > 0);
	assert_true(sd_bus_message_read(answer.m, "(sbs)", &name, &line_ok, &text) > 0);
	assert_true(ok && line_ok);
	assert_string_equal(name, "a");
	assert_string_equal(text, "attached (link 1)");
	sd_bus_message_unref(answer.m);
}

static void test_cat(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	const char *path, *text;

	rig_policy_text(b->rig, "a", "[Object]\nPath=/x\xff\n");
	bed_start(b);
	call(b, &answer, METHOD_CAT, "s", "a");
	assert_true(sd_bus_message_enter_container(answer.m, 'a', "(ss)") > 0);
	assert_true(sd_bus_message_read(answer.m, "(ss)", &path, &text) > 0);
	assert_non_null(strstr(path, "/policies/a.policy"));
	assert_string_equal(text, "[Object]\nPath=/x?\n");
	sd_bus_message_unref(answer.m);
	call(b, &answer, METHOD_CAT, "s", "c");
	assert_error(&answer, ERROR_NO_SUCH_POLICY, "\"c\"");
}

static int on_event(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	const char *policy, *from, *to, *reason, *detail;
	uint64_t seq, realtime, monotonic;
	unsigned *count = userdata;
	uint32_t link;

	assert_true(sd_bus_message_read(m, SIGNATURE_EVENT, &seq, &realtime, &monotonic, &policy,
					&from, &to, &reason, &detail, &link) > 0);
	assert_string_equal(policy, "a");
	(*count)++;
	return 0;
}

static void test_events(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	unsigned count = 0;

	rig_policy(b->rig, "a", "");
	bed_start(b);
	assert_true(sd_bus_match_signal(b->bus, NULL, NULL, PROTOCOL_PATH, PROTOCOL_INTERFACE,
					SIGNAL_EVENT, on_event, &count) >= 0);
	call(b, &answer, METHOD_SUBSCRIBE, "");
	sd_bus_message_unref(answer.m);
	call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	rig_run_until(b->rig, count == 2);
}

static void test_client_leaves_while_it_waits(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy_text(b->rig, "a", "[Policy]\nEnabled=no\n[Object]\nPath=/a\n");
	fake_kernel_script_all("a", FAKE_HANG);
	b->rig->config.worker_timeout = 300 * USEC_PER_MSEC;
	bed_start(b);
	call_async(b->bus, &answer, METHOD_ATTACH, "sb", "a", 1);
	rig_run_until(b->rig, fake_kernel_counts("a").attaches == 1);
	sd_bus_close_unref(b->bus);
	b->bus = connect_bus(b);
	call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
}

static void test_stopping(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "a", "");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_HANG);
	bed_start(b);
	attachment_replace(rig_get(b->rig, "a"), REASON_ADMIN, NULL);
	rig_run_until(b->rig, fake_kernel_counts("a").replaces == 1);
	manager_stop(b->rig->manager);
	call(b, &answer, METHOD_ATTACH, "sb", "a", 1);
	assert_error(&answer, ERROR_SHUTTING_DOWN, "stopped");
	rig_run_until(b->rig, b->rig->loop_ended);
}

/* Clients that behave badly. */

static int connect_raw(struct bed *b)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, b->path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		assert_int_equal(errno, EAGAIN); /* the queue is full: let it be served */
		rig_turn(b->rig);
	}
	return fd;
}

static void assert_served(struct bed *b)
{
	struct answer answer;
	bool found;

	sd_bus_close_unref(b->bus);
	b->bus = connect_bus(b);
	call(b, &answer, METHOD_LIST, "");
	assert_int_equal(count_rows(&answer, KEY_NAME, &found), 1);
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EINTR);
}

static void test_garbage(void **state)
{
	static const char garbage[] = "GET / HTTP/1.1\r\nHost: structopsd\r\n\r\n";
	struct bed *b = *state;
	int fd;

	rig_policy(b->rig, "a", "");
	bed_start(b);
	fd = connect_raw(b);
	assert_true(send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL) > 0);
	rig_run_until(b->rig, is_closed(fd));
	close(fd);
	assert_served(b);
}

static void test_half_a_message(void **state)
{
	struct bed *b = *state;
	int fd;

	rig_policy(b->rig, "a", "");
	bed_start(b);
	fd = connect_raw(b);
	assert_true(send(fd, "\0AUTH EXTER", 11, MSG_NOSIGNAL) > 0);
	assert_served(b);
	assert_false(is_closed(fd));
	close(fd);
	assert_served(b);
}

static void test_a_thousand_silent_clients(void **state)
{
	struct bed *b = *state;
	unsigned open = 0;
	int fds[1000];

	rig_policy(b->rig, "a", "");
	bed_start(b);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_raw(b);
	assert_served(b);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		open += !is_closed(fds[i]);
		close(fds[i]);
	}
	assert_in_range(open, 1, 128);
	assert_served(b);
}

/* It subscribes and never reads: it is closed before it has cost much, the others go on. */
static void test_slow_subscriber(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	sd_bus *slow;

	rig_policy(b->rig, "a", "RestartSec=0\nStartLimitBurst=0");
	bed_start(b);
	slow = connect_bus(b);
	call_async(slow, &answer, METHOD_SUBSCRIBE, "");
	rig_run_until(b->rig, answer.m);
	sd_bus_message_unref(answer.m);
	assert_true(sd_bus_detach_event(slow) >= 0);
	for (unsigned i = 1; i <= 3000; i++) {
		fake_kernel_detach_foreign("a");
		rig_run_until(b->rig, fake_kernel_counts("a").relinks == i &&
					      rig_state(b->rig, "a") == STATE_ATTACHED);
	}
	while (sd_bus_process(slow, NULL) > 0)
		;
	assert_false(sd_bus_is_open(slow) > 0);
	sd_bus_close_unref(slow);
	assert_served(b);
}

#define bed_test(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bed_test(test_list_and_status), bed_test(test_changing_verbs),
		bed_test(test_reload),          bed_test(test_cat),
		bed_test(test_events),          bed_test(test_client_leaves_while_it_waits),
		bed_test(test_stopping),        bed_test(test_garbage),
		bed_test(test_half_a_message),  bed_test(test_a_thousand_silent_clients),
		bed_test(test_slow_subscriber),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
