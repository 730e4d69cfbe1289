/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each verb prints, where, and what it exits with, when the daemon answers. */
#include <jansson.h>
#include <poll.h>
#include <signal.h>

#include "tests/client/run-client.h"

FAKE_SERVER(answering, FAKE_ANSWERS)
FAKE_SERVER(having_more, FAKE_HAS_MORE)
FAKE_SERVER(letting_view, FAKE_LETS_VIEW)
FAKE_SERVER(raving, FAKE_RAVES)
FAKE_SERVER(finding, FAKE_FINDS_ERRORS)

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (!json)
		fail_msg("not JSON: %s\n%s", error.text, text);
	return json;
}

static void list_is_the_default_verb(void **state)
{
	struct run with = run_client(state, "list"), without = run_client(state, "");

	assert_int_equal(with.status, 0);
	assert_string_equal(with.err, "");
	assert_string_equal(with.out, without.out);
	assert_contains(with.out, "● aimd    attached                 tcp_congestion_ops  aimd  7");
	assert_contains(with.out, "● gentle  failed (load-failed)");
	assert_contains(with.out, "● late    waiting (attach-failed)");
	assert_contains(with.out, "  next now  "); /* how wide that column is depends on the date */
	assert_contains(with.out, "  4         -\n");
	assert_contains(with.out, "\n3 policies: 1 attached, 1 waiting, 1 failed.\n");
	assert_lacks(with.out, "\033");
}

static void assert_keys(const json_t *object, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!json_object_get(object, keys[i]))
			fail_msg("key '%s' is missing", keys[i]);
	assert_int_equal(json_object_size(object), n);
}

/* The contract of design.md section 5, with the protocol between. */
static void list_json_is_schema_1(void **state)
{
	static const char *const keys[] = {"name",          "description",
					   "enabled",       "state",
					   "reason",        "detail",
					   "type",          "map",
					   "map_id",        "link_id",
					   "object",        "attached_usec",
					   "restarts",      "next_attempt_usec",
					   "fallback",      "template",
					   "instances",     "device",
					   "switched_from", "switch_ends_usec",
					   "disagreements"};
	struct run run = run_client(state, "--json list");
	json_auto_t *root = parse(run.out);
	json_t *policies, *aimd, *gentle;

	assert_int_equal(run.status, 0);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	policies = json_object_get(root, "policies");
	assert_int_equal(json_array_size(policies), 3);
	for (size_t i = 0; i < 3; i++)
		assert_keys(json_array_get(policies, i), keys, ARRAY_SIZE(keys));

	aimd = json_array_get(policies, 0);
	assert_string_equal(json_string_value(json_object_get(aimd, "name")), "aimd");
	assert_true(json_is_true(json_object_get(aimd, "enabled")));
	assert_int_equal(json_integer_value(json_object_get(aimd, "link_id")), 7);
	assert_int_equal(json_integer_value(json_object_get(aimd, "attached_usec")),
			 1700000000000000);
	assert_true(json_is_null(json_object_get(aimd, "next_attempt_usec")));

	gentle = json_array_get(policies, 1);
	assert_true(json_is_false(json_object_get(gentle, "enabled")));
	assert_true(json_is_null(json_object_get(gentle, "description")));
	assert_true(json_is_null(json_object_get(gentle, "map_id")));
	assert_true(json_is_null(json_object_get(gentle, "attached_usec")));
	assert_int_equal(json_integer_value(json_object_get(gentle, "restarts")), 0);
}

static void status_tells_all(void **state)
{
	struct run run = run_client(state, "status aimd");

	assert_int_equal(run.status, 0);
	assert_contains(run.out,
			"● aimd - Reno with a gentler cut\n"
			"      State: attached (boot) since Tue 2023-11-14 22:13:20 UTC; ");
	assert_contains(run.out, "             sha256 9f86d081\n");
	assert_contains(run.out, "       Link: id 7 (loaded and attached in 21ms)\n");
	assert_contains(run.out, "             flags   5         1          differs\n"
				 "             limits  9         (unknown)\n");
	assert_contains(run.out, "             cong_avoid  aimd_cong_avoid  34\n");
	assert_contains(run.out, "    Used by: 3 sockets, namespaces or qdiscs besides its link\n"
				 " Default of: this network namespace (before: cubic)\n");
	assert_contains(run.out, "    2023-11-14 22:13:20.000000  waiting → attached  link-detached"
				 "  linked again in 180us\n");
}

static void status_exits_by_what_was_named(void **state)
{
	struct run run;

	assert_int_equal(run_client(state, "status").status, 0);
	assert_int_equal(run_client(state, "status gentle").status, 3);
	assert_int_equal(run_client(state, "status aimd late").status, 3);

	run = run_client(state, "status nobody gentle aimd");
	assert_int_equal(run.status, 4);
	assert_string_equal(run.err, "structopsctl: nobody: there is no policy 'nobody'\n");
	assert_contains(run.out, "● gentle\n");
	assert_contains(run.out, "● aimd - ");
	assert_contains(run.out, "    invalid mem access 'scalar'\n");
}

static void status_json_adds_its_keys(void **state)
{
	static const char *const added[] = {"fields",      "programs", "events",   "notes",
					    "files",       "digest",   "watch",    "kept",
					    "attach_usec", "users",    "defaults", "exit"};
	struct run run = run_client(state, "status --json");
	json_auto_t *root = parse(run.out);
	json_t *policies = json_object_get(root, "policies");
	json_t *aimd = json_array_get(policies, 0), *event;

	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < ARRAY_SIZE(added); k++)
			assert_non_null(json_object_get(json_array_get(policies, i), added[k]));
	assert_int_equal(json_array_size(json_object_get(aimd, "fields")), 3);
	event = json_array_get(json_object_get(aimd, "events"), 0);
	assert_int_equal(json_integer_value(json_object_get(event, "seq")), 41);
	assert_int_equal(json_integer_value(json_object_get(event, "link_id")), 8);
	assert_null(json_object_get(aimd, "verifier_log"));
	assert_non_null(json_object_get(json_array_get(policies, 1), "verifier_log"));
}

static void list_all_adds_what_others_have(void **state)
{
	struct run list = run_client(state, "list"), all = run_client(state, "list --all");

	assert_int_equal(all.status, 0);
	assert_string_equal(all.err, "");
	assert_lacks(list.out, "others");
	assert_true(strncmp(all.out, list.out, strlen(list.out)) == 0);
	assert_string_equal(
		all.out + strlen(list.out),
		"\n"
		"Attached by others:\n"
		"  TYPE                MAP         MAP-ID  LINK  HELD BY\n"
		"  tcp_congestion_ops  bpf_theirs  31      17    bpftool[4711]\n"
		"                                                pin /sys/fs/bpf/theirs\n"
		"  -                   -           32      -     -\n");
	assert_string_equal(run_client(state, "-a").out, all.out);
}

static void list_all_in_json(void **state)
{
	static const char *const keys[] = {"type", "map", "map_id", "link_id", "holders"};
	struct run list = run_client(state, "list --json"),
		   all = run_client(state, "list --json --all");
	json_auto_t *without = parse(list.out), *with = parse(all.out);
	json_t *foreign = json_object_get(with, "foreign");

	assert_int_equal(all.status, 0);
	assert_null(json_object_get(without, "foreign"));
	assert_true(json_equal(json_object_get(without, "policies"),
			       json_object_get(with, "policies")));
	assert_int_equal(json_array_size(foreign), 2);
	assert_keys(json_array_get(foreign, 0), keys, ARRAY_SIZE(keys));
	assert_keys(json_array_get(foreign, 1), keys, ARRAY_SIZE(keys));
}

static void who_may_only_view_gets_the_first_part(void **state)
{
	struct run list = run_client(state, "list"), all = run_client(state, "list --all"),
		   json = run_client(state, "list --all --json");
	json_auto_t *root = parse(json.out);

	assert_int_equal(all.status, 5);
	assert_string_equal(all.err, "structopsctl: what others have attached: managing is for "
				     "root and for ManageGroup=\n");
	assert_string_equal(all.out, list.out);

	assert_int_equal(json.status, 5);
	assert_string_equal(json.err, all.err);
	assert_int_equal(json_array_size(json_object_get(root, "policies")), 3);
	assert_true(json_is_null(json_object_get(root, "foreign")));
}

static void half_an_answer_is_none(void **state)
{
	struct run run = run_client(state, "list --all --json");
	json_auto_t *root = parse(run.out);

	assert_int_equal(run.status, 1);
	assert_contains(run.err, "the daemon's answer cannot be read");
	assert_int_equal(json_array_size(json_object_get(root, "policies")), 3);
	assert_true(json_is_null(json_object_get(root, "foreign")));
}

static void status_exits_3_where_the_kernel_disagrees(void **state)
{
	struct run run = run_client(state, "status sched");

	assert_int_equal(run.status, 3);
	assert_contains(run.out, "      State: attached (kernel-exit)\n"
				 "Kernel says: the scheduler that runs is \"other\"\n");
	assert_contains(run.out,
			"  Last exit: unregistered from the main kernel (kind 66, UNREG_KERN)\n"
			"             cpu 1 going offline\n"
			"             code 0x1000100000000 (ACT_RESTART, RSN_HOTPLUG)\n"
			"             /run/structopsd/exits/sched\n");
	assert_int_equal(run_client(state, "status aimd").status, 0);
	assert_int_equal(run_client(state, "status aimd sched").status, 3);
	assert_int_equal(run_client(state, "status --json sched").status, 3);
	assert_int_equal(run_client(state, "status").status, 0);
}

static void a_template_is_what_its_instances_are(void **state)
{
	struct run run = run_client(state, "status keys");

	assert_int_equal(run.status, 0);
	assert_contains(run.out, "  Instances: 2\n"
				 "             keys@0003-1209-0001.0001  attached\n"
				 "             keys@0003-1209-0001.0002  updating\n");
	assert_int_equal(run_client(state, "status mice").status, 3);
	assert_int_equal(run_client(state, "status pads").status, 3);
	assert_int_equal(run_client(state, "status keys pads").status, 3);
	assert_int_equal(run_client(state, "status --json keys").status, 0);
	assert_int_equal(run_client(state, "status keys@0003-1209-0001.0002").status, 0);
	assert_contains(run_client(state, "status").out,
			"             pads@0005-054C-09CC.0003  failed (device-gone)\n");
}

static void templates_in_json(void **state)
{
	struct run run = run_client(state, "status --json keys keys@0003-1209-0001.0001 mice aimd");
	json_auto_t *root = parse(run.out);
	json_t *policies = json_object_get(root, "policies");
	json_t *keys = json_array_get(policies, 0), *instance = json_array_get(policies, 1);
	json_t *mice = json_array_get(policies, 2), *aimd = json_array_get(policies, 3);

	assert_int_equal(json_integer_value(json_object_get(keys, "instances")), 2);
	assert_true(json_is_null(json_object_get(keys, "template")));
	assert_true(json_is_null(json_object_get(instance, "instances")));
	assert_string_equal(json_string_value(json_object_get(instance, "template")), "keys");
	assert_string_equal(json_string_value(json_object_get(instance, "device")),
			    "/devices/virtual/misc/uhid/0003:1209:0001.0001");
	/* 0 is an answer, and another one than null. */
	assert_true(json_is_integer(json_object_get(mice, "instances")));
	assert_true(json_is_integer(json_object_get(mice, "users")));
	assert_true(json_is_null(json_object_get(instance, "users")));
	assert_true(json_is_null(json_object_get(aimd, "instances")));
	assert_true(json_is_null(json_object_get(aimd, "exit")));
	assert_int_equal(json_array_size(json_object_get(aimd, "defaults")), 2);
}

static void disagreements_in_json(void **state)
{
	struct run run = run_client(state, "list --json");
	json_auto_t *root = parse(run.out);
	json_t *policies = json_object_get(root, "policies"), *policy;
	size_t i;

	json_array_foreach(policies, i, policy)
	{
		bool is_sched = streq(json_string_value(json_object_get(policy, "name")), "sched");
		json_t *disagreements = json_object_get(policy, "disagreements");

		assert_true(json_is_array(disagreements));
		assert_int_equal(json_array_size(disagreements), is_sched ? 1 : 0);
	}
}

static void changing_verbs_say_the_outcome(void **state)
{
	static const char *const verbs[] = {"attach", "detach", "restart"};
	char arguments[64];

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct run run;

		snprintf(arguments, sizeof(arguments), "%s aimd gentle late", verbs[i]);
		run = run_client(state, arguments);
		assert_int_equal(run.status, 1);
		assert_string_equal(run.out, "aimd: done as link 7\nlate: done as link 7\n");
		assert_string_equal(run.err, "gentle: the verifier refused the program\n");

		snprintf(arguments, sizeof(arguments), "%s --no-wait gentle", verbs[i]);
		run = run_client(state, arguments);
		assert_int_equal(run.status, 0);
		assert_string_equal(run.out, "gentle: asked for\n");
	}
	assert_string_equal(run_client(state, "reset-failed gentle").out, "gentle: reset\n");
}

static void switch_says_the_outcome(void **state)
{
	struct run run = run_client(state, "switch aimd");

	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "aimd: in place of late for good\n");
	assert_string_equal(run_client(state, "switch --for 1.5h aimd").out,
			    "aimd: in place of late for 5400000000\n");
	assert_string_equal(run_client(state, "switch aimd --until-restart").out,
			    "aimd: in place of late until a restart\n");
	assert_string_equal(run_client(state, "switch --back aimd").out, "aimd: done as link 7\n");
	run = run_client(state, "switch gentle");
	assert_int_equal(run.status, 1);
	assert_string_equal(run.err, "gentle: the verifier refused the program\n");
	assert_int_equal(run_client(state, "switch nobody").status, 4);
	assert_string_equal(run_client(state, "switch --no-wait gentle").out,
			    "gentle: asked for\n");
}

static void switch_in_json(void **state)
{
	struct run run = run_client(state, "switch --json gentle");
	json_auto_t *root = parse(run.out);
	json_t *line = json_array_get(json_object_get(root, "results"), 0);

	assert_int_equal(run.status, 1);
	assert_string_equal(json_string_value(json_object_get(line, "name")), "gentle");
	assert_true(json_is_false(json_object_get(line, "done")));
}

static void switch_has_one_end(void **state)
{
	static const char *const wrong[] = {"switch --back --for 2h aimd",
					    "switch --until-restart --for 2h aimd",
					    "switch --for soon aimd",
					    "switch --for 0 aimd",
					    "switch --for infinity aimd",
					    "switch",
					    "switch aimd late",
					    "restart --back aimd",
					    "attach --for 2h aimd"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(run_client(state, wrong[i]).status, 2);
}

static void the_gravest_outcome_counts(void **state)
{
	struct run run = run_client(state, "attach nobody aimd");

	assert_int_equal(run.status, 4);
	assert_string_equal(run.out, "aimd: done as link 7\n");
	assert_string_equal(run.err, "nobody: there is no policy 'nobody'\n");
	assert_int_equal(run_client(state, "attach nobody gentle aimd").status, 1);
}

static void changing_verbs_in_json(void **state)
{
	struct run run = run_client(state, "attach --json aimd nobody");
	json_auto_t *root = parse(run.out);
	json_t *results = json_object_get(root, "results");
	json_t *first = json_array_get(results, 0), *second = json_array_get(results, 1);

	assert_int_equal(run.status, 4);
	assert_string_equal(run.err, "");
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "aimd");
	assert_true(json_is_true(json_object_get(first, "done")));
	assert_true(json_is_false(json_object_get(second, "done")));
	assert_string_equal(json_string_value(json_object_get(second, "detail")),
			    "there is no policy 'nobody'");
}

static void reload_says_what_became_of_each(void **state)
{
	struct run run = run_client(state, "reload");

	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "aimd: updated\nlate: removed\n");

	run = run_client(state, "reload --no-wait");
	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "The reload was asked for.\n");
}

static void reload_of_a_wrong_file(void **state)
{
	struct run run = run_client(state, "reload");

	assert_int_equal(run.status, 1);
	assert_string_equal(run.out, "");
	assert_string_equal(run.err, "/etc/a.policy:3: [Policy] Colour: unknown key\n");
}

static void reload_of_a_wrong_file_in_json(void **state)
{
	struct run run = run_client(state, "reload --json");
	json_auto_t *root = parse(run.out);
	json_t *line = json_array_get(json_object_get(root, "results"), 0);

	assert_int_equal(run.status, 1);
	assert_true(json_is_null(json_object_get(line, "name")));
	assert_true(json_is_false(json_object_get(line, "done")));
}

static void cat_heads_each_file(void **state)
{
	struct run run = run_client(state, "cat aimd");

	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "# /etc/a.policy\n[Policy]\nEnabled=no\n\n"
				     "# /run/a.policy.d/1.conf\n[Policy]\n");
	assert_int_equal(run_client(state, "cat nobody").status, 4);
}

static void cat_in_json(void **state)
{
	struct run run = run_client(state, "cat --json aimd");
	json_auto_t *root = parse(run.out);
	json_t *file = json_array_get(json_object_get(root, "files"), 1);

	assert_string_equal(json_string_value(json_object_get(root, "name")), "aimd");
	assert_string_equal(json_string_value(json_object_get(file, "content")), "[Policy]");
}

/* Starts monitor, and returns its first line as soon as it is there. */
static pid_t start_monitor(struct fake_server *server, bool json, char line[OUTPUT_MAX])
{
	const char *argv[] = {"structopsctl",         "--socket", server->socket, "monitor",
			      json ? "--json" : NULL, NULL};
	int pipe_fds[2];
	struct pollfd p;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = start_client(argv, pipe_fds[1], STDERR_FILENO, 0);
	close(pipe_fds[1]);
	p = (struct pollfd){.fd = pipe_fds[0], .events = POLLIN};
	assert_int_equal(poll(&p, 1, 5000), 1);
	n = read(pipe_fds[0], line, OUTPUT_MAX - 1);
	assert_true(n > 0);
	line[n] = '\0';
	close(pipe_fds[0]);
	return pid;
}

static void monitor_prints_at_once_and_ends_on_sigterm(void **state)
{
	char line[OUTPUT_MAX];
	pid_t pid = start_monitor(*state, false, line);

	assert_string_equal(line, "2023-11-14 22:13:20.000000 aimd: waiting → attached "
				  "(link-detached) linked again in 180us [link 8]\n");
	kill(pid, SIGTERM);
	assert_int_equal(wait_for(pid), 0);
}

static void monitor_json_is_a_line_an_event(void **state)
{
	static const char *const keys[] = {"seq", "time_usec", "monotonic_usec", "policy", "from",
					   "to",  "reason",    "detail",         "link_id"};
	char line[OUTPUT_MAX];
	pid_t pid = start_monitor(*state, true, line);
	json_auto_t *event = parse(line);

	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_keys(event, keys, ARRAY_SIZE(keys));
	assert_int_equal(json_integer_value(json_object_get(event, "monotonic_usec")), 5000000);
	kill(pid, SIGINT);
	assert_int_equal(wait_for(pid), 0);
}

static void usage_errors_exit_2(void **state)
{
	static const struct {
		const char *arguments, *message;
	} cases[] = {
		{"stauts", "there is no verb 'stauts'; did you mean 'status'?"},
		{"reset_failed aimd", "did you mean 'reset-failed'?"},
		{"lst", "did you mean 'list'?"},
		{"stat", "did you mean 'status'?"},
		{"re", "there is no verb 're'\n"},
		{"frobnicate", "there is no verb 'frobnicate'\n"},
		{"list aimd", "'list' takes no name: structopsctl list\n"},
		{"attach", "'attach' takes at least one name"},
		{"cat a b", "'cat' takes one name"},
		{"--no-wait list", "--no-wait says nothing to 'list'"},
		{"--all status", "--all says nothing to 'status'"},
		{"--colour list", "structopsctl: unrecognized option"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run run = run_client_as(0, "/nowhere", cases[i].arguments);

		assert_int_equal(run.status, 2);
		assert_contains(run.err, cases[i].message);
	}
}

static void help_names_every_verb(void **state)
{
	static const char *const verbs[] = {"list",         "status", "attach", "detach", "restart",
					    "reset-failed", "reload", "cat",    "monitor"};
	struct run run = run_client_as(0, "/nowhere", "--help");

	assert_int_equal(run.status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		assert_contains(run.out, verbs[i]);
	assert_string_equal(run_client_as(0, "/nowhere", "--version").out,
			    "structopsctl " STRUCTOPSD_VERSION "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(answering, list_is_the_default_verb),
		WITH(answering, list_json_is_schema_1),
		WITH(answering, status_tells_all),
		WITH(answering, status_exits_by_what_was_named),
		WITH(answering, status_json_adds_its_keys),
		WITH(having_more, list_all_adds_what_others_have),
		WITH(having_more, list_all_in_json),
		WITH(letting_view, who_may_only_view_gets_the_first_part),
		WITH(raving, half_an_answer_is_none),
		WITH(having_more, status_exits_3_where_the_kernel_disagrees),
		WITH(having_more, a_template_is_what_its_instances_are),
		WITH(having_more, templates_in_json),
		WITH(having_more, disagreements_in_json),
		WITH(answering, changing_verbs_say_the_outcome),
		WITH(answering, the_gravest_outcome_counts),
		WITH(answering, switch_says_the_outcome),
		WITH(answering, switch_in_json),
		WITH(answering, switch_has_one_end),
		WITH(answering, changing_verbs_in_json),
		WITH(answering, reload_says_what_became_of_each),
		WITH(finding, reload_of_a_wrong_file),
		WITH(finding, reload_of_a_wrong_file_in_json),
		WITH(answering, cat_heads_each_file),
		WITH(answering, cat_in_json),
		WITH(answering, monitor_prints_at_once_and_ends_on_sigterm),
		WITH(answering, monitor_json_is_a_line_an_event),
		cmocka_unit_test(usage_errors_exit_2),
		cmocka_unit_test(help_names_every_verb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
