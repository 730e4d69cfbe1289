/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus: every method, answers that come later, and clients that behave badly. Both ends share one loop. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/service/bed.h"

static void test_list_and_status(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	bool found;

	rig_policy(b->rig, "a", "");
	rig_policy(b->rig, "b", "");
	rig_policy_text(b->rig, "bad", "\xff\n");
	bed_start(b);
	bed_call(b, &answer, METHOD_LIST, "");
	assert_int_equal(count_rows(&answer, KEY_LINK_ID, &found), 3);
	assert_true(found);
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "b");
	assert_int_equal(count_rows(&answer, KEY_STATUS_EVENTS, &found), 1);
	assert_true(found);
	bed_call(b, &answer, METHOD_STATUS, "as", 0);
	assert_int_equal(count_rows(&answer, KEY_STATUS_WATCH, &found), 3);
	assert_true(found);
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "aa");
	assert_error(&answer, ERROR_NO_SUCH_POLICY, "did you mean a?");
}

static void test_changing_verbs(void **state)
{
	struct bed *b = *state;
	struct answer answer;

	rig_policy(b->rig, "a", "");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_KEPT, FAKE_REFUSED);
	bed_start(b);
	bed_call(b, &answer, METHOD_RESTART, "sb", "a", 1);
	assert_verdict(&answer, false, "attached: the change was not made");
	bed_call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	bed_call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	bed_call(b, &answer, METHOD_ATTACH, "sb", "a", 1);
	assert_verdict(&answer, false, "failed: the fake kernel was told to fail");
	bed_call(b, &answer, METHOD_RESET_FAILED, "s", "a");
	assert_verdict(&answer, true, "inactive");
	fake_kernel_script_all("a", FAKE_ATTACHED);
	bed_call(b, &answer, METHOD_ATTACH, "sb", "a", 0);
	assert_verdict(&answer, true, "loading");
	bed_call(b, &answer, METHOD_ATTACH, "sb", "a", 1);
	assert_verdict(&answer, true, "attached: link 2");
	bed_call(b, &answer, METHOD_ATTACH, "sb", "nobody", 1);
	assert_error(&answer, ERROR_NO_SUCH_POLICY, "nobody");
}

/* A verb on a template is done when all instances are; cat of an instance shows the template's files. */
static void test_template(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	bool found;

	rig_policy_text(b->rig, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:*:*\n");
	fake_kernel_script_all("pad@0003-046D-C52B.0002", FAKE_ATTACHED, FAKE_ATTACHED,
			       FAKE_REFUSED);
	fake_kernel_plug(0x0003, 0x046d, 0xc52b, "Receiver");
	fake_kernel_plug(0x0003, 0x046d, 0xc52b, "Receiver");
	bed_start(b);
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "pad");
	assert_int_equal(count_rows(&answer, KEY_INSTANCES, &found), 1);
	assert_true(found);
	bed_call(b, &answer, METHOD_STATUS, "as", 1, "pad@0003-046D-C52B.0001");
	assert_int_equal(count_rows(&answer, KEY_TEMPLATE, &found), 1);
	assert_true(found);
	bed_call(b, &answer, METHOD_CAT, "s", "pad@0003-046D-C52B.0001");
	assert_null(sd_bus_message_get_error(answer.m));
	answer.m = sd_bus_message_unref(answer.m);

	bed_call(b, &answer, METHOD_DETACH, "sb", "pad", 1);
	assert_verdict(&answer, true, "inactive");
	assert_false(fake_kernel_is_attached("pad@0003-046D-C52B.0001"));
	assert_false(fake_kernel_is_attached("pad@0003-046D-C52B.0002"));
	bed_call(b, &answer, METHOD_ATTACH, "sb", "pad", 1);
	assert_verdict(&answer, true,
		       "waiting: template: 2 devices match *:*:*: pad@0003-046D-C52B.0001 "
		       "attached, pad@0003-046D-C52B.0002 attached");
	bed_call(b, &answer, METHOD_DETACH, "sb", "pad", 1);
	assert_verdict(&answer, true, "inactive");
	bed_call(b, &answer, METHOD_ATTACH, "sb", "pad", 1);
	assert_verdict(&answer, false,
		       "waiting: template: 2 devices match *:*:*: pad@0003-046D-C52B.0001 "
		       "attached, pad@0003-046D-C52B.0002 failed");
}

static void test_reload(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	const char *name, *text;
	int ok, line_ok;

	bed_start(b);
	rig_policy(b->rig, "a", "");
	bed_call(b, &answer, METHOD_RELOAD, "b", 1);
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
	bed_call(b, &answer, METHOD_CAT, "s", "a");
	assert_true(sd_bus_message_enter_container(answer.m, 'a', "(ss)") > 0);
	assert_true(sd_bus_message_read(answer.m, "(ss)", &path, &text) > 0);
	assert_non_null(strstr(path, "/policies/a.policy"));
	assert_string_equal(text, "[Object]\nPath=/x?\n");
	sd_bus_message_unref(answer.m);
	bed_call(b, &answer, METHOD_CAT, "s", "c");
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
	bed_call(b, &answer, METHOD_SUBSCRIBE, "");
	sd_bus_message_unref(answer.m);
	bed_call(b, &answer, METHOD_DETACH, "sb", "a", 1);
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
	bed_call_async(b->bus, &answer, METHOD_ATTACH, "sb", "a", 1);
	rig_run_until(b->rig, fake_kernel_counts("a").attaches == 1);
	sd_bus_close_unref(b->bus);
	b->bus = bed_connect(b);
	bed_call(b, &answer, METHOD_DETACH, "sb", "a", 1);
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
	bed_call(b, &answer, METHOD_ATTACH, "sb", "a", 1);
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
	b->bus = bed_connect(b);
	bed_call(b, &answer, METHOD_LIST, "");
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
	slow = bed_connect(b);
	bed_call_async(slow, &answer, METHOD_SUBSCRIBE, "");
	rig_run_until(b->rig, answer.m);
	sd_bus_message_unref(answer.m);
	assert_true(sd_bus_detach_event(slow) >= 0);
	for (unsigned i = 1; i <= 3000; i++) {
		fake_kernel_detach_foreign("a");
		rig_run_until(b->rig, fake_kernel_counts("a").relinks == i &&
					      rig_state(b->rig, "a") == STATE_ATTACHED);
	}
	rig_run_until(b->rig, sd_bus_process(slow, NULL) < 0 || sd_bus_is_open(slow) <= 0);
	sd_bus_close_unref(slow);
	assert_served(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bed_test(test_list_and_status),
		bed_test(test_changing_verbs),
		bed_test(test_template),
		bed_test(test_reload),
		bed_test(test_cat),
		bed_test(test_events),
		bed_test(test_client_leaves_while_it_waits),
		bed_test(test_stopping),
		bed_test(test_garbage),
		bed_test(test_half_a_message),
		bed_test(test_a_thousand_silent_clients),
		bed_test(test_slow_subscriber),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
