/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/client/fake-server.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/protocol.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define ATTACHED_USEC (UINT64_C(1700000000) * USEC_PER_SEC)

/* The fake has no use for errors: it ends, and the test that needed it fails. */
static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "fake server: %s\n", strerror(-r));
		_exit(1);
	}
}

static int append_entry(sd_bus_message *m, const char *key, const char *type, ...)
{
	va_list arguments;
	int r;

	must(sd_bus_message_open_container(m, 'e', "sv"));
	must(sd_bus_message_append_basic(m, 's', key));
	must(sd_bus_message_open_container(m, 'v', type));
	va_start(arguments, type);
	r = sd_bus_message_appendv(m, type, arguments);
	va_end(arguments);
	must(r);
	must(sd_bus_message_close_container(m));
	return sd_bus_message_close_container(m);
}

static void append_aimd(sd_bus_message *m)
{
	append_entry(m, KEY_NAME, "s", "aimd");
	append_entry(m, KEY_DESCRIPTION, "s", "Reno with a gentler cut");
	append_entry(m, KEY_ENABLED, "b", 1);
	append_entry(m, KEY_STATE, "s", "attached");
	append_entry(m, KEY_REASON, "s", "boot");
	append_entry(m, KEY_TYPE, "s", "tcp_congestion_ops");
	append_entry(m, KEY_MAP, "s", "aimd");
	append_entry(m, KEY_MAP_ID, "u", 12);
	append_entry(m, KEY_LINK_ID, "u", 7);
	append_entry(m, KEY_OBJECT, "s", "/usr/lib/structopsd/objects/tcp_aimd.bpf.o");
	append_entry(m, KEY_ATTACHED_USEC, "t", ATTACHED_USEC);
	append_entry(m, KEY_RESTARTS, "u", 2);
	append_entry(m, KEY_FALLBACK, "s", "gentle");
}

static void append_gentle(sd_bus_message *m)
{
	append_entry(m, "of_a_newer_daemon", "a{sv}", 1, "inner", "s", "text");
	append_entry(m, KEY_NAME, "s", "gentle");
	append_entry(m, KEY_ENABLED, "b", 0);
	append_entry(m, KEY_STATE, "s", "failed");
	append_entry(m, KEY_REASON, "s", "load-failed");
	append_entry(m, KEY_DETAIL, "s", "the verifier refused the program");
	append_entry(m, KEY_MAP_ID, "s", "a number in another type");
	append_entry(m, KEY_RESTARTS, "u", 0);
}

static void append_late(sd_bus_message *m)
{
	append_entry(m, KEY_NAME, "s", "late");
	append_entry(m, KEY_ENABLED, "b", 1);
	append_entry(m, KEY_STATE, "s", "waiting");
	append_entry(m, KEY_REASON, "s", "attach-failed");
	append_entry(m, KEY_NEXT_ATTEMPT_USEC, "t", ATTACHED_USEC);
	append_entry(m, KEY_RESTARTS, "u", 4);
}

static void append_template(sd_bus_message *m, const char *name, uint32_t instances)
{
	append_entry(m, KEY_NAME, "s", name);
	append_entry(m, KEY_ENABLED, "b", 1);
	append_entry(m, KEY_STATE, "s", "waiting");
	append_entry(m, KEY_REASON, "s", "boot");
	append_entry(m, KEY_RESTARTS, "u", 0);
	append_entry(m, KEY_INSTANCES, "u", instances);
}

static void append_keys(sd_bus_message *m)
{
	append_template(m, "keys", 2);
}

static void append_mice(sd_bus_message *m)
{
	append_template(m, "mice", 0);
}

static void append_pads(sd_bus_message *m)
{
	append_template(m, "pads", 1);
}

static void append_instance(sd_bus_message *m, const char *name, const char *template,
			    const char *state)
{
	append_entry(m, KEY_NAME, "s", name);
	append_entry(m, KEY_TEMPLATE, "s", template);
	append_entry(m, KEY_ENABLED, "b", 1);
	append_entry(m, KEY_STATE, "s", state);
	append_entry(m, KEY_REASON, "s", "device-gone");
	append_entry(m, KEY_TYPE, "s", "hid_bpf_ops");
	append_entry(m, KEY_RESTARTS, "u", 0);
	append_entry(m, KEY_DEVICE, "s", "/devices/virtual/misc/uhid/0003:1209:0001.0001");
}

static void append_first_keys(sd_bus_message *m)
{
	append_instance(m, "keys@0003-1209-0001.0001", "keys", "attached");
}

static void append_second_keys(sd_bus_message *m)
{
	append_instance(m, "keys@0003-1209-0001.0002", "keys", "updating");
}

static void append_first_pads(sd_bus_message *m)
{
	append_instance(m, "pads@0005-054C-09CC.0003", "pads", "failed");
}

static void append_sched(sd_bus_message *m)
{
	append_entry(m, KEY_NAME, "s", "sched");
	append_entry(m, KEY_ENABLED, "b", 1);
	append_entry(m, KEY_STATE, "s", "attached");
	append_entry(m, KEY_REASON, "s", "kernel-exit");
	append_entry(m, KEY_TYPE, "s", "sched_ext_ops");
	append_entry(m, KEY_LINK_ID, "u", 9);
	append_entry(m, KEY_RESTARTS, "u", 1);
	append_entry(m, KEY_DISAGREEMENTS, "as", 1, "the scheduler that runs is \"other\"");
}

#define EVENT_OF_AIMD                                                                  \
	UINT64_C(41), ATTACHED_USEC, UINT64_C(5000000), "aimd", "waiting", "attached", \
		"link-detached", "linked again in 180us", 8

static void append_status_of_aimd(sd_bus_message *m)
{
	append_entry(m, KEY_STATUS_FIELDS, "a(sss)", 3, "name", "bpf_aimd", "bpf_aimd", "flags",
		     "5", "1", "limits", "9", FIELD_UNREADABLE);
	append_entry(m, KEY_STATUS_PROGRAMS, "a(ssu)", 1, "cong_avoid", "aimd_cong_avoid", 34);
	append_entry(m, KEY_STATUS_EVENTS, "a(" SIGNATURE_EVENT ")", 1, EVENT_OF_AIMD);
	append_entry(m, KEY_STATUS_NOTES, "as", 1, "cwnd_event: the kernel lacks it");
	append_entry(m, KEY_STATUS_FILES, "as", 1, "/etc/structopsd/policies.d/aimd.policy");
	append_entry(m, KEY_STATUS_DIGEST, "s", "9f86d081");
	append_entry(m, KEY_STATUS_WATCH, "s", "the link hangs up");
	append_entry(m, KEY_STATUS_KEPT, "s", "pins in /sys/fs/bpf/structopsd/aimd");
	append_entry(m, KEY_STATUS_ATTACH_USEC, "t", UINT64_C(21000));
	append_entry(m, KEY_STATUS_USERS, "u", 3);
	append_entry(m, KEY_STATUS_DEFAULTS, "a(ss)", 2, "", "cubic", "/run/netns/blue", "");
}

static void append_status_of_mice(sd_bus_message *m)
{
	append_entry(m, KEY_STATUS_USERS, "u", 0);
}

static void append_status_of_sched(sd_bus_message *m)
{
	append_entry(m, KEY_STATUS_EXIT_KIND, "i", 66);
	append_entry(m, KEY_STATUS_EXIT_CODE, "x", INT64_C(0x1000100000000));
	append_entry(m, KEY_STATUS_EXIT_REASON, "s", "unregistered from the main kernel");
	append_entry(m, KEY_STATUS_EXIT_MESSAGE, "s", "cpu 1 going offline");
	append_entry(m, KEY_STATUS_EXIT_FILE, "s", "/run/structopsd/exits/sched");
}

static void append_status_of_gentle(sd_bus_message *m)
{
	append_entry(m, KEY_STATUS_VERIFIER_LOG, "s", "0: r0 = 1\ninvalid mem access 'scalar'\n");
}

static const struct fake_policy {
	const char *name;
	void (*append_row)(sd_bus_message *m);
	void (*append_status)(sd_bus_message *m);
	bool attaches;
	bool is_more; /* of FAKE_HAS_MORE only */
} policies[] = {
	{"aimd", append_aimd, append_status_of_aimd, true, false},
	{"gentle", append_gentle, append_status_of_gentle, false, false},
	{"keys", append_keys, NULL, true, true},
	{"keys@0003-1209-0001.0001", append_first_keys, NULL, true, true},
	{"keys@0003-1209-0001.0002", append_second_keys, NULL, true, true},
	{"late", append_late, NULL, true, false},
	{"mice", append_mice, append_status_of_mice, true, true},
	{"pads", append_pads, NULL, true, true},
	{"pads@0005-054C-09CC.0003", append_first_pads, NULL, false, true},
	{"sched", append_sched, append_status_of_sched, true, true},
};

static const struct fake_policy *find_policy(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (streq(policies[i].name, name))
			return &policies[i];
	return NULL;
}

static int no_such_policy(sd_bus_error *error, const char *name)
{
	return sd_bus_error_setf(error, ERROR_NO_SUCH_POLICY, "there is no policy '%s'", name);
}

static int denied(sd_bus_error *error)
{
	return sd_bus_error_set(error, ERROR_ACCESS_DENIED,
				"managing is for root and for ManageGroup=");
}

/* What each method does first, by the manner of the server. 0: answer. */
static int before_answer(void *userdata, sd_bus_error *error)
{
	enum fake_manner manner = *(enum fake_manner *)userdata;

	if (manner == FAKE_DIES)
		_exit(0);
	if (manner == FAKE_DENIES)
		return denied(error);
	return 0;
}

static void append_policy(sd_bus_message *reply, const struct fake_policy *policy, bool status)
{
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	policy->append_row(reply);
	if (status && policy->append_status)
		policy->append_status(reply);
	must(sd_bus_message_close_container(reply));
}

static int answer_rows(sd_bus_message *call, char **names, bool status, bool more,
		       sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

	must(sd_bus_message_new_method_return(call, &reply));
	must(sd_bus_message_open_container(reply, 'a', "a{sv}"));
	for (size_t i = 0; names && names[i]; i++) {
		const struct fake_policy *policy = find_policy(names[i]);

		if (!policy)
			return no_such_policy(error, names[i]);
		append_policy(reply, policy, status);
	}
	for (size_t i = 0; (!names || !names[0]) && i < ARRAY_SIZE(policies); i++)
		if (more || !policies[i].is_more)
			append_policy(reply, &policies[i], status);
	must(sd_bus_message_close_container(reply));
	return sd_bus_message_send(reply);
}

static bool has_more(void *userdata)
{
	return *(enum fake_manner *)userdata == FAKE_HAS_MORE;
}

static int on_list(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	int r = before_answer(userdata, error);

	return r < 0 ? r : answer_rows(call, NULL, false, has_more(userdata), error);
}

static void append_foreign(sd_bus_message *reply)
{
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	append_entry(reply, KEY_TYPE, "s", "tcp_congestion_ops");
	append_entry(reply, KEY_MAP, "s", "bpf_theirs");
	append_entry(reply, KEY_MAP_ID, "u", 31);
	append_entry(reply, KEY_LINK_ID, "u", 17);
	append_entry(reply, KEY_HOLDERS, "as", 2, "bpftool[4711]", "pin /sys/fs/bpf/theirs");
	must(sd_bus_message_close_container(reply));
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	append_entry(reply, KEY_MAP_ID, "u", 32);
	must(sd_bus_message_close_container(reply));
}

static int on_foreign(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	if (*(enum fake_manner *)userdata == FAKE_LETS_VIEW)
		return denied(error);
	must(sd_bus_message_new_method_return(call, &reply));
	must(sd_bus_message_open_container(reply, 'a', "a{sv}"));
	if (has_more(userdata))
		append_foreign(reply);
	if (*(enum fake_manner *)userdata == FAKE_RAVES)
		must(sd_bus_message_append(reply, "a{sv}", 0));
	must(sd_bus_message_close_container(reply));
	return sd_bus_message_send(reply);
}

static int on_status(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	char **names = NULL;
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_read_strv(call, &names));
	r = answer_rows(call, names, true, has_more(userdata), error);
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
	return r;
}

static int on_switch(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const struct fake_policy *policy;
	int wait, r = before_answer(userdata, error);
	char sentence[128] = "asked for";
	const char *name;
	uint64_t span;

	if (r < 0)
		return r;
	must(sd_bus_message_read(call, "stb", &name, &span, &wait));
	policy = find_policy(name);
	if (!policy)
		return no_such_policy(error, name);
	if (wait && !policy->attaches)
		strcpy(sentence, "the verifier refused the program");
	else if (wait && span == SWITCH_SPAN_UNTIL_RESTART)
		strcpy(sentence, "in place of late until a restart");
	else if (wait && span == SWITCH_SPAN_FOR_GOOD)
		strcpy(sentence, "in place of late for good");
	else if (wait)
		snprintf(sentence, sizeof(sentence), "in place of late for %" PRIu64, span);
	return sd_bus_reply_method_return(call, SIGNATURE_VERDICT, !wait || policy->attaches,
					  sentence);
}

static int on_change(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const struct fake_policy *policy;
	const char *name, *sentence;
	int wait, r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_read(call, "sb", &name, &wait));
	policy = find_policy(name);
	if (!policy)
		return no_such_policy(error, name);
	sentence = !wait              ? "asked for"
		   : policy->attaches ? "done as link 7"
				      : "the verifier refused the program";
	return sd_bus_reply_method_return(call, SIGNATURE_VERDICT, !wait || policy->attaches,
					  sentence);
}

static int on_reset_failed(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *name;
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_read(call, "s", &name));
	if (!find_policy(name))
		return no_such_policy(error, name);
	return sd_bus_reply_method_return(call, SIGNATURE_VERDICT, 1, "reset");
}

static int on_reload(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	int wait, r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_read(call, "b", &wait));
	if (!wait)
		return sd_bus_reply_method_return(call, SIGNATURE_RELOAD, 1, 0);
	if (*(enum fake_manner *)userdata == FAKE_FINDS_ERRORS)
		return sd_bus_reply_method_return(call, SIGNATURE_RELOAD, 0, 1, "", 0,
						  "/etc/a.policy:3: [Policy] Colour: unknown key");
	return sd_bus_reply_method_return(call, SIGNATURE_RELOAD, 1, 2, "aimd", 1, "updated",
					  "late", 1, "removed");
}

static int on_cat(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *name;
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_read(call, "s", &name));
	if (!find_policy(name))
		return no_such_policy(error, name);
	return sd_bus_reply_method_return(call, SIGNATURE_FILES, 2, "/etc/a.policy",
					  "[Policy]\nEnabled=no\n", "/run/a.policy.d/1.conf",
					  "[Policy]");
}

/* What each subscriber gets behind the answer. */
static int emit_event(sd_bus *bus, void *userdata)
{
	must(sd_bus_emit_signal(bus, PROTOCOL_PATH, PROTOCOL_INTERFACE, SIGNAL_EVENT,
				SIGNATURE_EVENT, EVENT_OF_AIMD));
	if (*(enum fake_manner *)userdata == FAKE_ANSWERS_AND_GOES) {
		must(sd_bus_flush(bus));
		_exit(0);
	}
	return 1;
}

static int on_subscribe(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_reply_method_return(call, NULL));
	return emit_event(sd_bus_message_get_bus(call), userdata);
}

/* One event of before, and the one that all subscribers get. */
static int on_follow(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	uint64_t seq, realtime;
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_read(call, "tt", &seq, &realtime));
	must(sd_bus_reply_method_return(call, SIGNATURE_EVENTS, seq < 40 ? 1 : 0, UINT64_C(40),
					ATTACHED_USEC, UINT64_C(4000000), "gentle", "loading",
					"failed", "load-failed", "refused", 0));
	return emit_event(sd_bus_message_get_bus(call), userdata);
}

static int on_metrics(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = before_answer(userdata, error);

	if (r < 0)
		return r;
	must(sd_bus_message_new_method_return(call, &reply));
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	append_entry(reply, "of_a_newer_daemon", "a{sv}", 1, "inner", "s", "text");
	append_entry(reply, KEY_DAEMON_VERSION, "s", "9.9");
	append_entry(reply, KEY_DAEMON_STARTED, "t", ATTACHED_USEC);
	append_entry(reply, KEY_DAEMON_RELOADS, "a(st)", 1, "ok", UINT64_C(3));
	must(sd_bus_message_close_container(reply));
	must(sd_bus_message_open_container(reply, 'a', "a{sv}"));
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	append_aimd(reply);
	append_entry(reply, KEY_METRICS_SINCE, "t", ATTACHED_USEC + 5);
	append_entry(reply, KEY_METRICS_RESTARTS, "a(st)", 1, "link-detached", UINT64_C(2));
	append_entry(reply, KEY_METRICS_EXITS, "a(it)", 1, 1026, UINT64_C(1));
	append_entry(reply, KEY_METRICS_LOAD, "(tt)", UINT64_C(2), UINT64_C(1500000));
	must(sd_bus_message_close_container(reply));
	must(sd_bus_message_close_container(reply));
	return sd_bus_message_send(reply);
}

#define METHOD(name, in, out, handler) \
	SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	METHOD(METHOD_LIST, NULL, SIGNATURE_ROWS, on_list),
	METHOD(METHOD_FOREIGN, NULL, SIGNATURE_ROWS, on_foreign),
	METHOD(METHOD_STATUS, "as", SIGNATURE_ROWS, on_status),
	METHOD(METHOD_ATTACH, "sb", SIGNATURE_VERDICT, on_change),
	METHOD(METHOD_DETACH, "sb", SIGNATURE_VERDICT, on_change),
	METHOD(METHOD_RESTART, "sb", SIGNATURE_VERDICT, on_change),
	METHOD(METHOD_SWITCH, "stb", SIGNATURE_VERDICT, on_switch),
	METHOD(METHOD_SWITCH_BACK, "sb", SIGNATURE_VERDICT, on_change),
	METHOD(METHOD_RESET_FAILED, "s", SIGNATURE_VERDICT, on_reset_failed),
	METHOD(METHOD_RELOAD, "b", SIGNATURE_RELOAD, on_reload),
	METHOD(METHOD_CAT, "s", SIGNATURE_FILES, on_cat),
	METHOD(METHOD_FOLLOW, "tt", SIGNATURE_EVENTS, on_follow),
	METHOD(METHOD_METRICS, NULL, SIGNATURE_METRICS, on_metrics),
	METHOD(METHOD_SUBSCRIBE, NULL, NULL, on_subscribe),
	SD_BUS_SIGNAL(SIGNAL_EVENT, SIGNATURE_EVENT, 0),
	SD_BUS_VTABLE_END,
};

static void serve_bus(sd_event *event, int fd, enum fake_manner *manner)
{
	sd_bus *bus;
	sd_id128_t id;

	must(sd_id128_randomize(&id));
	must(sd_bus_new(&bus));
	must(sd_bus_set_fd(bus, fd, fd));
	must(sd_bus_set_server(bus, 1, id));
	must(sd_bus_set_anonymous(bus, false));
	must(sd_bus_start(bus));
	if (*manner != FAKE_IS_FOREIGN)
		must(sd_bus_add_object_vtable(bus, NULL, PROTOCOL_PATH, PROTOCOL_INTERFACE, vtable,
					      manner));
	/* The bus lives as long as the process: a fake may leak. */
	must(sd_bus_attach_event(bus, event, 0));
}

static int on_connection(sd_event_source *s, int listener, uint32_t revents, void *userdata)
{
	static const char noise[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
	enum fake_manner *manner = userdata;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	must(fd < 0 ? -errno : 0);
	if (*manner == FAKE_REFUSES)
		close(fd);
	else if (*manner == FAKE_BABBLES)
		must(write(fd, noise, sizeof(noise)) < 0 ? -errno : 0);
	else if (*manner != FAKE_IS_SILENT)
		serve_bus(sd_event_source_get_event(s), fd, manner);
	return 0;
}

static void serve(int listener, enum fake_manner manner)
{
	sd_event *event;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(sd_event_new(&event));
	must(sd_event_add_io(event, NULL, listener, 1 /* EPOLLIN */, on_connection, &manner));
	must(sd_event_loop(event));
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd < 0 ? -errno : 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	must(bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0);
	must(listen(fd, 16) < 0 ? -errno : 0);
	return fd;
}

struct fake_server *fake_server_start(enum fake_manner manner)
{
	struct fake_server *server = calloc(1, sizeof(*server));
	int listener;

	server->folder = strdup("/tmp/structopsctl-test-XXXXXX");
	must(mkdtemp(server->folder) ? 0 : -errno);
	must(asprintf(&server->socket, "%s/bus", server->folder) < 0 ? -ENOMEM : 0);
	listener = listen_on(server->socket);
	server->pid = fork();
	must(server->pid < 0 ? -errno : 0);
	if (server->pid == 0) {
		serve(listener, manner);
		_exit(0);
	}
	close(listener);
	return server;
}

void fake_server_stop(struct fake_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	unlink(server->socket);
	rmdir(server->folder);
	free(server->socket);
	free(server->folder);
	free(server);
}
