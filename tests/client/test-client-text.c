/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows in, golden texts out; no daemon, no clock, no terminal. */
#include "client/table.h"
#include "client/text.h"
#include "tests/client/capture.h"

#define SEC UINT64_C(1000000)
#define NOW (UINT64_C(1700000000) * SEC)

static const struct style plain = STYLE_PLAIN;
static const struct style ascii = {0};
static const struct style coloured = {.utf8 = true, .colour = true};

static struct row_event event_of_gentle = {
	.seq = 3,
	.time_usec = NOW - 90 * SEC,
	.policy = "gentle",
	.from = "loading",
	.to = "failed",
	.reason = "load-failed",
	.detail = "the verifier refused it",
};

static struct policy_row sample[] = {
	{
		.name = "aimd",
		.state = "attached",
		.reason = "boot",
		.description = "Größer als nötig",
		.enabled = 1,
		.type = "tcp_congestion_ops",
		.map = "aimd",
		.map_id = 12,
		.link_id = 7,
		.attached_usec = NOW - 185 * SEC,
		.restarts = 2,
	},
	{
		.name = "gentle",
		.state = "failed",
		.reason = "load-failed",
		.detail = "the verifier refused it",
		.verifier_log = "0: r0 = 1\nR1 invalid mem access\n",
		.events = &event_of_gentle,
		.n_events = 1,
	},
	{.name = "off", .state = "inactive", .reason = "admin"},
	{
		.name = "late",
		.state = "waiting",
		.reason = "attach-failed",
		.next_attempt_usec = NOW + 1200000,
		.restarts = 4,
		.fallback = "aimd",
		.enabled = 1,
	},
	{.name = "new", .state = "hibernating"},
};

static void list_aligns_and_counts(void **state)
{
	struct policy_rows rows = {sample, ARRAY_SIZE(sample)};
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &plain, &rows, NOW), 0);
	assert_captured(&c, "  NAME    STATE                    TYPE                MAP   LINK  "
			    "SINCE         RESTARTS  DESCRIPTION\n"
			    "● aimd    attached                 tcp_congestion_ops  aimd  7     "
			    "3min ago      2         Größer als nötig\n"
			    "● gentle  failed (load-failed)     -                   -     -     -  "
			    "           0         -\n"
			    "○ off     inactive (admin)         -                   -     -     -  "
			    "           0         -\n"
			    "● late    waiting (attach-failed)  -                   -     -     "
			    "next in 1.2s  4         -\n"
			    "● new     hibernating              -                   -     -     -  "
			    "           0         -\n"
			    "\n"
			    "5 policies: 1 inactive, 1 attached, 1 waiting, 1 failed.\n");
}

static void status_says_in_whose_place(void **state)
{
	static const struct {
		struct policy_row row;
		const char *text;
	} cases[] = {
		{{.goes_back = false}, "In place of: off until somebody switches back\n"},
		{{.goes_back = true}, "In place of: off until the daemon starts anew\n"},
		{{.goes_back = true, .switch_ends_usec = NOW + 3600 * SEC}, "; in 1h\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_row row = cases[i].row;
		struct policy_rows rows = {&row, 1};
		struct capture c;

		row.name = "aimd";
		row.state = "attached";
		row.switched_from = "off";
		assert_int_equal(text_status(capture_open(&c), &plain, &rows, &rows, NOW), 0);
		fclose(c.file);
		assert_non_null(strstr(c.text, cases[i].text));
		free(c.text);
	}
}

static void list_of_nothing_tells_what_to_do(void **state)
{
	struct policy_rows rows = {0};
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &plain, &rows, NOW), 0);
	assert_captured(&c, "No policies. Write /etc/structopsd/policies.d/NAME.policy, then: "
			    "structopsctl reload\n");
}

static void list_cuts_to_the_terminal(void **state)
{
	struct style narrow = {.utf8 = true, .width = 82};
	struct policy_rows rows = {sample, 1};
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &narrow, &rows, NOW), 0);
	assert_captured(&c, "  NAME  STATE     TYPE                MAP   LINK  SINCE     RESTARTS  "
			    "DESCRIPTION\n"
			    "● aimd  attached  tcp_congestion_ops  aimd  7     3min ago  2         "
			    "Größer als …\n"
			    "\n1 policy: 1 attached.\n");
}

static void list_colours_by_state(void **state)
{
	struct policy_rows rows = {sample + 1, 2};
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &coloured, &rows, NOW), 0);
	fflush(c.file);
	assert_non_null(strstr(c.text, "\n\033[1;31m●\033[0m gentle  "
				       "\033[1;31mfailed (load-failed)\033[0m  -"));
	assert_non_null(strstr(c.text, "\n\033[2m○\033[0m off     \033[2minactive (admin)\033[0m"));
	fclose(c.file);
	free(c.text);
}

static void without_utf8_all_is_ascii(void **state)
{
	struct policy_rows rows = {sample + 1, 2};
	struct capture c;

	assert_int_equal(text_status(capture_open(&c), &ascii, &rows, &rows, NOW), 0);
	fflush(c.file);
	for (const char *byte = c.text; *byte; byte++)
		assert_true((unsigned char)*byte < 0x80);
	assert_non_null(strstr(c.text, "* gentle\n"));
	assert_non_null(strstr(c.text, "o off\n"));
	assert_non_null(strstr(c.text, "loading -> failed"));
	fclose(c.file);
	free(c.text);
}

static void status_of_a_failure(void **state)
{
	struct policy_rows rows = {sample + 1, 1};
	struct capture c;

	assert_int_equal(text_status(capture_open(&c), &plain, &rows, &rows, NOW), 0);
	assert_captured(
		&c,
		"● gentle\n"
		"      State: failed (load-failed) since Tue 2023-11-14 22:11:50 UTC; 1min ago\n"
		"     Detail: the verifier refused it\n"
		"   Restarts: 0\n"
		"    Enabled: no\n"
		"\n"
		"Verifier log, its last lines:\n"
		"    0: r0 = 1\n"
		"    R1 invalid mem access\n"
		"\n"
		"Events, the last ones:\n"
		"    2023-11-14 22:11:50.000000  loading → failed  load-failed  "
		"the verifier refused it\n");
}

static void status_of_an_attachment(void **state)
{
	struct row_field fields[] = {
		{"name", "bpf_gentle", "bpf_gentle"},
		{"cwnd_event", "", "aimd_cwnd_event"},
		{"Globals.backoff_percent", "80", "80"},
		{"flags", "5", NULL},
	};
	struct row_program programs[] = {{"cong_avoid", "gentle_cong_avoid", 34}};
	const char *notes[] = {"cong_control: this kernel lacks it", "aimd___v2: passed over"};
	const char *files[] = {"/etc/structopsd/policies.d/aimd.policy"};
	struct policy_row row = sample[0];
	struct policy_rows rows = {&row, 1};
	struct capture c;

	row.object = "/usr/lib/structopsd/objects/tcp_aimd.bpf.o";
	row.digest = "9f86d081";
	row.watch = "the link hangs up";
	row.kept = "pins in /sys/fs/bpf/structopsd/aimd";
	row.attach_usec = 21000;
	row.fields = fields;
	row.n_fields = ARRAY_SIZE(fields);
	row.programs = programs;
	row.n_programs = ARRAY_SIZE(programs);
	row.notes = (struct texts){notes, ARRAY_SIZE(notes)};
	row.files = (struct texts){files, ARRAY_SIZE(files)};
	assert_int_equal(text_status(capture_open(&c), &plain, &rows, &rows, NOW), 0);
	assert_captured(
		&c, "● aimd - Größer als nötig\n"
		    "      State: attached (boot) since Tue 2023-11-14 22:10:15 UTC; 3min ago\n"
		    "       Type: tcp_congestion_ops\n"
		    "        Map: aimd (id 12)\n"
		    "       Link: id 7 (loaded and attached in 21ms)\n"
		    "     Object: /usr/lib/structopsd/objects/tcp_aimd.bpf.o\n"
		    "             sha256 9f86d081\n"
		    "      Watch: the link hangs up\n"
		    "       Kept: pins in /sys/fs/bpf/structopsd/aimd\n"
		    "   Restarts: 2\n"
		    "    Enabled: yes\n"
		    "      Files: /etc/structopsd/policies.d/aimd.policy\n"
		    "      Notes: cong_control: this kernel lacks it\n"
		    "             aimd___v2: passed over\n"
		    "  Overrides:\n"
		    "             MEMBER                   WANTED      ACTUAL\n"
		    "             name                     bpf_gentle  bpf_gentle\n"
		    "             cwnd_event               (none)      aimd_cwnd_event  differs\n"
		    "             Globals.backoff_percent  80          80\n"
		    "             flags                    5           (unknown)\n"
		    "   Programs:\n"
		    "             MEMBER      PROGRAM            ID\n"
		    "             cong_avoid  gentle_cong_avoid  34\n");
}

static void status_of_a_wait_and_a_blank_line_between(void **state)
{
	struct policy_rows rows = {sample + 2, 2};
	struct capture c;

	assert_int_equal(text_status(capture_open(&c), &plain, &rows, &rows, NOW), 0);
	assert_captured(&c, "○ off\n"
			    "      State: inactive (admin)\n"
			    "   Restarts: 0\n"
			    "    Enabled: no\n"
			    "\n"
			    "● late\n"
			    "      State: waiting (attach-failed)\n"
			    "   Restarts: 4; next attempt in 1.2s\n"
			    "   Fallback: aimd\n"
			    "    Enabled: yes\n");
}

/* A description is whatever somebody wrote into a file: it must not move the cursor or set the window's title. */
static void control_characters_are_defused(void **state)
{
	struct policy_row row = {
		.name = "evil", .state = "inactive", .description = "a\033]0;title\007b\tc\x7f"};
	struct policy_rows rows = {&row, 1};
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &plain, &rows, NOW), 0);
	fflush(c.file);
	assert_non_null(strstr(c.text, "a?]0;title?b?c?\n"));
	fclose(c.file);
	free(c.text);
}

static void an_event_is_a_line(void **state)
{
	struct row_event relinked = {
		.time_usec = NOW + 1,
		.policy = "aimd",
		.from = "waiting",
		.to = "attached",
		.reason = "link-detached",
		.detail = "",
		.link_id = 9,
	};
	struct capture c;

	capture_open(&c);
	assert_int_equal(text_event(c.file, &plain, &event_of_gentle), 0);
	assert_int_equal(text_event(c.file, &plain, &relinked), 0);
	assert_captured(&c, "2023-11-14 22:11:50.000000 gentle: loading → failed (load-failed) "
			    "the verifier refused it\n"
			    "2023-11-14 22:13:20.000001 aimd: waiting → attached (link-detached) "
			    "[link 9]\n");
}

static void failures_go_to_the_other_file(void **state)
{
	struct result results[] = {{"a", true, "attached"}, {"b", false, "busy"}, {"", false, "c"}};
	struct capture out, err;

	assert_int_equal(text_results(capture_open(&out), capture_open(&err), results, 3), 0);
	assert_captured(&out, "a: attached\n");
	assert_captured(&err, "b: busy\nc\n");
}

static void a_masked_policy_has_no_files(void **state)
{
	struct policy_file file = {"/etc/a.policy", ""};
	struct capture c;

	assert_int_equal(text_files(capture_open(&c), &plain, NULL, 0), 0);
	assert_captured(&c, "# No file: the policy is masked.\n");
	assert_int_equal(text_files(capture_open(&c), &plain, &file, 1), 0);
	assert_captured(&c, "# /etc/a.policy\n");
}

static void a_full_file_is_an_error(void **state)
{
	struct policy_rows rows = {sample, ARRAY_SIZE(sample)};
	FILE *full = fopen("/dev/full", "w");

	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(text_list(full, &plain, &rows, NOW), -EIO);
	fclose(full);
}

static void columns_count_characters(void **state)
{
	struct capture c;

	assert_int_equal(style_columns("Größe"), 5);
	style_put(&plain, capture_open(&c), "Größe", 4);
	assert_captured(&c, "Grö…");
	style_put(&ascii, capture_open(&c), "Groesse", 6);
	assert_captured(&c, "Gro...");
	style_put(&plain, capture_open(&c), "Größe", 5);
	assert_captured(&c, "Größe");
	style_put(&ascii, capture_open(&c), "Groesse", 2);
	assert_captured(&c, "..");
}

static void an_empty_cell_at_the_end_leaves_no_blanks(void **state)
{
	_cleanup_(table_done) struct table t = {.n_columns = 3};
	struct capture c;

	table_add(&t, COLOUR_NONE, "ab");
	table_add(&t, COLOUR_NONE, NULL);
	table_add(&t, COLOUR_NONE, "");
	table_add(&t, COLOUR_NONE, "c");
	table_add(&t, COLOUR_NONE, "def");
	table_add(&t, COLOUR_NONE, "g");
	assert_int_equal(table_print(&t, capture_open(&c), &plain, 1), 0);
	assert_captured(&c, " ab  -\n c   def  g\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_aligns_and_counts),
		cmocka_unit_test(status_says_in_whose_place),
		cmocka_unit_test(list_of_nothing_tells_what_to_do),
		cmocka_unit_test(list_cuts_to_the_terminal),
		cmocka_unit_test(list_colours_by_state),
		cmocka_unit_test(without_utf8_all_is_ascii),
		cmocka_unit_test(status_of_a_failure),
		cmocka_unit_test(status_of_an_attachment),
		cmocka_unit_test(status_of_a_wait_and_a_blank_line_between),
		cmocka_unit_test(control_characters_are_defused),
		cmocka_unit_test(an_event_is_a_line),
		cmocka_unit_test(failures_go_to_the_other_file),
		cmocka_unit_test(a_masked_policy_has_no_files),
		cmocka_unit_test(a_full_file_is_an_error),
		cmocka_unit_test(columns_count_characters),
		cmocka_unit_test(an_empty_cell_at_the_end_leaves_no_blanks),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
