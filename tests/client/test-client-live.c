/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What dump, top and doctor print of made-up models. */
#include "client/doctor-output.h"
#include "client/dump-output.h"
#include "client/top-view.h"
#include "tests/client/capture.h"

#define MSEC UINT64_C(1000000)
/* Nobody writes into it. */
#define TEXT(text) ((char *)(text))

static const struct style plain = STYLE_PLAIN;

/* A value of 40 bytes: count, state, an operator, a name, a nested struct. */
static uint8_t bytes[40] = {1, 0, 0, 0, 3, 0, 0, 0, 34, 0, 0, 0, 0, 0, 0, 0, 'g', 'e', 'n'};

static struct live_member members[] = {
	{.name = TEXT("cong_avoid"),
	 .type = TEXT("function pointer"),
	 .kind = TYPE_OPERATOR,
	 .offset = 8,
	 .size = 8,
	 .value = TEXT(""),
	 .program_id = 34,
	 .program = TEXT("gentle_cong_avoid")},
	{.name = TEXT("ssthresh"),
	 .type = TEXT("function pointer"),
	 .kind = TYPE_OPERATOR,
	 .offset = 16,
	 .size = 8,
	 .value = TEXT("")},
	{.name = TEXT("name"),
	 .type = TEXT("char[16]"),
	 .kind = TYPE_TEXT,
	 .offset = 16,
	 .size = 16,
	 .value = TEXT("gen")},
	{.name = TEXT("limits"),
	 .type = TEXT("struct limits"),
	 .kind = TYPE_STRUCT,
	 .offset = 32,
	 .size = 8,
	 .value = TEXT("{}")},
};

static struct live_map map = {
	.id = 12,
	.name = TEXT("aimd"),
	.type = TEXT("tcp_congestion_ops"),
	.state = TEXT("ready"),
	.references = 2,
	.value = bytes,
	.size = sizeof(bytes),
	.data_offset = 8,
	.members = members,
	.n_members = ARRAY_SIZE(members),
};

static struct dump_wanted wanted[] = {
	{"name", "gent", TEXT("gen")},
	{"limits.max[2]", "9", TEXT("0")},
	{"ssthresh", "", TEXT("")},
};

static void dump_of_a_policy(void **state)
{
	struct dump_view view = {.map = &map,
				 .policy = "storage",
				 .link_id = 7,
				 .wanted = wanted,
				 .n_wanted = ARRAY_SIZE(wanted)};
	struct capture c;

	assert_int_equal(text_dump(capture_open(&c), &plain, &view), 0);
	assert_captured(&c, "     Policy: storage\n"
			    "        Map: aimd (id 12)\n"
			    "       Link: id 7\n"
			    "       Type: tcp_congestion_ops of the kernel itself\n"
			    "      State: ready\n"
			    " References: 2\n"
			    "\n"
			    "  FIELD          TYPE           VALUE  WANTED\n"
			    "  name           char[16]       gen    gent\n"
			    "  limits         struct limits  {}\n"
			    "  limits.max[2]                 0      9\n"
			    "\n"
			    "  OPERATOR    ID  PROGRAM            WANTED\n"
			    "  cong_avoid  34  gentle_cong_avoid\n"
			    "  ssthresh    -   none               none\n"
			    "\n"
			    "  Not set: ssthresh\n");
}

static void dump_of_a_map_with_its_bytes(void **state)
{
	struct dump_view view = {.map = &map, .bytes = true};
	struct capture c;

	assert_int_equal(text_dump(capture_open(&c), &plain, &view), 0);
	assert_captured(
		&c,
		"        Map: aimd (id 12)\n"
		"       Type: tcp_congestion_ops of the kernel itself\n"
		"      State: ready\n"
		" References: 2\n"
		"\n"
		"  FIELD   TYPE           OFFSET  SIZE  BYTES                             VALUE\n"
		"  name    char[16]       16      16    67656e00000000000000000000000000  gen\n"
		"  limits  struct limits  32      8     0000000000000000                  {}\n"
		"\n"
		"  OPERATOR    ID  PROGRAM\n"
		"  cong_avoid  34  gentle_cong_avoid\n"
		"\n"
		"  Not set: ssthresh\n");
}

static const char *one_member[] = {"dispatch"};
static const char *two_members[] = {"enqueue", "init"};

static struct live_member name_of_fair[] = {{.name = TEXT("name"), .value = TEXT("fair")}};
static struct live_map scheduler = {.id = 20,
				    .name = TEXT("fair_ops"),
				    .type = TEXT("sched_ext_ops"),
				    .state = TEXT("ready"),
				    .members = name_of_fair,
				    .n_members = 1};

#define PROGRAMS(calls_a, nsec_a, calls_b, nsec_b, time)                                      \
	{                                                                                     \
		{.id = 51,                                                                    \
		 .name = "fair_dispatch",                                                     \
		 .members = one_member,                                                       \
		 .n_members = 1,                                                              \
		 .calls = (calls_a),                                                          \
		 .nsec = (nsec_a),                                                            \
		 .time_nsec = (time)},                                                        \
		{                                                                             \
			.id = 52, .members = two_members, .n_members = 2, .calls = (calls_b), \
			.nsec = (nsec_b), .time_nsec = (time)                                 \
		}                                                                             \
	}

static struct meter_program programs_then[] = PROGRAMS(100, 1000, 10, 10, 1000 * MSEC);
static struct meter_program programs_now[] = PROGRAMS(1100, 51000, 10, 10, 1500 * MSEC);

static struct meter_attachment attachments_then[] = {
	{.map_id = 20, .link_id = 8, .map = &scheduler, .programs = programs_then, .n_programs = 2},
};
/* One of nobody's, and one that has come since. */
static struct meter_attachment attachments_now[] = {
	{.map_id = 12, .map = &map},
	{.map_id = 20, .link_id = 8, .map = &scheduler, .programs = programs_now, .n_programs = 2},
};

static struct scx_event events_then[] = {{TEXT("SCX_EV_DISPATCH"), 4}, {TEXT("SCX_EV_NEVER"), 0}};
static struct scx_event events_now[] = {{TEXT("SCX_EV_DISPATCH"), 9}, {TEXT("SCX_EV_NEVER"), 0}};

static const struct meter_sample before = {
	.attachments = attachments_then,
	.n_attachments = 1,
	.scx = {.events = events_then, .n_events = 2},
	.time_nsec = 1000 * MSEC,
};
static const struct meter_sample now = {
	.attachments = attachments_now,
	.n_attachments = 2,
	.scx = {.state = TEXT("enabled"),
		.scheduler = TEXT("fair"),
		.events = events_now,
		.n_events = 2},
	.time_nsec = 1500 * MSEC,
};

static struct policy_row policies[] = {
	{.name = "a-broken", .state = "failed", .reason = "load-failed", .restarts = 5},
	{.name = "fair", .state = "attached", .map_id = 20, .restarts = 1},
};
static const struct policy_rows rows = {policies, ARRAY_SIZE(policies)};

static void top_puts_the_costly_first_and_the_dead_last(void **state)
{
	struct top_view view;
	struct capture c;

	assert_int_equal(top_view_make(&before, &now, &rows, &view), 0);
	view.time_usec = UINT64_C(1700000000) * 1000000;
	assert_int_equal(text_top(capture_open(&c), &plain, &view), 0);
	assert_captured(
		&c,
		"Tue 2023-11-14 22:13:20 UTC, 500ms: 2 attached; sched_ext enabled (fair)\n"
		"\n"
		"NAME               STATE                 RESTARTS    CALLS/S   AVERAGE      CPU  "
		"WHAT\n"
		"fair               attached              1            2000.0      50ns    0.01%  "
		"sched_ext_ops fair_ops, map 20, link 8\n"
		"  dispatch                                            2000.0      50ns    0.01%  "
		"fair_dispatch, program 51\n"
		"  enqueue, init                                          0.0         -    0.00%  "
		"?, program 52\n"
		"  SCX_EV_DISPATCH                                       10.0                     "
		"9 in all\n"
		"(no policy)        -                     -                 -         -        -  "
		"tcp_congestion_ops aimd, map 12\n"
		"a-broken           failed (load-failed)  5                 -         -        -  "
		"-\n");
	top_view_done(&view);
}

static void top_as_json(void **state)
{
	struct top_view view;
	struct capture c;

	assert_int_equal(top_view_make(&before, &now, &rows, &view), 0);
	view.problem = "nobody listens";
	assert_int_equal(json_top(capture_open(&c), &view), 0);
	fclose(c.file);
	assert_non_null(strstr(c.text, "\"interval_usec\":500000,\"daemon\":\"nobody listens\""));
	assert_non_null(strstr(c.text,
			       "{\"policy\":\"fair\",\"state\":\"attached\",\"restarts\":1,"
			       "\"type\":\"sched_ext_ops\",\"map\":\"fair_ops\",\"map_id\":20,"
			       "\"link_id\":8,\"calls_per_sec\":2000.0,"
			       "\"average_nsec\":50.0,"));
	assert_non_null(strstr(c.text,
			       "{\"members\":[\"enqueue\",\"init\"],\"name\":null,\"id\":52,"
			       "\"calls\":10,\"calls_per_sec\":0.0,\"average_nsec\":null,"));
	assert_non_null(
		strstr(c.text, "{\"name\":\"SCX_EV_DISPATCH\",\"count\":9,\"per_sec\":10.0}"));
	assert_non_null(strstr(c.text, "\"events\":null}"));
	assert_ptr_equal(strchr(c.text, '\n'), c.text + strlen(c.text) - 1);
	free(c.text);
	top_view_done(&view);
}

static const char *disagreement[] = {"the link is gone"};

static struct policy_row all_kinds[] = {
	{.name = "attached", .state = "attached"},
	{.name = "broken", .state = "failed", .reason = "load-failed", .detail = "no such file"},
	{.name = "keys", .state = "waiting", .is_template = true},
	{.name = "lost", .state = "attached", .disagreements = {disagreement, 1}},
	{.name = "off", .state = "inactive"},
	{.name = "stopped", .state = "inactive", .enabled = 1, .reason = "admin"},
	{.name = "typo", .state = "invalid", .detail = "typo.policy:3: unknown key"},
	{.name = "wait", .state = "waiting", .enabled = 1, .detail = "next attempt in 1s"},
};

static void doctor_judges_policies(void **state)
{
	static const struct policy_rows all = {all_kinds, ARRAY_SIZE(all_kinds)};
	struct findings f = {0};
	struct capture c;

	findings_add(&f, SEVERITY_OK, "kernel", "Linux 7.3");
	doctor_judge_policies(&f, &all);
	assert_int_equal(text_doctor(capture_open(&c), &plain, &f), 0);
	findings_done(&f);
	assert_captured(
		&c, "ok       kernel           Linux 7.3\n"
		    "ok       policy:attached  attached\n"
		    "error    policy:broken    failed: no such file\n"
		    "                          → structopsctl status broken tells more; "
		    "structopsctl restart broken tries again\n"
		    "note     policy:keys      a template that waits for its first device\n"
		    "error    policy:lost      attached, but the kernel says: the link is gone\n"
		    "                          → structopsctl restart lost\n"
		    "ok       policy:off       not enabled, and not attached\n"
		    "warning  policy:stopped   enabled, and not attached (admin)\n"
		    "                          → structopsctl attach stopped\n"
		    "error    policy:typo      invalid: typo.policy:3: unknown key\n"
		    "                          → mend the file, then: structopsctl reload\n"
		    "warning  policy:wait      waiting: next attempt in 1s\n"
		    "                          → structopsctl status wait tells what for\n"
		    "\n"
		    "3 errors, 2 warnings, 1 note.\n");
}

static void doctor_without_a_daemon_knows_names_only(void **state)
{
	char *files[] = {TEXT("a.policy"), TEXT("b.policy"), NULL},
	     *again[] = {TEXT("b.policy"), NULL};
	struct findings f = {0};
	struct capture c;

	doctor_list_policies(&f, files);
	doctor_list_policies(&f, again);
	assert_int_equal(json_doctor(capture_open(&c), &f), 0);
	findings_done(&f);
	assert_captured(&c, "{\n"
			    "  \"schema\": 1,\n"
			    "  \"fit\": true,\n"
			    "  \"checks\": [\n"
			    "    {\n"
			    "      \"id\": \"policy:a\",\n"
			    "      \"severity\": \"note\",\n"
			    "      \"text\": \"its state is not known: no daemon tells it\",\n"
			    "      \"remedy\": null\n"
			    "    },\n"
			    "    {\n"
			    "      \"id\": \"policy:b\",\n"
			    "      \"severity\": \"note\",\n"
			    "      \"text\": \"its state is not known: no daemon tells it\",\n"
			    "      \"remedy\": null\n"
			    "    }\n"
			    "  ]\n"
			    "}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_of_a_policy),
		cmocka_unit_test(dump_of_a_map_with_its_bytes),
		cmocka_unit_test(top_puts_the_costly_first_and_the_dead_last),
		cmocka_unit_test(top_as_json),
		cmocka_unit_test(doctor_judges_policies),
		cmocka_unit_test(doctor_without_a_daemon_knows_names_only),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
