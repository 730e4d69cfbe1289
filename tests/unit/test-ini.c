/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/ini.h"
#include "tests/unit/test.h"

/* What the handler saw, a line an item: "line section_line [section] key op value". */
struct seen {
	FILE *f;
	char *text;
	size_t size;
	unsigned fail_at_line; /* 0: never */
};

static int note_item(void *userdata, const struct ini_item *item)
{
	struct seen *seen = userdata;

	assert_string_equal(item->file, "f");
	if (item->key)
		fprintf(seen->f, "%u %u [%s] %s %c %s\n", item->line, item->section_line,
			item->section, item->key, item->op, item->value);
	else
		fprintf(seen->f, "%u %u [%s]\n", item->line, item->section_line, item->section);
	return item->line == seen->fail_at_line ? -EUCLEAN : 0;
}

struct ini_case {
	const char *text;
	const char *items;
	const char *errors; /* NULL: none */
};

static void check_bytes(const char *text, size_t length, const char *items, const char *errors)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(freep) char *exact = malloc(length + 1), *joined = NULL;
	struct seen seen = {0};
	int r;

	/* No NUL behind, and the bytes at the end of their allocation: a read too far is seen by ASan. */
	assert_non_null(exact);
	memcpy(exact + 1, text, length);
	seen.f = open_memstream(&seen.text, &seen.size);
	assert_non_null(seen.f);
	r = ini_parse_text("f", exact + 1, length, note_item, &seen, &messages);
	fclose(seen.f);
	joined = messages_join(&messages, "\n");
	assert_non_null(joined);
	assert_string_equal(joined, or_empty(errors));
	assert_int_equal(r, errors ? -EBADMSG : 0);
	assert_string_equal(seen.text, items);
	free(seen.text);
}

static void check_cases(const struct ini_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_bytes(cases[i].text, strlen(cases[i].text), cases[i].items, cases[i].errors);
}

static void test_good(void **state)
{
	static const struct ini_case cases[] = {
		{"", ""},
		{"\n\n", ""},
		{"[A]", "1 1 [A]\n"},
		{"[A]\nk=v", "1 1 [A]\n2 1 [A] k = v\n"},
		{"\n[A]\n\nk = v\n[B]\nk=w\n", "2 2 [A]\n4 2 [A] k = v\n5 5 [B]\n6 5 [B] k = w\n"},
		/* Blanks; an indented line is no continuation. */
		{"  [A] \n\tk\t=\tv w \t\n  l=x\n", "1 1 [A]\n2 1 [A] k = v w\n3 1 [A] l = x\n"},
		{"[ A   b\t c ]\n", "1 1 [A b c]\n"},
		/* Nothing behind the '='. */
		{"[A]\nk=\nl =  \n", "1 1 [A]\n2 1 [A] k = \n3 1 [A] l = \n"},
		/* Operators. */
		{"[A]\na |= 1\nb|=2\nc &= 3\nd&=4\ne | = 5\nf =|= 6\n",
		 "1 1 [A]\n2 1 [A] a | 1\n3 1 [A] b | 2\n4 1 [A] c & 3\n5 1 [A] d & 4\n"
		 "7 1 [A] f = |= 6\n",
		 "f:6: a blank in the key \"e |\", expected \"key = value\""},
		/* The first '=' counts; ':' is an ordinary letter of a value. */
		{"[A]\na=b=c\nd=e:f\n", "1 1 [A]\n2 1 [A] a = b=c\n3 1 [A] d = e:f\n"},
		/* Comments. */
		{"# c\n; c\n  # [A]\n[A] ; c\nk = v ; c\nl = v;w\nm = v # w\nn = ; c\no =;v\n",
		 "4 4 [A]\n5 4 [A] k = v\n6 4 [A] l = v;w\n7 4 [A] m = v # w\n8 4 [A] n = \n"
		 "9 4 [A] o = ;v\n"},
		/* As Windows writes it. */
		{"\xef\xbb\xbf[A]\r\nk=v\r\n\r\n", "1 1 [A]\n2 1 [A] k = v\n"},
		{"\xef\xbb\xbfk=v", "",
		 "f:1: \"k\" stands before any section, expected \"[section]\" above it"},
		/* Members of arrays look a bit like headers. */
		{"[A]\nx[1].y = 2\n", "1 1 [A]\n2 1 [A] x[1].y = 2\n"},
		{"[Ä]\nk = 日本語 \xf0\x9f\x98\x80\n",
		 "1 1 [Ä]\n2 1 [Ä] k = 日本語 \xf0\x9f\x98\x80\n"},
		/* The same key twice: the handler's business. */
		{"[A]\nk=1\nk=2\n", "1 1 [A]\n2 1 [A] k = 1\n3 1 [A] k = 2\n"},
	};

	check_cases(cases, ARRAY_SIZE(cases));
}

static void test_bad_lines(void **state)
{
	static const struct ini_case cases[] = {
		{"k=v\nl=w\n", "",
		 "f:1: \"k\" stands before any section, expected \"[section]\" above it\n"
		 "f:2: \"l\" stands before any section, expected \"[section]\" above it"},
		{"[A]\nnonsense\nk=v\n", "1 1 [A]\n3 1 [A] k = v\n",
		 "f:2: no '=' in \"nonsense\", expected \"key = value\""},
		{"[A]\nPath:x\nPath:x=y\na:b = c\n", "1 1 [A]\n",
		 "f:2: no '=' in \"Path:x\", expected \"key = value\"\n"
		 "f:3: ':' in the key \"Path:x\", expected \"key = value\"\n"
		 "f:4: ':' in the key \"a:b\", expected \"key = value\""},
		{"[A]\n= v\n|= w\n", "1 1 [A]\n",
		 "f:2: no key before the '=', expected \"key = value\"\n"
		 "f:3: no key before the '=', expected \"key = value\""},
		{"[A]\nk ; = v\n", "1 1 [A]\n", "f:2: no '=' in \"k\", expected \"key = value\""},
		{"[A]\nRestart Sec = 1\n", "1 1 [A]\n",
		 "f:2: a blank in the key \"Restart Sec\", expected \"key = value\""},
		/* What follows a bad header goes to no section at all. */
		{"[A]\nk=1\n[B\nk=2\n[C]\nk=3\n",
		 "1 1 [A]\n2 1 [A] k = 1\n5 5 [C]\n6 5 [C] k = 3\n",
		 "f:3: no ']' behind \"[B\", expected \"[section]\""},
		{"[A] k=1\nk=2\n", "",
		 "f:1: \"k=1\" behind the header, expected it on a line of its own"},
		{"[]\nk=1\n[  ]\n", "",
		 "f:1: \"[]\" names no section, expected \"[section]\"\n"
		 "f:3: \"[]\" names no section, expected \"[section]\""},
		{"[A]\n[B\xff]\nk=1\n", "1 1 [A]\n",
		 "f:2: byte 3 of the line (0xff) is not valid UTF-8, expected UTF-8 text"},
	};

	check_cases(cases, ARRAY_SIZE(cases));
}

static void test_nul(void **state)
{
	static const char text[] = "[A]\nk=\0v\nl=w\n# c\0\n[B\0]\nm=x\n";

	check_bytes(text, sizeof(text) - 1, "1 1 [A]\n3 1 [A] l = w\n",
		    "f:2: byte 3 of the line is NUL, expected text\n"
		    "f:4: byte 4 of the line is NUL, expected text\n"
		    "f:5: byte 3 of the line is NUL, expected text");
}

/* Each after "k=": the byte at which it stops to be UTF-8. */
static void test_utf8(void **state)
{
	static const struct {
		const char *value;
		unsigned bad; /* 0: none */
	} cases[] = {
		{"\x7f", 0},
		{"\xc2\x80", 0},
		{"\xdf\xbf", 0},
		{"\xe0\xa0\x80", 0},
		{"\xed\x9f\xbf", 0},
		{"\xee\x80\x80", 0},
		{"\xef\xbf\xbf", 0},
		{"\xf0\x90\x80\x80", 0},
		{"\xf4\x8f\xbf\xbf", 0},
		{"\x80", 3},                 /* continuation alone */
		{"ab\xff", 5},               /* no lead byte */
		{"\xc0\x80", 3},             /* overlong NUL */
		{"\xc1\xbf", 3},             /* overlong */
		{"\xe0\x9f\xbf", 3},         /* overlong */
		{"\xf0\x8f\xbf\xbf", 3},     /* overlong */
		{"\xed\xa0\x80", 3},         /* surrogate */
		{"\xed\xbf\xbf", 3},         /* surrogate */
		{"\xf4\x90\x80\x80", 3},     /* above U+10FFFF */
		{"\xf8\x88\x80\x80\x80", 3}, /* five bytes */
		{"ä\xc3", 5},                /* cut off */
		{"\xe2\x82", 3},
		{"\xf0\x9f\x98", 3},
		{"\xe2(\xa1", 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64], items[64], error[128];

		snprintf(text, sizeof(text), "[A]\nk=%s", cases[i].value);
		snprintf(items, sizeof(items), "1 1 [A]\n2 1 [A] k = %s\n", cases[i].value);
		snprintf(
			error, sizeof(error),
			"f:2: byte %u of the line (0x%02x) is not valid UTF-8, expected UTF-8 text",
			cases[i].bad, (unsigned char)text[4 + cases[i].bad - (cases[i].bad > 0)]);
		if (cases[i].bad > 0)
			check_bytes(text, strlen(text), "1 1 [A]\n", error);
		else
			check_bytes(text, strlen(text), items, NULL);
	}
}

/* "[A]\n" and a line of so many bytes that starts with prefix and goes on with letters. */
static char *long_line(const char *prefix, size_t length, const char *behind)
{
	char *text = malloc(4 + length + strlen(behind) + 1);

	assert_non_null(text);
	strcpy(text, "[A]\n");
	memset(text + 4, 'x', length);
	memcpy(text + 4, prefix, strlen(prefix));
	strcpy(text + 4 + length, behind);
	return text;
}

/* From inside inih's 200 bytes to over its end, and to ours. */
static void test_long_values(void **state)
{
	static const size_t lengths[] = {10,  49,  50,  51,  197,  198, 199,
					 200, 201, 202, 400, 4095, 4096};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_cleanup_(freep) char *text = long_line("key = ", lengths[i], "\r\nl=2\n");
		_cleanup_(freep) char *items = NULL;

		assert_true(asprintf(&items, "1 1 [A]\n2 1 [A] key = %.*s\n3 1 [A] l = 2\n",
				     (int)lengths[i] - 6, text + 10) > 0);
		check_bytes(text, strlen(text), items, NULL);
	}
}

static void test_too_long_line(void **state)
{
	static const char *const prefixes[] = {"key = ", "# ", ";"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		_cleanup_(freep) char *text = long_line(prefixes[i], INI_LINE_MAX + 1, "\nl=2\n");

		check_bytes(text, strlen(text), "1 1 [A]\n3 1 [A] l = 2\n",
			    "f:2: the line has 4097 bytes, expected at most 4096");
	}
}

static void test_long_section(void **state)
{
	_cleanup_(freep) char *text = long_line("[Fields ", 300, "]\nk=1\n");
	_cleanup_(freep) char *items = NULL;

	assert_true(asprintf(&items, "1 1 [A]\n2 2 [%.*s]\n3 2 [%.*s] k = 1\n", 299, text + 5, 299,
			     text + 5) > 0);
	check_bytes(text, strlen(text), items, NULL);
}

static void test_key_length(void **state)
{
	_cleanup_(freep) char *longest = long_line("", INI_KEY_MAX, " = v\n");
	_cleanup_(freep) char *too_long = long_line("", INI_KEY_MAX + 1, " = v\n");
	_cleanup_(freep) char *items = NULL;

	assert_true(asprintf(&items, "1 1 [A]\n2 1 [A] %.*s = v\n", INI_KEY_MAX, longest + 4) > 0);
	check_bytes(longest, strlen(longest), items, NULL);
	check_bytes(too_long, strlen(too_long), "1 1 [A]\n",
		    "f:2: the key has 193 bytes, expected at most 192");
}

static void test_too_many_errors(void **state)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	struct seen seen = {.f = fopen("/dev/null", "we")};
	char text[4 * INI_ERRORS_MAX];

	assert_non_null(seen.f);
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "x\n", 2);
	assert_int_equal(ini_parse_text("f", text, sizeof(text), note_item, &seen, &messages),
			 -EBADMSG);
	assert_int_equal(messages.n, INI_ERRORS_MAX + 1);
	assert_string_equal(messages.items[INI_ERRORS_MAX],
			    "f:100: too many errors, the rest of the file was not read");
	fclose(seen.f);
}

static void test_handler_ends_it(void **state)
{
	static const char text[] = "[A]\nk=1\nl=2\n[B]\nm=3\n";
	static const struct {
		unsigned line;
		const char *items;
	} cases[] = {
		{1, "1 1 [A]\n"},
		{2, "1 1 [A]\n2 1 [A] k = 1\n"},
		{4, "1 1 [A]\n2 1 [A] k = 1\n3 1 [A] l = 2\n4 4 [B]\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
		struct seen seen = {.fail_at_line = cases[i].line};

		seen.f = open_memstream(&seen.text, &seen.size);
		assert_non_null(seen.f);
		assert_int_equal(
			ini_parse_text("f", text, strlen(text), note_item, &seen, &messages),
			-EUCLEAN);
		fclose(seen.f);
		assert_string_equal(seen.text, cases[i].items);
		free(seen.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_too_long_line),
		cmocka_unit_test(test_long_section),
		cmocka_unit_test(test_key_length),
		cmocka_unit_test(test_too_many_errors),
		cmocka_unit_test(test_handler_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
