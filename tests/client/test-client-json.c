/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema 1, key by key: what stands here is a contract with other people's programs. */
#include <jansson.h>

#include "client/json.h"
#include "tests/unit/test.h"

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
	"\"next_attempt_usec\":null,\"fallback\":null"

struct capture {
	FILE *file;
	char *text;
	size_t size;
};

static FILE *capture_open(struct capture *c)
{
	c->file = open_memstream(&c->text, &c->size);
	assert_non_null(c->file);
	return c->file;
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

/* The same JSON, whatever its blanks. */
static void assert_captured(struct capture *c, const char *wanted)
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
		.digest = "of status only",
	};
	struct policy_rows rows = {&row, 1};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows), 0);
	assert_captured(&c, "{\"schema\":1,\"policies\":[{\"name\":\"aimd\",\"description\":\"d\","
			    "\"enabled\":true,\"state\":\"attached\",\"reason\":\"boot\","
			    "\"detail\":\"x\",\"type\":\"t\",\"map\":\"m\",\"map_id\":1,"
			    "\"link_id\":2,\"object\":\"/o\",\"attached_usec\":3,\"restarts\":4,"
			    "\"next_attempt_usec\":5,\"fallback\":\"f\"}]}");
}

static void what_does_not_apply_is_null(void **state)
{
	struct policy_row rows_of[] = {bare};
	struct policy_rows rows = {rows_of, 1};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows), 0);
	assert_captured(&c, "{\"schema\":1,\"policies\":[{" BARE_KEYS "}]}");
}

static void no_policies_are_an_empty_array(void **state)
{
	struct policy_rows rows = {0};
	struct capture c;

	assert_int_equal(json_list(capture_open(&c), &rows), 0);
	assert_captured(&c, "{\"schema\":1,\"policies\":[]}");
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
	row.notes = notes;
	row.files = files;
	row.n_fields = row.n_programs = row.n_files = 2;
	row.n_notes = row.n_events = 1;
	row.events = events;
	row.digest = "abc";
	row.watch = "w";
	row.attach_usec = 21000;
	row.verifier_log = "a\nb\n";
	assert_int_equal(json_status(capture_open(&c), &rows), 0);
	assert_captured(
		&c,
		"{\"schema\":1,\"policies\":[{" BARE_KEYS ",\"fields\":["
		"{\"member\":\"cwnd_event\",\"wanted\":\"\",\"actual\":\"\"},"
		"{\"member\":\"flags\",\"wanted\":\"5\",\"actual\":null}],"
		"\"programs\":[{\"member\":\"cong_avoid\",\"name\":\"aimd_cong_avoid\",\"id\":34},"
		"{\"member\":\"init\",\"name\":\"i\",\"id\":null}],"
		"\"events\":[" EVENT_JSON "],\"notes\":[\"note\"],\"files\":[\"/a\",\"/b\"],"
		"\"digest\":\"abc\",\"watch\":\"w\",\"attach_usec\":21000,"
		"\"verifier_log\":\"a\\nb\\n\"}]}");
}

static void status_without_anything_has_empty_arrays(void **state)
{
	struct policy_row rows_of[] = {bare};
	struct policy_rows rows = {rows_of, 1};
	struct capture c;

	assert_int_equal(json_status(capture_open(&c), &rows), 0);
	assert_captured(&c, "{\"schema\":1,\"policies\":[{" BARE_KEYS
			    ",\"fields\":[],\"programs\":[],\"events\":[],\"notes\":[],"
			    "\"files\":[],\"digest\":null,\"watch\":null,\"attach_usec\":null}]}");
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
	assert_captured(&c, "{\"schema\":1,\"results\":["
			    "{\"name\":\"a\",\"done\":true,\"detail\":\"attached\"},"
			    "{\"name\":null,\"done\":false,\"detail\":\"f:1: wrong\"}]}");
	assert_int_equal(json_files(capture_open(&c), "a", files, 1), 0);
	assert_captured(&c, "{\"schema\":1,\"name\":\"a\",\"files\":["
			    "{\"path\":\"/p\",\"content\":\"[Policy]\\n\"}]}");
}

static void a_full_file_is_an_error(void **state)
{
	struct policy_rows rows = {0};
	FILE *full = fopen("/dev/full", "w");

	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_list(full, &rows), -EIO);
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
		cmocka_unit_test(an_event_is_one_line_at_once),
		cmocka_unit_test(results_and_files),
		cmocka_unit_test(a_full_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
