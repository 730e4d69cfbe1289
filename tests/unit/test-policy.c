/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy.h"
#include "daemon/core/strv.h"
#include "tests/unit/test.h"

#define DIGEST_UPPER "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
#define DIGEST_LOWER "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OBJECT "[Object]\nPath=x.o\n"

/* Up to three files: "f", "g", "h". */
#define FILES_MAX 3

static int parse(const char *const *texts, size_t n, struct policy **ret, struct messages *messages)
{
	static const char *const paths[FILES_MAX] = {"f", "g", "h"};
	struct policy_source sources[FILES_MAX] = {0};

	for (size_t i = 0; i < n; i++)
		sources[i] = (struct policy_source){
			.path = (char *)paths[i],
			.text = (char *)texts[i],
			.length = strlen(texts[i]),
		};
	return policy_parse("self", sources, n, ret, messages);
}

static size_t count_texts(const char *const *texts)
{
	size_t n = 0;

	while (n < FILES_MAX && texts[n])
		n++;
	return n;
}

/* A policy that must parse; the caller frees. */
static struct policy *parse_good(const char *const *texts)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	struct policy *policy = NULL;
	int r = parse(texts, count_texts(texts), &policy, &messages);

	if (r < 0)
		fail_msg("refused: %s", messages.n > 0 ? messages.items[0] : "(no message)");
	assert_int_equal(messages.n, 0);
	return policy;
}

static struct policy *parse_one(const char *text)
{
	const char *const texts[FILES_MAX] = {text};

	return parse_good(texts);
}

static void test_defaults(void **state)
{
	_cleanup_(policy_freep) struct policy *p = parse_one(OBJECT);

	assert_string_equal(p->name, "self");
	assert_null(p->description);
	assert_true(p->enabled);
	assert_null(p->fallback);
	assert_string_equal(p->object_path, "x.o");
	assert_null(p->sha256);
	assert_null(p->maps);
	assert_null(p->fields);
	assert_int_equal(p->n_fields, 0);
	assert_null(p->globals);
	assert_int_equal(p->n_globals, 0);
	assert_int_equal(p->restart.mode, RESTART_ON_DETACH);
	assert_int_equal(p->restart.delay, 100 * USEC_PER_MSEC);
	assert_int_equal(p->restart.steps, 8);
	assert_int_equal(p->restart.max_delay, 30 * USEC_PER_SEC);
	assert_int_equal(p->restart.limit_burst, 5);
	assert_int_equal(p->restart.limit_interval, USEC_PER_MINUTE);
	assert_int_equal(strv_length(p->files), 1);
	assert_string_equal(p->files[0], "f");
}

static const char every_key[] = "[Policy]\n"
				"Description=Reno with a gentler cut ; for the storage network\n"
				"Enabled=no\n"
				"Fallback=other-policy\n"
				"[Object]\n"
				"Path=/usr/lib/x.bpf.o\n"
				"SHA256=" DIGEST_UPPER "\n"
				"Map=aimd  aimd___v1\n"
				"[Fields]\n"
				"name = bpf_gentle\n"
				"flags |= TCP_CONG_NEEDS_ECN\n"
				"cwnd_event =\n"
				"limits.max[2] = 0x10\n"
				"[Fields aimd]\n"
				"flags &= ~0x4\n"
				"[Globals]\n"
				"backoff_percent = 80\n"
				"[Attach]\n"
				"Restart=always\n"
				"RestartSec=200ms\n"
				"RestartSteps=3\n"
				"RestartMaxDelaySec=1min 30s\n"
				"StartLimitBurst=0\n"
				"StartLimitIntervalSec=2h\n";

static void assert_override(const struct override *o, const char *map, const char *path,
			    enum override_op op, const char *value, const char *file, unsigned line)
{
	assert_text(o->map, map);
	assert_string_equal(o->path, path);
	assert_int_equal(o->op, op);
	assert_string_equal(o->value, value);
	assert_string_equal(o->file, file);
	assert_int_equal(o->line, line);
}

static void test_every_key(void **state)
{
	_cleanup_(policy_freep) struct policy *p = parse_one(every_key);

	assert_string_equal(p->description, "Reno with a gentler cut");
	assert_false(p->enabled);
	assert_string_equal(p->fallback, "other-policy");
	assert_string_equal(p->object_path, "/usr/lib/x.bpf.o");
	assert_string_equal(p->sha256, DIGEST_LOWER);
	assert_int_equal(strv_length(p->maps), 2);
	assert_string_equal(p->maps[0], "aimd");
	assert_string_equal(p->maps[1], "aimd___v1");
	assert_int_equal(p->n_fields, 5);
	assert_override(&p->fields[0], NULL, "name", OVERRIDE_SET, "bpf_gentle", "f", 10);
	assert_override(&p->fields[1], NULL, "flags", OVERRIDE_OR, "TCP_CONG_NEEDS_ECN", "f", 11);
	assert_override(&p->fields[2], NULL, "cwnd_event", OVERRIDE_SET, "", "f", 12);
	assert_override(&p->fields[3], NULL, "limits.max[2]", OVERRIDE_SET, "0x10", "f", 13);
	assert_override(&p->fields[4], "aimd", "flags", OVERRIDE_AND, "~0x4", "f", 15);
	assert_int_equal(p->n_globals, 1);
	assert_override(&p->globals[0], NULL, "backoff_percent", OVERRIDE_SET, "80", "f", 17);
	assert_int_equal(p->restart.mode, RESTART_ALWAYS);
	assert_int_equal(p->restart.delay, 200 * USEC_PER_MSEC);
	assert_int_equal(p->restart.steps, 3);
	assert_int_equal(p->restart.max_delay, 90 * USEC_PER_SEC);
	assert_int_equal(p->restart.limit_burst, 0);
	assert_int_equal(p->restart.limit_interval, 2 * USEC_PER_HOUR);
}

/* What a drop-in leaves empty is as if nobody had ever set it. */
static void test_reset(void **state)
{
	const char *const texts[FILES_MAX] = {
		every_key,
		"[Policy]\nDescription=\nEnabled=\nFallback=\n"
		"[Object]\nPath=\nSHA256=\nMap=\n"
		"[Attach]\nRestart=\nRestartSec=\nRestartSteps=\nRestartMaxDelaySec=\n"
		"StartLimitBurst=\nStartLimitIntervalSec=\n",
		"[Object]\nPath=x.o\n",
	};
	_cleanup_(policy_freep) struct policy *p = parse_good(texts);
	_cleanup_(policy_freep) struct policy *fresh = parse_one(OBJECT);

	assert_text(p->description, fresh->description);
	assert_int_equal(p->enabled, fresh->enabled);
	assert_text(p->fallback, fresh->fallback);
	assert_text(p->object_path, fresh->object_path);
	assert_text(p->sha256, fresh->sha256);
	assert_null(p->maps);
	assert_memory_equal(&p->restart, &fresh->restart, sizeof(p->restart));
}

static void test_later_file_wins(void **state)
{
	const char *const texts[FILES_MAX] = {
		OBJECT "[Policy]\nDescription=a\nEnabled=no\n[Object]\nMap=m n\n",
		"[Policy]\nDescription=b\n[Object]\nPath=y.o\n",
		"[Policy]\nDescription=c\nDescription=d\n[Object]\nMap=o\n",
	};
	_cleanup_(policy_freep) struct policy *p = parse_good(texts);

	assert_string_equal(p->description, "d");
	assert_false(p->enabled);
	assert_string_equal(p->object_path, "y.o");
	assert_int_equal(strv_length(p->maps), 1);
	assert_string_equal(p->maps[0], "o");
	assert_int_equal(strv_length(p->files), 3);
	assert_string_equal(p->files[2], "h");
}

static void test_assignment_drops_what_stood_before(void **state)
{
	const char *const texts[FILES_MAX] = {
		OBJECT "[Fields]\nflags = 1\nflags |= 2\nflags &= ~4\nname = a\n"
		       "[Globals]\nflags = 9\n",
		"[Fields]\nflags = 5\nflags |= 8\n[Globals]\nlimit=\n",
		"[Fields]\nname =\nflags |= 16\n",
	};
	_cleanup_(policy_freep) struct policy *p = parse_good(texts);

	assert_int_equal(p->n_fields, 4);
	assert_override(&p->fields[0], NULL, "flags", OVERRIDE_SET, "5", "g", 2);
	assert_override(&p->fields[1], NULL, "flags", OVERRIDE_OR, "8", "g", 3);
	assert_override(&p->fields[2], NULL, "name", OVERRIDE_SET, "", "h", 2);
	assert_override(&p->fields[3], NULL, "flags", OVERRIDE_OR, "16", "h", 3);
	assert_int_equal(p->n_globals, 2);
	assert_override(&p->globals[0], NULL, "flags", OVERRIDE_SET, "9", "f", 9);
	assert_override(&p->globals[1], NULL, "limit", OVERRIDE_SET, "", "g", 5);
}

/* Wherever they stand, those for one map come behind those for all. */
static void test_special_fields_come_last(void **state)
{
	const char *const texts[FILES_MAX] = {
		"[Fields a]\nflags = 1\n[Fields  b ]\nflags = 2\n" OBJECT
		"[Fields]\nflags = 3\n[Fields a]\nname = x\n",
		"[Fields]\nflags = 4\nname = y\n[Fields a]\nflags = 5\n",
	};
	_cleanup_(policy_freep) struct policy *p = parse_good(texts);

	assert_int_equal(p->n_fields, 5);
	assert_override(&p->fields[0], NULL, "flags", OVERRIDE_SET, "4", "g", 2);
	assert_override(&p->fields[1], NULL, "name", OVERRIDE_SET, "y", "g", 3);
	assert_override(&p->fields[2], "b", "flags", OVERRIDE_SET, "2", "f", 4);
	assert_override(&p->fields[3], "a", "name", OVERRIDE_SET, "x", "f", 10);
	assert_override(&p->fields[4], "a", "flags", OVERRIDE_SET, "5", "g", 5);
}

/* Files whose values agree, or whose later section adds something, say nothing twice. */
static void test_no_conflict(void **state)
{
	static const char *const texts[][FILES_MAX] = {
		{OBJECT "[Policy]\nDescription=a\nDescription=b\n"},
		{OBJECT "[Policy]\nDescription=a\n[Policy]\nDescription=a\nEnabled=no\n"},
		{OBJECT "[Policy]\nDescription=a\n", "[Policy]\nDescription=b\n"},
		{OBJECT "[Fields]\nflags |= 1\n[Fields]\nflags |= 2\nflags &= ~8\n"},
		{OBJECT "[Fields]\nflags = 1\n[Fields]\nflags |= 2\n"},
		{OBJECT "[Fields]\nflags = 1\n[Fields a]\nflags = 2\n[Globals]\nflags = 3\n"},
		{OBJECT "[Policy]\nDescription=a\nDescription=b\n[Policy]\nDescription=b\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		policy_free(parse_good(texts[i]));
}

static void test_delays(void **state)
{
	static const struct {
		const char *attach;
		usec_t delay, max_delay;
	} cases[] = {
		{"RestartSec=1min", USEC_PER_MINUTE, USEC_PER_MINUTE}, /* raises the default */
		{"RestartMaxDelaySec=50ms", 100 * USEC_PER_MSEC, 100 * USEC_PER_MSEC},
		{"RestartSec=2s\nRestartMaxDelaySec=2s", 2 * USEC_PER_SEC, 2 * USEC_PER_SEC},
		{"RestartSec=40\nRestartMaxDelaySec=1\nRestartMaxDelaySec=", 40 * USEC_PER_SEC,
		 40 * USEC_PER_SEC},
		{"RestartSec=0", 0, 30 * USEC_PER_SEC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct policy *p = NULL;
		_cleanup_(freep) char *text = NULL;

		assert_true(asprintf(&text, OBJECT "[Attach]\n%s\n", cases[i].attach) > 0);
		p = parse_one(text);
		assert_int_equal(p->restart.delay, cases[i].delay);
		assert_int_equal(p->restart.max_delay, cases[i].max_delay);
	}
}

#define NO_NAME(v)                                                                           \
	"\"" v "\" is no policy name, expected at most 64 letters, digits and _.@- without " \
	"a dot first"
#define POLICY_KEYS "expected Description, Enabled or Fallback"
#define ATTACH_KEYS                                                                        \
	"expected Restart, RestartSec, RestartSteps, RestartMaxDelaySec, StartLimitBurst " \
	"or StartLimitIntervalSec"
#define SECTIONS                                                                  \
	"expected [Policy], [Object], [Fields], [Globals], [Attach], [Match] or " \
	"[Tcp]"

/* The whole of what is said, one line a message. */
static const struct {
	const char *texts[FILES_MAX];
	const char *messages;
} said[] = {
	/* Sections. */
	{{"[Polcy]\nEnabled=no\n" OBJECT},
	 "f:1: [Polcy]: unknown section (did you mean Policy?), " SECTIONS},
	{{OBJECT "[Whatever]\n"}, "f:3: [Whatever]: unknown section, " SECTIONS},
	{{OBJECT "[object]\n"}, "f:3: [object]: unknown section (did you mean Object?), " SECTIONS},
	{{OBJECT "[Attach x]\n"},
	 "f:3: [Attach x]: unknown section (did you mean Attach?), " SECTIONS},
	{{OBJECT "[Fields 1a]\nx=1\n"},
	 "f:3: [Fields 1a]: \"1a\" is no map name, expected a C identifier"},
	{{OBJECT "[Fields a b]\n"},
	 "f:3: [Fields a b]: \"a b\" is no map name, expected a C identifier"},
	{{"[Object]\nPath=x.o\nMap=aimd other\n[Fields amid]\nx=1\n[Fields other]\n"},
	 "f:4: [Fields amid]: \"amid\" is not in Map= (did you mean aimd?), expected one "
	 "of the maps that stand there"},
	{{OBJECT "[Fields a]\nx=1\n", "[Object]\nMap=c\n", "[Object]\nMap=bbb\n"},
	 "f:3: [Fields a]: \"a\" is not in Map=, expected one of the maps that stand "
	 "there"},
	/* Keys. */
	{{OBJECT "[Attach]\nRestartSecs=1\n"},
	 "f:4: [Attach] RestartSecs: unknown key (did you mean RestartSec?), " ATTACH_KEYS},
	{{OBJECT "[Policy]\nenabled=yes\n"},
	 "f:4: [Policy] enabled: unknown key (did you mean Enabled?), " POLICY_KEYS},
	{{OBJECT "[Policy]\nColour=red\n"}, "f:4: [Policy] Colour: unknown key, " POLICY_KEYS},
	{{OBJECT "[Policy]\nRestart=no\n"},
	 "f:4: [Policy] Restart: wrong section, expected it in [Attach]"},
	{{"[Attach]\nPath=x.o\n" OBJECT},
	 "f:2: [Attach] Path: wrong section, expected it in [Object]"},
	{{OBJECT "[Attach]\nRestartSteps |= 1\n[Policy]\nDescription &= x\n"},
	 "f:4: [Attach] RestartSteps: \"|=\" is only for fields and globals, expected "
	 "\"=\"\n"
	 "f:6: [Policy] Description: \"&=\" is only for fields and globals, expected "
	 "\"=\""},
	/* Values. */
	{{OBJECT "[Policy]\nEnabled=maybe\n"},
	 "f:4: [Policy] Enabled: \"maybe\" is no boolean, expected yes or no"},
	{{OBJECT "[Policy]\nFallback=a/b\n"}, "f:4: [Policy] Fallback: " NO_NAME("a/b")},
	{{OBJECT "[Policy]\nFallback=.a\n"}, "f:4: [Policy] Fallback: " NO_NAME(".a")},
	{{OBJECT "[Policy]\nFallback=self\n"},
	 "f:4: [Policy] Fallback: this is the policy itself, expected the name of another "
	 "one"},
	{{OBJECT "SHA256=abc\n"},
	 "f:3: [Object] SHA256: \"abc\" is no SHA-256, expected 64 hexadecimal digits"},
	{{OBJECT "SHA256=" DIGEST_LOWER "0\n"},
	 "f:3: [Object] SHA256: \"" DIGEST_LOWER
	 "0\" is no SHA-256, expected 64 hexadecimal digits"},
	{{OBJECT "Map=a b-c\n"},
	 "f:3: [Object] Map: \"b-c\" is no map name, expected C identifiers with blanks "
	 "between them"},
	{{OBJECT "Map=a,b\n"},
	 "f:3: [Object] Map: \"a,b\" is no map name, expected C identifiers with blanks "
	 "between them"},
	{{OBJECT "Map=a b a\n"},
	 "f:3: [Object] Map: \"a\" stands there twice, expected each map once"},
	{{OBJECT "[Attach]\nRestart=allways\n"},
	 "f:4: [Attach] Restart: unknown word \"allways\" (did you mean always?), expected "
	 "no, on-detach or always"},
	{{OBJECT "[Attach]\nRestart=on-failure\n"},
	 "f:4: [Attach] Restart: unknown word \"on-failure\", expected no, on-detach or "
	 "always"},
	{{OBJECT "[Attach]\nRestartSec=soon\n"},
	 "f:4: [Attach] RestartSec: \"soon\" is no time span, expected such as 100ms, 5s "
	 "or "
	 "1min 30s"},
	{{OBJECT "[Attach]\nStartLimitIntervalSec=infinity\n"},
	 "f:4: [Attach] StartLimitIntervalSec: infinity is too long, expected at most "
	 "365d"},
	{{OBJECT "[Attach]\nRestartMaxDelaySec=99999999999999999999s\n"},
	 "f:4: [Attach] RestartMaxDelaySec: 99999999999999999999s is too long, expected at "
	 "most 365d"},
	{{OBJECT "[Attach]\nRestartSteps=-1\n"},
	 "f:4: [Attach] RestartSteps: \"-1\" is no count, expected a whole number from 0 "
	 "to "
	 "4294967295"},
	{{OBJECT "[Attach]\nStartLimitBurst=4294967296\nRestartSteps=99999999999999999999\n"},
	 "f:4: [Attach] StartLimitBurst: \"4294967296\" is no count, expected a whole "
	 "number "
	 "from 0 to 4294967295\n"
	 "f:5: [Attach] RestartSteps: \"99999999999999999999\" is no count, expected a "
	 "whole "
	 "number from 0 to 4294967295"},
	{{OBJECT "[Attach]\nRestartSec=5s\n", "[Attach]\nRestartMaxDelaySec=1500ms\n"},
	 "g:2: [Attach] RestartMaxDelaySec: 1s 500ms is less than RestartSec=5s, expected "
	 "at "
	 "least that"},
	/* Overrides. */
	{{OBJECT "[Fields]\nlimits..max=1\n[Globals]\n[0] = 1\nx[01]=2\n"},
	 "f:4: [Fields] limits..max: no member, expected such as flags or limits.max[2]\n"
	 "f:6: \"= 1\" behind the header, expected it on a line of its own"},
	{{OBJECT "[Globals]\nx[01]=2\n"},
	 "f:4: [Globals] x[01]: no member, expected such as flags or limits.max[2]"},
	{{OBJECT "[Fields]\nflags |=\n[Fields a]\nflags &=\n"},
	 "f:4: [Fields] flags: \"|=\" without a value, expected a number or an enumerator\n"
	 "f:6: [Fields a] flags: \"&=\" without a value, expected a number or an "
	 "enumerator"},
	/* The same section twice. */
	{{OBJECT "[Policy]\nDescription=a\n[Attach]\n[Policy]\nDescription=b\n"},
	 "f:7: [Policy] Description: \"b\" here, but \"a\" in line 4 below another header "
	 "of "
	 "the same section, expected one of them"},
	{{OBJECT "[Policy]\nEnabled=yes\n[Policy]\nEnabled=\n"},
	 "f:6: [Policy] Enabled: \"\" here, but \"yes\" in line 4 below another header of "
	 "the same section, expected one of them"},
	{{OBJECT, OBJECT "[Fields m]\nx = 1\nx = 2\n[Fields  m]\nx = 1\n"},
	 "g:7: [Fields m] x: \"1\" here, but \"2\" in line 5 below another header of the "
	 "same section, expected one of them"},
	/* The whole. */
	{{""}, "f:1: [Object] Path: the section is missing, expected [Object] with Path=FILE"},
	{{"[Policy]\n", "[Policy]\n"},
	 "f:1: [Object] Path: the section is missing, expected [Object] with Path=FILE"},
	{{"[Policy]\n[Object]\nMap=a\n"}, "f:2: [Object] Path: missing, expected Path=FILE"},
	{{OBJECT, "[Object]\nPath=\n"}, "g:2: [Object] Path: missing, expected Path=FILE"},
	/* Everything at once, in the order of the files. */
	{{"x=1\n[Policy]\nEnabled=2\nFallback=self\n[Nope]\nx=1\n", "[Object\nPath=x\n"},
	 "f:1: \"x\" stands before any section, expected \"[section]\" above it\n"
	 "f:3: [Policy] Enabled: \"2\" is no boolean, expected yes or no\n"
	 "f:5: [Nope]: unknown section, " SECTIONS "\n"
	 "g:1: no ']' behind \"[Object\", expected \"[section]\"\n"
	 "f:1: [Object] Path: the section is missing, expected [Object] with Path=FILE\n"
	 "f:4: [Policy] Fallback: this is the policy itself, expected the name of another "
	 "one"},
};

static void test_messages(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
		struct policy *policy = (void *)&messages;
		_cleanup_(freep) char *joined = NULL;
		int r = parse(said[i].texts, count_texts(said[i].texts), &policy, &messages);

		joined = messages_join(&messages, "\n");
		assert_text(joined, said[i].messages);
		assert_int_equal(r, -EBADMSG);
		assert_ptr_equal(policy, &messages); /* untouched */
	}
}

static void test_no_files(void **state)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	struct policy *policy = NULL;

	assert_int_equal(parse(NULL, 0, &policy, &messages), -EBADMSG);
	assert_int_equal(messages.n, 1);
	assert_string_equal(messages.items[0], "self.policy: no such file, or it is masked");
}

static void test_too_many_overrides(void **state)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(freep) char *text = NULL;
	struct policy *policy = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(OBJECT "[Fields]\n", f);
	for (int i = 0; i < POLICY_OVERRIDES_MAX; i++)
		fprintf(f, "x[%d] = 1\n", i);
	fflush(f);
	assert_int_equal(parse((const char *const[]){text}, 1, &policy, &messages), 0);
	assert_int_equal(policy->n_fields, POLICY_OVERRIDES_MAX);
	policy_free(policy);

	fputs("y = 1\n", f);
	fclose(f);
	assert_int_equal(parse((const char *const[]){text}, 1, &policy, &messages), -EBADMSG);
	assert_int_equal(messages.n, 1);
	assert_string_equal(messages.items[0],
			    "f:4100: [Fields] y: too many overrides, expected at most 4096");
}

static void test_same_and_equal(void **state)
{
	static const struct {
		const char *other;
		bool same_object, equal;
	} cases[] = {
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n", true, true},
		{"# moved\n\n" OBJECT "\n[Globals]\ng = 1\n[Fields]\na = 1\n", true, true},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Policy]\nDescription=d\n", true, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Policy]\nEnabled=no\n", true, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Policy]\nFallback=b\n", true, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Attach]\nRestart=no\n", true, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Attach]\nRestartSec=1\n", true, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Attach]\nRestartSteps=1\n", true, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Attach]\nRestartMaxDelaySec=1\n", true,
		 false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Attach]\nStartLimitBurst=1\n", true,
		 false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=1\n[Attach]\nStartLimitIntervalSec=1\n", true,
		 false},
		{"[Object]\nPath=y.o\n[Fields]\na=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "SHA256=" DIGEST_LOWER "\n[Fields]\na=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "Map=m\n[Fields]\na=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "[Fields]\na=2\n[Globals]\ng=1\n", false, false},
		{OBJECT "[Fields]\nb=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "[Fields]\na|=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "[Fields m]\na=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "[Fields]\na=1\nb=1\n[Globals]\ng=1\n", false, false},
		{OBJECT "[Fields]\na=1\n[Globals]\ng=2\n", false, false},
		{OBJECT "[Fields]\na=1\n", false, false},
	};
	_cleanup_(policy_freep) struct policy *p = parse_one(cases[0].other);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct policy *other = parse_one(cases[i].other);

		if (policy_same_object(p, other) != cases[i].same_object ||
		    policy_equal(p, other) != cases[i].equal)
			fail_msg("\"%s\"", cases[i].other);
		assert_int_equal(policy_same_object(other, p), cases[i].same_object);
		assert_int_equal(policy_equal(other, p), cases[i].equal);
	}
}

/* Cut off anywhere, it parses or is refused with a message, and nothing leaks or is read too far (ASan). */
static void test_prefixes(void **state)
{
	for (size_t n = 0; n < strlen(every_key); n++) {
		_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_(freep) char *text = strndup(every_key, n);
		int r;

		assert_non_null(text);
		r = parse((const char *const[]){text}, 1, &policy, &messages);
		assert_true(r == 0 || (r == -EBADMSG && messages.n > 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_later_file_wins),
		cmocka_unit_test(test_assignment_drops_what_stood_before),
		cmocka_unit_test(test_special_fields_come_last),
		cmocka_unit_test(test_no_conflict),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_too_many_overrides),
		cmocka_unit_test(test_same_and_equal),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
