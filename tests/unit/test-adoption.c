/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The adoption plan as a table. A row says in words what the policy is now, what the record tells, what was kept, and
 * what is done about it.
 */
#include "daemon/core/adoption.h"
#include "tests/unit/test.h"

#define NOW (1000 * USEC_PER_SEC)
#define DUE (1003 * USEC_PER_SEC) /* of a record's next attempt */
#define STARTS 3
#define RESTARTS 7
#define MAP_ID 7
#define LINK_ID 12

/*
 * policy: "on", "off" (Enabled=no), "broken" (does not parse), "" (gone), then what differs from the record: "object"
 *	(a part that needs a load), "settings" (another part), "file" (the object file), "missing" (it is not there).
 * record: the state, then "was-off" (Enabled=no then), "again" (to be started over after the work), "relink",
 *	"event" (waits for an event, not a time), "linkless", "owes" (a default to give back), "admin" (the reason);
 *	"" (none).
 * find: "link" (living), "dead" (link), "map" (without a link), "registered" (map without a link that is attached),
 *	"other-id", "other-map" (name), "other-type", "program" (no struct_ops at all), "no-map" (held beside the link);
 *	"" (nothing).
 * expected: action, state of the machine, reason; then "take", "at" the deadline, "relink".
 */
struct row {
	const char *policy, *record, *find, *expected, *sentence;
};

/* clang-format off */
static const struct row rows[] = {
	/* Nothing changed: the same link goes on. */
	{"on", "attached", "link", "adopt attached adopted take", "link 12 goes on"},
	{"on", "attached linkless", "registered", "adopt attached adopted take", "map 7, registered without a link goes on"},
	{"off", "attached was-off", "link", "adopt attached adopted take", "goes on"},
	{"on missing", "attached", "link", "adopt attached adopted take", "object file is gone"},
	{"on settings", "attached", "link", "adopt attached adopted take", "new settings"},
	{"on", "attached was-off", "link", "adopt attached adopted take", "new settings"},
	{"broken", "attached", "link", "adopt attached adopted take", "does not parse"},
	{"broken", "", "link", "adopt attached adopted take", "does not parse"},
	{"on", "loading relink", "link", "adopt attached adopted take", "goes on"},
	{"on", "waiting relink", "link", "adopt attached adopted take", "goes on"},

	/* Something changed: it goes on, and what is wanted now is brought in beside it. */
	{"on object", "attached", "link", "replace attached reload take", "policy was changed"},
	{"on file", "attached", "link", "replace attached reload take", "object file was changed"},
	{"on object missing", "attached", "link", "replace attached reload take", "policy was changed"},
	{"on object", "attached linkless", "registered", "replace attached reload take", "policy was changed"},
	{"off object", "attached was-off", "link", "replace attached reload take", "policy was changed"},
	{"on", "updating", "link", "replace attached reload take", "middle of a change"},
	{"on", "updating again", "link", "replace attached reload take", "middle of a change"},
	{"on", "loading again", "link", "replace attached reload take", "middle of a change"},
	{"on", "detaching reload", "link", "replace attached reload take", "middle of a change"},
	{"on", "detaching again", "link", "replace attached reload take", "middle of a change"},
	{"on", "", "link", "replace attached reload take", "no record"},
	{"on", "", "registered", "replace attached reload take", "no record"},
	{"on", "attached", "link other-id", "replace attached reload take", "its map is 8 (\"aimd\"), on record is 7"},
	{"on", "attached", "link other-map", "replace attached reload take", "its map is 7 (\"cubic\")"},
	{"on", "attached", "registered", "replace attached reload take", "registered without a link"},
	{"on", "updating", "link other-id", "replace attached reload take", "its map is 8"},

	/* Nobody wants it any more: it is taken off. */
	{"", "attached", "link", "detach attached reload take", "no policy of this name"},
	{"", "", "link", "detach attached reload take", "no policy of this name"},
	{"", "attached linkless", "registered", "detach attached reload take", "no policy"},
	{"", "updating", "link other-id", "detach attached reload take", "no policy"},
	{"off", "attached", "link", "detach attached reload take", "Enabled=no"},
	{"off", "", "link", "detach attached reload take", "Enabled=no"},
	{"on", "detaching admin", "link", "detach attached admin take", "asked for"},
	{"on", "inactive admin", "link", "detach attached admin take", "asked for"},
	{"off", "detaching reload was-off", "link", "detach attached reload take", "asked for"},
	{"off", "attached owes", "", "detach attached reload", "given back"},
	{"", "attached owes", "map", "detach attached reload", "given back"},
	{"", "attached owes", "link", "detach attached reload take", "no policy"},

	/* It ended while nobody watched: the map may be linked again, the back-off applies. */
	{"on", "attached", "dead", "ended attached link-detached take", "no daemon watched"},
	{"on", "attached", "map", "ended attached link-detached take", "no daemon watched"},
	{"on", "attached linkless", "map", "ended attached link-detached take", "no daemon watched"},
	{"on", "attached", "dead no-map", "ended attached link-detached", "no daemon watched"},
	{"on", "attached", "map other-id", "ended attached link-detached", "map 8, which was kept, is let go"},
	{"on", "attached", "map other-map", "ended attached link-detached", "let go"},
	{"on", "attached", "map other-type", "ended attached link-detached", "let go"},
	{"on settings", "attached", "map", "ended attached link-detached take", ""},
	{"on missing", "attached", "map", "ended attached link-detached take", ""},
	{"off", "attached was-off", "map", "ended attached link-detached take", ""},

	/* Afresh. */
	{"on", "", "", "attach inactive boot", "no record"},
	{"on", "", "map", "attach inactive boot", "let go"},
	{"on", "attached", "", "attach inactive boot", "nothing that ran was kept"},
	{"on object", "attached", "map", "attach inactive reload", "let go"},
	{"on file", "attached", "dead", "attach inactive reload", "changed too"},
	{"on", "updating", "dead", "attach inactive reload", "middle of a change"},
	{"on", "updating", "", "attach inactive reload", "middle of a change"},
	{"on", "loading again relink", "map", "attach inactive reload", "while it waited"},
	{"on object", "waiting relink", "map", "attach inactive reload", "while it waited"},
	{"on object", "failed", "", "attach inactive reload", "had failed"},
	{"on settings", "failed", "", "attach inactive reload", "had failed"},
	{"on file", "failed", "", "attach inactive reload", "had failed"},
	{"on", "inactive was-off", "", "attach inactive reload", "Enabled=yes"},
	{"on", "attached was-off", "dead", "attach inactive reload", "Enabled=yes"},
	{"on", "failed was-off", "", "attach inactive reload", "Enabled=yes"},
	{"on", "detaching again", "dead", "attach inactive boot", "being restarted"},
	{"on", "inactive reload", "", "attach inactive reload", "there again"},
	{"on", "detaching reload", "dead", "attach inactive reload", "there again"},
	{"on", "invalid", "", "attach inactive reload", "parses now"},

	/* Nothing ran, and it goes on where it was, with its counters. */
	{"on", "waiting", "", "resume waiting link-detached at 1003", "the one that was due"},
	{"on", "waiting relink", "map", "resume waiting link-detached take at 1003 relink", ""},
	{"on", "waiting relink", "", "resume waiting link-detached at 1003", ""},
	{"on", "waiting relink", "map other-id", "resume waiting link-detached at 1003", "let go"},
	{"on", "waiting", "map", "resume waiting link-detached at 1003", "let go"},
	{"on", "waiting event", "", "resume waiting link-detached at 1000", ""},
	{"on", "loading", "", "resume waiting link-detached at 1000", ""},
	{"on", "loading relink", "dead", "resume waiting link-detached take at 1000 relink", ""},
	{"on settings", "waiting", "", "resume waiting link-detached at 1003", ""},
	{"on", "failed", "", "resume failed link-detached", "nothing changed"},
	{"on missing", "failed", "map", "resume failed link-detached", "let go"},
	{"on", "inactive admin", "", "resume inactive admin", "off (admin) and stays so"},
	{"on", "inactive", "map", "resume inactive link-detached", "stays so"},
	{"on", "inactive again", "", "resume inactive link-detached", "stays so"},
	{"on object", "inactive admin", "", "resume inactive admin", "stays so"},
	{"on", "detaching admin", "dead", "resume inactive admin", "stays so"},
	{"off", "waiting was-off", "", "resume waiting link-detached at 1003", ""},

	/* Nothing is there, nothing is wanted. */
	{"off", "", "", "leave inactive boot", "Enabled=no"},
	{"off", "waiting", "", "leave inactive boot", "Enabled=no"},
	{"off", "attached", "dead", "leave inactive boot", "let go"},
	{"broken", "", "", "leave inactive boot", "does not parse"},
	{"broken", "waiting", "map", "leave inactive boot", "does not parse"},

	/* What nobody knows. */
	{"", "", "map", "discard inactive reload", "map 7, which was kept, is let go"},
	{"", "", "dead", "discard inactive reload", "no policy"},
	{"", "", "program", "discard inactive reload", "neither struct_ops link nor map"},
	{"", "attached", "", "discard inactive reload", "no policy"},
	{"", "failed", "map", "discard inactive reload", "no policy"},
	{"on", "attached", "program", "attach inactive boot", "neither struct_ops link nor map"},
	{"off", "", "program", "leave inactive boot", "neither struct_ops link nor map"},
	{"on", "attached", "link other-type", "attach inactive boot", "not ours and is let go: link 12 of type sched_ext_ops"},
	{"on", "attached", "link other-link", "attach inactive boot", "not ours and is let go: link 13"},
	{"off", "detaching admin", "link other-link", "leave inactive boot", "not ours"},
	{"", "attached", "link other-link", "discard inactive reload", "not ours"},
	{"on", "updating", "link other-type", "attach inactive reload", "not ours"},
	{"", "attached", "link other-type", "discard inactive reload", "not ours"},
};
/* clang-format on */

static bool says(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at++)
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static struct fingerprint fingerprint_with(bool changed)
{
	return (struct fingerprint){.high = 1, .low = changed ? 2 : 1};
}

static struct adoption_policy policy_of(const char *words)
{
	bool enabled = says(words, "on");

	return (struct adoption_policy){
		.name = "gentle",
		.valid = !says(words, "broken"),
		.enabled = enabled,
		.object = fingerprint_with(says(words, "object")),
		.whole = fingerprint_with(says(words, "object") || says(words, "settings")),
		.file = says(words, "missing") ? ADOPTION_OBJECT_MISSING
			: says(words, "file")  ? ADOPTION_OBJECT_CHANGED
					       : ADOPTION_OBJECT_SAME,
	};
}

static enum state state_of(const char *words)
{
	for (enum state s = 0; s < _STATE_MAX; s++)
		if (says(words, state_to_string(s)))
			return s;
	fail_msg("no state in \"%s\"", words);
	return _STATE_INVALID;
}

/* Where Enabled= was another, so was the whole. */
static struct state_record record_of(const char *words, bool policy_enabled)
{
	bool enabled = !says(words, "was-off");
	struct state_record r = {
		.policy = (char *)"gentle",
		.object = fingerprint_with(false),
		.whole = {.high = 1, .low = enabled == policy_enabled ? 1 : 3},
		.enabled = enabled,
		.machine =
			{
				.state = state_of(words),
				.reason = says(words, "admin")    ? REASON_ADMIN
					  : says(words, "reload") ? REASON_RELOAD
								  : REASON_LINK_DETACHED,
				.backoff = {.restarts = 2,
					    .starts = STARTS,
					    .window_start = NOW / 2},
				.restarts = RESTARTS,
				.attached_at = NOW / 2,
				.deadline = says(words, "event") ? USEC_INFINITY : DUE,
				.relink = says(words, "relink"),
				.again = says(words, "again"),
			},
		.outcome =
			{
				.type = (char *)"tcp_congestion_ops",
				.map = (char *)"aimd",
				.map_id = MAP_ID,
				.link_id = LINK_ID,
				.linkless = says(words, "linkless"),
				.n_defaults = says(words, "owes"),
			},
	};

	return r;
}

static struct adoption_find find_of(const char *words)
{
	bool linked = says(words, "link") || says(words, "dead");
	struct adoption_find f = {
		.name = "gentle",
		.is_struct_ops = !says(words, "program"),
		.alive = says(words, "link") || says(words, "registered"),
		.link_id = linked ? LINK_ID + says(words, "other-link") : 0,
		.map_id = says(words, "no-map") ? 0 : MAP_ID + says(words, "other-id"),
	};

	strcpy(f.type, says(words, "other-type") ? "sched_ext_ops" : "tcp_congestion_ops");
	strcpy(f.map, says(words, "other-map") ? "cubic" : "aimd");
	return f;
}

static void plan_row(const struct row *row, struct adoption_plan *ret)
{
	/* Static: the decision borrows them. */
	static struct adoption_policy policy;
	static struct state_record record;
	static struct adoption_find find;
	struct adoption_input in = {
		.policies = &policy,
		.n_policies = *row->policy != '\0',
		.records = &record,
		.n_records = *row->record != '\0',
		.finds = &find,
		.n_finds = *row->find != '\0',
		.now = NOW,
	};

	policy = policy_of(row->policy);
	if (in.n_records)
		record = record_of(row->record, policy.enabled);
	find = find_of(row->find);
	assert_int_equal(adoption_plan(&in, ret), 0);
	assert_int_equal(ret->n, 1);
}

/* The decision in the words of the table. */
static void describe(const struct adoption_decision *d, char *buffer, size_t size)
{
	int n = snprintf(buffer, size, "%s %s %s%s", adoption_action_to_string(d->action),
			 state_to_string(d->machine.state), reason_to_string(d->reason),
			 d->take ? " take" : "");

	if (d->machine.state == STATE_WAITING)
		n += snprintf(buffer + n, size - (size_t)n, " at %u",
			      (unsigned)(d->machine.deadline / USEC_PER_SEC));
	if (d->machine.relink)
		snprintf(buffer + n, size - (size_t)n, " relink");
}

/* A machine that goes on has its counters, unless there was none to tell of them. */
static void check_counters(const struct row *row, const struct adoption_decision *d)
{
	bool goes_on = d->action != ADOPTION_ATTACH && d->action != ADOPTION_LEAVE &&
		       d->action != ADOPTION_DISCARD && d->record;

	assert_int_equal(d->machine.backoff.starts, goes_on ? STARTS : 0);
	assert_int_equal(d->machine.restarts, goes_on ? RESTARTS : 0);
	assert_false(d->machine.again);
	if (d->machine.state == STATE_ATTACHED) {
		assert_int_equal(d->machine.reason, REASON_ADOPTED);
		assert_int_equal(d->machine.attached_at, d->record ? NOW / 2 : NOW);
	}
}

static void test_table(void **state)
{
	size_t n_wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};
		char got[128];

		plan_row(row, &plan);
		describe(plan.decisions, got, sizeof(got));
		check_counters(row, plan.decisions);
		if (streq(got, row->expected) && strstr(plan.decisions->sentence, row->sentence))
			continue;
		n_wrong++;
		print_error("{%s | %s | %s}\n\texpected %s: …%s…\n\tgot      %s: %s\n", row->policy,
			    row->record, row->find, row->expected, row->sentence, got,
			    plan.decisions->sentence);
	}
	assert_int_equal(n_wrong, 0);
}

/* The principles, over every combination of words and not only those that somebody thought of. */

static const char *const policies[] = {
	"",           "broken",      "on",      "off",        "on object",
	"off object", "on settings", "on file", "on missing",
};
static const char *const marks[] = {
	"", "was-off", "again", "relink", "event", "linkless", "owes", "admin",
};
static const char *const finds[] = {
	"",
	"link",
	"dead",
	"map",
	"registered",
	"program",
	"link other-id",
	"link other-map",
	"map other-id",
	"link other-type",
	"dead no-map",
};

static void check_principles(const struct row *row)
{
	_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};
	const struct adoption_decision *d;
	bool living, other_type, off;

	plan_row(row, &plan);
	d = plan.decisions;
	living = says(row->find, "link") || says(row->find, "registered");
	other_type = says(row->find, "other-type") && *row->record;
	off = says(row->record, "inactive") ||
	      (says(row->record, "detaching") && !says(row->record, "again"));

	/* Never twice: beside what lives nothing is attached, and what lives is always taken. */
	if (living && !other_type) {
		assert_true(d->take);
		assert_true(d->action == ADOPTION_ADOPT || d->action == ADOPTION_REPLACE ||
			    d->action == ADOPTION_DETACH);
	}
	/* Never lost: of a policy that wants it, and that nobody took off. */
	if (living && !other_type && says(row->policy, "on") && !off)
		assert_true(d->action == ADOPTION_ADOPT || d->action == ADOPTION_REPLACE);
	/* Never shown as attached when it is not. */
	if (!living)
		assert_true(d->action != ADOPTION_ADOPT && d->action != ADOPTION_REPLACE);
	/* Nothing is linked again that was not verified. */
	if (d->machine.relink)
		assert_true(d->take && says(row->find, "map") + says(row->find, "dead") == 1);
	/* What somebody took off stays off. */
	if (off && says(row->policy, "on") && !says(row->record, "was-off"))
		assert_true(d->action == ADOPTION_RESUME || d->action == ADOPTION_DETACH);
	assert_true(d->sentence && *d->sentence);
}

static void test_principles(void **state)
{
	char record[64];
	size_t n = 0;

	for (size_t p = 0; p < ARRAY_SIZE(policies); p++)
		for (size_t f = 0; f < ARRAY_SIZE(finds); f++)
			for (enum state s = 0; s <= _STATE_MAX; s++)
				for (size_t m = 0; m < ARRAY_SIZE(marks); m++, n++) {
					snprintf(record, sizeof(record), "%s %s",
						 s < _STATE_MAX ? state_to_string(s) : "",
						 marks[m]);
					if (s == _STATE_MAX)
						*record = '\0';
					if (*policies[p] || *record || *finds[f])
						check_principles(&(struct row){
							policies[p], record, finds[f], NULL, NULL});
				}
	assert_true(n > 7000);
}

/* One decision a name, in the order of the names, whatever the order of the input. */
static void test_names(void **state)
{
	_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};
	struct adoption_policy policies_now[] = {{.name = "b"}, {.name = "a"}, {.name = "hid@1.2"}};
	struct state_record records[] = {{.policy = (char *)"c"}, {.policy = (char *)"a"}};
	struct adoption_find found[] = {{.name = "a"}, {.name = "d"}, {.name = "hid@1.2"}};
	const struct adoption_input in = {
		.policies = policies_now,
		.n_policies = ARRAY_SIZE(policies_now),
		.records = records,
		.n_records = ARRAY_SIZE(records),
		.finds = found,
		.n_finds = ARRAY_SIZE(found),
	};
	static const char *const names[] = {"a", "b", "c", "d", "hid@1.2"};

	assert_int_equal(adoption_plan(&in, &plan), 0);
	assert_int_equal(plan.n, ARRAY_SIZE(names));
	for (size_t i = 0; i < plan.n; i++)
		assert_text(plan.decisions[i].name, names[i]);
	assert_ptr_equal(plan.decisions[0].policy, &policies_now[1]);
	assert_ptr_equal(plan.decisions[0].record, &records[1]);
	assert_ptr_equal(plan.decisions[0].find, &found[0]);
	assert_null(plan.decisions[1].record);
	assert_ptr_equal(plan.decisions[2].record, &records[0]);
	assert_ptr_equal(plan.decisions[3].find, &found[1]);
}

/*
 * "b" was put in place of "a", and the last daemon ended before it had written down that "a" is off. What was kept under
 * the name of "a" is the link that went over, another one that is left, or nothing.
 */
static void test_superseded(void **state)
{
	static const struct {
		const char *successor, *kept, *expected;
	} cases[] = {
		{"attached", "link", "resume inactive admin"},
		{"attached", "", "resume inactive admin"},
		{"attached", "dead other-link", "resume inactive admin"},
		{"attached", "link own", "detach attached admin take"},
		{"inactive", "link", "replace attached reload take"},
		{"loading", "", "attach inactive reload"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};
		struct adoption_policy now[] = {policy_of("on"), policy_of("on")};
		struct state_record records[] = {record_of("updating", true),
						 record_of(cases[i].successor, true)};
		struct adoption_find found[] = {find_of("link"), find_of(cases[i].kept)};
		char got[128];

		now[0].name = records[0].policy = (char *)"a";
		now[1].name = records[1].policy = (char *)"b";
		records[0].yields_to = (char *)"b";
		found[0].name = "b";
		found[1].name = "a";
		if (says(cases[i].kept, "own"))
			records[1].outcome.link_id = found[0].link_id = LINK_ID + 1;
		assert_int_equal(adoption_plan(
					 &(struct adoption_input){
						 .policies = now,
						 .n_policies = 2,
						 .records = records,
						 .n_records = 2,
						 .finds = found,
						 .n_finds = *cases[i].kept ? 2 : 1,
						 .now = NOW,
					 },
					 &plan),
				 0);
		describe(&plan.decisions[0], got, sizeof(got));
		assert_string_equal(got, cases[i].expected);
	}
}

static void test_nothing(void **state)
{
	_cleanup_(adoption_plan_done) struct adoption_plan plan = {0};

	assert_int_equal(adoption_plan(&(struct adoption_input){0}, &plan), 0);
	assert_int_equal(plan.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),   cmocka_unit_test(test_principles),
		cmocka_unit_test(test_names),   cmocka_unit_test(test_superseded),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
