/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema 1, key by key: what stands here is a contract with other people's programs. */
#include <jansson.h>

#include "client/json.h"
#include "tests/client/capture.h"

static const struct row_event event = {
	.seq = 41,
	.time_usec = 1700000000000000,
	.monotonic_usec = 5000000,
	.policy = "aimd",
	.from = "waiting",
	.to = "attached",
	.reason = "link-detached",
	.detail = "linked \"again\"",
	.link_id = 8,
};
#define EVENT_JSON                                                               \
	"{\"seq\":41,\"time_usec\":1700000000000000,\"monotonic_usec\":5000000," \
	"\"policy\":\"aimd\",\"from\":\"waiting\",\"to\":\"attached\","          \
	"\"reason\":\"link-detached\",\"detail\":\"linked \\\"again\\\"\",\"link_id\":8}\n"

static const struct policy_row bare = {.name = "bare", .state = "invalid"};
#define BARE_KEYS                                                                         \
	"\"name\":\"bare\",\"description\":null,\"enabled\":false,\"state\":\"invalid\"," \
	"\"reason\":null,\"detail\":null,\"type\":null,\"map\":null,\"map_id\":null,"     \
	"\"link_id\":null,\"object\":null,\"attached_usec\":null,\"restarts\":0,"         \
	"\"next_attempt_usec\":null,\"fallback\":null,\"template\":null,"                 \
	"\"instances\":null,\"device\":null,\"switched_from\":null,"                      \
	"\"switch_ends_usec\":null,\"disagreements\":[]"
#define BARE_STATUS_KEYS "\"users\":null,\"defaults\":[],\"exit\":null"

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

/* The same JSON, whatever its blanks. */
static void assert_captured_json(struct capture *c, const char *wanted)
{
	json_auto_t *have_json = NULL, *wanted_json = parse(wanted);

	fclose(c->file);
	have_json = parse(c->text);
	if (!json_equal(have_json, wanted_json))
		fail_msg("is:\n%s\nshould be:\n%s", c->text, wanted);
	free(c->text);
}

static void list_has_every_key(void **state)
{
	const char *disagreements[] = {"no", "never"};
	struct policy_row row = {
		.name = "aimd",
		.state = "attached",
		.reason = "boot",
		.description = "d",
		.enabled = 1,
		.detail = "x",
		.type = "t",
		.map = "m",
		.map_id = 1,
		.link_id = 2,
		.object = "/o",
		.attached_usec = 3,
		.restarts = 4,
		.next_attempt_usec = 5,
		.fallback = "f",
		.template = "p",
		.is_template = true,
		.instances = 0,
		.device = "/d",
		.switched_from = "s",
		.goes_back = true,
		.disagreements = {disagreements, 2},
		.digest = "of status only",
	};
	struct policy_rows rows = {&row, 1};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows, NULL), 0);
	assert_captured_json(&c,
			     "{\"schema\":1,\"policies\":[{\"name\":\"aimd\",\"description\":\"d\","
			     "\"enabled\":true,\"state\":\"attached\",\"reason\":\"boot\","
			     "\"detail\":\"x\",\"type\":\"t\",\"map\":\"m\",\"map_id\":1,"
			     "\"link_id\":2,\"object\":\"/o\",\"attached_usec\":3,\"restarts\":4,"
			     "\"next_attempt_usec\":5,\"fallback\":\"f\",\"template\":\"p\","
			     "\"instances\":0,\"device\":\"/d\","
			     "\"switched_from\":\"s\",\"switch_ends_usec\":0,"
			     "\"disagreements\":[\"no\",\"never\"]}]}");
}

static void what_does_not_apply_is_null(void **state)
{
	struct policy_row rows_of[] = {bare};
	struct policy_rows rows = {rows_of, 1};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows, NULL), 0);
	assert_captured_json(&c, "{\"schema\":1,\"policies\":[{" BARE_KEYS "}]}");
}

static void no_policies_are_an_empty_array(void **state)
{
	struct policy_rows rows = {0};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows, NULL), 0);
	assert_captured_json(&c, "{\"schema\":1,\"policies\":[]}");
}

static void status_adds_its_keys(void **state)
{
	struct row_field fields[] = {{"cwnd_event", "", ""}, {"flags", "5", NULL}};
	struct row_program programs[] = {{"cong_avoid", "aimd_cong_avoid", 34}, {"init", "i", 0}};
	struct row_event events[] = {event};
	const char *notes[] = {"note"}, *files[] = {"/a", "/b"};
	struct policy_row row = bare;
	struct policy_rows rows = {&row, 1};
	struct capture c;

	row.fields = fields;
	row.programs = programs;
	row.notes = (struct texts){notes, 1};
	row.files = (struct texts){files, 2};
	row.n_fields = row.n_programs = 2;
	row.n_events = 1;
	row.events = events;
	row.digest = "abc";
	row.watch = "w";
	row.kept = "k";
	row.attach_usec = 21000;
	row.verifier_log = "a\nb\n";
	assert_int_equal(json_status(capture_open(&c), &rows), 0);
	assert_captured_json(
		&c,
		"{\"schema\":1,\"policies\":[{" BARE_KEYS ",\"fields\":["
		"{\"member\":\"cwnd_event\",\"wanted\":\"\",\"actual\":\"\"},"
		"{\"member\":\"flags\",\"wanted\":\"5\",\"actual\":null}],"
		"\"programs\":[{\"member\":\"cong_avoid\",\"name\":\"aimd_cong_avoid\",\"id\":34},"
		"{\"member\":\"init\",\"name\":\"i\",\"id\":null}],"
		"\"events\":[" EVENT_JSON "],\"notes\":[\"note\"],\"files\":[\"/a\",\"/b\"],"
		"\"digest\":\"abc\",\"watch\":\"w\",\"kept\":\"k\",\"attach_usec\":"
		"21000," BARE_STATUS_KEYS ","
		"\"verifier_log\":\"a\\nb\\n\"}]}");
}

static void status_without_anything_has_empty_arrays(void **state)
{
	struct policy_row rows_of[] = {bare};
	struct policy_rows rows = {rows_of, 1};
	struct capture c;

	assert_int_equal(json_status(capture_open(&c), &rows), 0);
	assert_captured_json(&c, "{\"schema\":1,\"policies\":[{" BARE_KEYS
				 ",\"fields\":[],\"programs\":[],\"events\":[],\"notes\":[],"
				 "\"files\":[],\"digest\":null,\"watch\":null,\"kept\":null,"
				 "\"attach_usec\":null," BARE_STATUS_KEYS "}]}");
}

static struct policy_row exited(const struct row_default *defaults, size_t n)
{
	struct policy_row row = bare;

	row.users_known = true;
	row.defaults = (struct row_default *)defaults;
	row.n_defaults = n;
	row.exit_kind = 1026;
	row.exit_code = INT64_C(0x1000100000000);
	row.exit_reason = "runnable task stall";
	row.exit_message = "victim[250] failed to run";
	row.exit_file = "/run/structopsd/exits/bare";
	return row;
}

static void status_has_users_defaults_and_the_last_exit(void **state)
{
	const struct row_default defaults[] = {{"", "cubic"}, {"/run/netns/blue", ""}};
	struct policy_row row = exited(defaults, 2);
	struct policy_rows rows = {&row, 1};
	struct capture c;
	json_auto_t *json = NULL;
	json_t *policy, *wanted;

	assert_int_equal(json_status(capture_open(&c), &rows), 0);
	fclose(c.file);
	json = parse(c.text);
	free(c.text);
	policy = json_array_get(json_object_get(json, "policies"), 0);
	wanted = parse("{\"users\":0,\"defaults\":[{\"netns\":null,\"before\":\"cubic\"},"
		       "{\"netns\":\"/run/netns/blue\",\"before\":null}],"
		       "\"exit\":{\"kind\":1026,\"code\":281479271677952,"
		       "\"reason\":\"runnable task stall\","
		       "\"message\":\"victim[250] failed to run\","
		       "\"file\":\"/run/structopsd/exits/bare\"}}");
	for (void *i = json_object_iter(wanted); i; i = json_object_iter_next(wanted, i))
		assert_true(json_equal(json_object_get(policy, json_object_iter_key(i)),
				       json_object_iter_value(i)));
	json_decref(wanted);
}

static void an_exit_may_say_little(void **state)
{
	struct policy_row row = bare;
	struct policy_rows rows = {&row, 1};
	struct capture c;
	json_auto_t *json = NULL, *wanted = NULL;

	row.exit_kind = 64;
	assert_int_equal(json_status(capture_open(&c), &rows), 0);
	fclose(c.file);
	json = parse(c.text);
	free(c.text);
	wanted = parse("{\"kind\":64,\"code\":0,\"reason\":null,\"message\":null,\"file\":null}");
	assert_true(json_equal(
		json_object_get(json_array_get(json_object_get(json, "policies"), 0), "exit"),
		wanted));
}

static void what_others_have_attached(void **state)
{
	const char *holders[] = {"bpftool[4711]", "pin /sys/fs/bpf/x"};
	struct foreign_row items[] = {
		{.type = "tcp_congestion_ops",
		 .map = "m",
		 .map_id = 31,
		 .link_id = 17,
		 .holders = {holders, 2}},
		{.map_id = 32},
	};
	struct foreign_rows foreign = {items, 2, true};
	struct policy_rows rows = {0};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows, &foreign), 0);
	assert_captured_json(
		&c, "{\"schema\":1,\"policies\":[],\"foreign\":["
		    "{\"type\":\"tcp_congestion_ops\",\"map\":\"m\",\"map_id\":31,\"link_id\":17,"
		    "\"holders\":[\"bpftool[4711]\",\"pin /sys/fs/bpf/x\"]},"
		    "{\"type\":null,\"map\":null,\"map_id\":32,\"link_id\":null,\"holders\":[]}]}");
}

/* Who may not know must not read that there is nothing. */
static void unknown_is_not_nothing(void **state)
{
	struct foreign_rows foreign = {.known = true};
	struct policy_rows rows = {0};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows, &foreign), 0);
	assert_captured_json(&c, "{\"schema\":1,\"policies\":[],\"foreign\":[]}");
	foreign.known = false;
	assert_int_equal(json_list(capture_open(&c), &rows, &foreign), 0);
	assert_captured_json(&c, "{\"schema\":1,\"policies\":[],\"foreign\":null}");
}

static void an_event_is_one_line_at_once(void **state)
{
	struct capture c;

	/* No flush here: a reader must not wait for the buffer to fill. */
	assert_int_equal(json_event(capture_open(&c), &event), 0);
	assert_string_equal(c.text, EVENT_JSON);
	fclose(c.file);
	free(c.text);
}

static void results_and_files(void **state)
{
	struct result results[] = {{"a", true, "attached"}, {"", false, "f:1: wrong"}};
	struct policy_file files[] = {{"/p", "[Policy]\n"}};
	struct capture c;

	assert_int_equal(json_results(capture_open(&c), results, 2), 0);
	assert_captured_json(&c, "{\"schema\":1,\"results\":["
				 "{\"name\":\"a\",\"done\":true,\"detail\":\"attached\"},"
				 "{\"name\":null,\"done\":false,\"detail\":\"f:1: wrong\"}]}");
	assert_int_equal(json_files(capture_open(&c), "a", files, 1), 0);
	assert_captured_json(&c, "{\"schema\":1,\"name\":\"a\",\"files\":["
				 "{\"path\":\"/p\",\"content\":\"[Policy]\\n\"}]}");
}

static void a_full_file_is_an_error(void **state)
{
	struct policy_rows rows = {0};
	FILE *full = fopen("/dev/full", "w");

	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_list(full, &rows, NULL), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_has_every_key),
		cmocka_unit_test(what_does_not_apply_is_null),
		cmocka_unit_test(no_policies_are_an_empty_array),
		cmocka_unit_test(status_adds_its_keys),
		cmocka_unit_test(status_without_anything_has_empty_arrays),
		cmocka_unit_test(status_has_users_defaults_and_the_last_exit),
		cmocka_unit_test(an_exit_may_say_little),
		cmocka_unit_test(what_others_have_attached),
		cmocka_unit_test(unknown_is_not_nothing),
		cmocka_unit_test(an_event_is_one_line_at_once),
		cmocka_unit_test(results_and_files),
		cmocka_unit_test(a_full_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
