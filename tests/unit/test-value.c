/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/nearest.h"
#include "daemon/core/value.h"
#include "tests/unit/test.h"

static const struct {
	const char *name;
	uint64_t number;
} enumerators[] = {
	{"ONE", 1},
	{"TWO", 2},
	{"NEEDS_ECN", 0x80},
	{"BIG", 300},
	{"HUGE", UINT64_MAX},     /* also -1 */
	{"LOW", (uint64_t)-1000}, /* as a signed enum has it */
};

static int find_enumerator(void *userdata, const char *word, uint64_t *ret)
{
	assert_string_equal(userdata, "userdata");
	for (size_t i = 0; i < ARRAY_SIZE(enumerators); i++)
		if (streq(enumerators[i].name, word)) {
			*ret = enumerators[i].number;
			return 0;
		}
	return -ENOENT;
}

static void suggest_enumerators(void *userdata, void *nearest)
{
	assert_string_equal(userdata, "userdata");
	for (size_t i = 0; i < ARRAY_SIZE(enumerators); i++)
		nearest_offer(nearest, enumerators[i].name);
}

static const char *name_of_enumerator(void *userdata, uint64_t number)
{
	assert_string_equal(userdata, "userdata");
	for (size_t i = 0; i < ARRAY_SIZE(enumerators); i++)
		if (enumerators[i].number == number)
			return enumerators[i].name;
	return NULL;
}

#define INTEGER(n, s, sign)                                                      \
	{                                                                        \
		.kind = VALUE_INT, .name = (n), .size = (s), .is_signed = (sign) \
	}
#define ENUM(n, s, sign)                                                           \
	{                                                                          \
		.kind = VALUE_ENUM, .name = (n), .size = (s), .is_signed = (sign), \
		.enumerator = find_enumerator, .suggest = suggest_enumerators,     \
		.name_of = name_of_enumerator, .userdata = (char[]){"userdata"},   \
	}

static const struct value_type u8 = INTEGER("unsigned char", 1, false);
static const struct value_type s8 = INTEGER("signed char", 1, true);
static const struct value_type u16 = INTEGER("unsigned short", 2, false);
static const struct value_type s16 = INTEGER("short", 2, true);
static const struct value_type u32 = INTEGER("unsigned int", 4, false);
static const struct value_type s32 = INTEGER("int", 4, true);
static const struct value_type u64 = INTEGER("unsigned long", 8, false);
static const struct value_type s64 = INTEGER("long", 8, true);
static const struct value_type enum8 = ENUM("enum small", 1, false);
static const struct value_type enum32 = ENUM("enum tcp_flags", 4, false);
static const struct value_type senum32 = ENUM("enum depth", 4, true);
static const struct value_type enum64 = ENUM("enum64 wide", 8, false);
static const struct value_type senum64 = ENUM("enum64 deep", 8, true);
static const struct value_type boolean = {.kind = VALUE_BOOL, .name = "_Bool", .size = 1};
static const struct value_type text8 = {.kind = VALUE_TEXT, .name = "char[8]", .size = 8};
static const struct value_type array3 = {
	.kind = VALUE_INT,
	.name = "unsigned short",
	.size = 2,
	.n_elements = 3,
};
static const struct value_type bools2 = {
	.kind = VALUE_BOOL,
	.name = "_Bool",
	.size = 1,
	.n_elements = 2,
};
static const struct value_type int128 = INTEGER("__int128", 16, true);

static size_t image_size(const struct value_type *type)
{
	return type->size * MAX(type->n_elements, (size_t)1);
}

/* An image at an odd address with a guard on each side; ASan sees what goes beyond. */
struct image {
	unsigned char before, bytes[32], behind;
};
#define GUARD 0xa5

static struct image image_of(uint64_t present)
{
	struct image image = {.before = GUARD, .behind = GUARD};

	memset(image.bytes, GUARD, sizeof(image.bytes));
	memcpy(image.bytes, &present, sizeof(present));
	return image;
}

static void assert_guards(const struct image *image, size_t size)
{
	assert_int_equal(image->before, GUARD);
	assert_int_equal(image->behind, GUARD);
	for (size_t i = MAX(size, sizeof(uint64_t)); i < sizeof(image->bytes); i++)
		assert_int_equal(image->bytes[i], GUARD);
}

static uint64_t number_in(const struct image *image, size_t size)
{
	uint64_t number = 0;

	memcpy(&number, image->bytes, size);
	return number;
}

static const struct {
	const struct value_type *type;
	const char *text;
	uint64_t bits; /* of the element's width */
} integers[] = {
	{&u8, "0", 0},
	{&u8, "255", 255},
	{&u8, "0xff", 255},
	{&u8, "0377", 255},
	{&u8, "-0", 0},
	{&s8, "127", 127},
	{&s8, "-128", 0x80},
	{&s8, "-0x80", 0x80},
	{&s8, "-1", 0xff},
	{&u16, "65535", 65535},
	{&u16, "0XFFFF", 65535},
	{&s16, "32767", 32767},
	{&s16, "-32768", 0x8000},
	{&u32, "4294967295", UINT32_MAX},
	{&u32, "0xDeadBeef", 0xdeadbeef},
	{&s32, "2147483647", INT32_MAX},
	{&s32, "-2147483648", 0x80000000},
	{&u64, "18446744073709551615", UINT64_MAX},
	{&u64, "0xffffffffffffffff", UINT64_MAX},
	{&u64, "01777777777777777777777", UINT64_MAX},
	{&s64, "9223372036854775807", INT64_MAX},
	{&s64, "-9223372036854775808", (uint64_t)INT64_MIN},
	{&s64, "-0x8000000000000000", (uint64_t)INT64_MIN},
	{&u32, "010", 8},
	{&u32, "  7\t", 7},
	{&u32, "00", 0},
	/* '~' counts in the width of the type. */
	{&u8, "~0x4", 0xfb},
	{&u16, "~0x4", 0xfffb},
	{&u32, "~0x4", 0xfffffffb},
	{&u64, "~0x4", 0xfffffffffffffffb},
	{&s32, "~0", UINT32_MAX},
	{&s32, "~-1", 0},
	{&u32, "~ 1", 0xfffffffe},
	/* '|' */
	{&u32, "1|2|0x10", 0x13},
	{&u32, " 1 | 2 ", 3},
	{&u8, "1|~0xf", 0xf1},
	{&s8, "-128|1", 0x81},
	/* Enumerators. */
	{&enum32, "ONE", 1},
	{&enum32, "ONE|TWO|NEEDS_ECN", 0x83},
	{&enum32, "~NEEDS_ECN", 0xffffff7f},
	{&enum32, "ONE|0x100", 0x101},
	{&enum32, "5", 5},
	{&senum32, "HUGE", UINT32_MAX},
	{&senum32, "LOW", (uint32_t)-1000},
	{&senum32, "-5", (uint32_t)-5},
	{&enum64, "HUGE", UINT64_MAX},
	{&senum64, "LOW", (uint64_t)-1000},
};

static void test_integers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(integers); i++) {
		const struct value_type *type = integers[i].type;
		struct image image = image_of(0x5555555555555555);
		_cleanup_(freep) char *error = NULL;

		if (value_parse(type, OVERRIDE_SET, integers[i].text, image.bytes, &error) < 0)
			fail_msg("%s \"%s\": %s", type->name, integers[i].text, error);
		if (number_in(&image, type->size) != integers[i].bits)
			fail_msg("%s \"%s\" became %llx", type->name, integers[i].text,
				 (unsigned long long)number_in(&image, type->size));
		for (size_t j = type->size; j < 8; j++)
			assert_int_equal(image.bytes[j], 0x55);
		assert_guards(&image, type->size);
	}
}

static void test_combining(void **state)
{
	static const struct {
		const struct value_type *type;
		enum override_op op;
		uint64_t present;
		const char *text;
		uint64_t bits;
	} cases[] = {
		{&u32, OVERRIDE_OR, 0x11, "0x3", 0x13},
		{&u32, OVERRIDE_AND, 0x17, "~0x4", 0x13},
		{&u32, OVERRIDE_AND, 0xffffffff, "1|2", 3},
		{&u8, OVERRIDE_OR, 0x80, "1", 0x81},
		{&u64, OVERRIDE_AND, UINT64_MAX, "~1", UINT64_MAX - 1},
		{&s32, OVERRIDE_OR, 0x80000000, "1", 0x80000001},
		{&enum32, OVERRIDE_OR, 2, "NEEDS_ECN", 0x82},
		{&enum32, OVERRIDE_AND, 0x82, "~NEEDS_ECN", 2},
		{&u32, OVERRIDE_SET, 0xff, "0x100", 0x100},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image image = image_of(cases[i].present);
		_cleanup_(freep) char *error = NULL;

		assert_int_equal(
			value_parse(cases[i].type, cases[i].op, cases[i].text, image.bytes, &error),
			0);
		assert_int_equal(number_in(&image, cases[i].type->size), cases[i].bits);
		assert_guards(&image, cases[i].type->size);
	}
}

static void test_booleans(void **state)
{
	static const struct {
		const char *text;
		int value;
	} cases[] = {
		{"yes", 1}, {"true", 1},  {"on", 1},  {"1", 1}, {" Yes ", 1},
		{"no", 0},  {"false", 0}, {"off", 0}, {"0", 0}, {"FALSE", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image image = image_of(0x5555);
		_cleanup_(freep) char *error = NULL;

		assert_int_equal(
			value_parse(&boolean, OVERRIDE_SET, cases[i].text, image.bytes, &error), 0);
		assert_int_equal(image.bytes[0], cases[i].value);
		assert_int_equal(image.bytes[1], 0x55);
	}
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *bytes; /* 8 of them */
	} cases[] = {
		{"reno", "reno\0\0\0\0"},
		{" reno ", "reno\0\0\0\0"},
		{"seven77", "seven77\0"},
		{"", "\0\0\0\0\0\0\0\0"},
		{"\"\"", "\0\0\0\0\0\0\0\0"},
		{"\" a b \"", " a b \0\0\0"},
		{"a b", "a b\0\0\0\0\0"},
		{"a\"b", "a\"b\0\0\0\0\0"},
		{"\"\"a\"", "\"a\0\0\0\0\0\0"},
		{"1|2", "1|2\0\0\0\0\0"},
		{"äöü", "\xc3\xa4\xc3\xb6\xc3\xbc\0\0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image image = image_of(UINT64_MAX);
		_cleanup_(freep) char *error = NULL;

		assert_int_equal(
			value_parse(&text8, OVERRIDE_SET, cases[i].text, image.bytes, &error), 0);
		assert_memory_equal(image.bytes, cases[i].bytes, 8);
		assert_guards(&image, 8);
	}
}

static void test_arrays(void **state)
{
	static const struct {
		const struct value_type *type;
		const char *text;
		unsigned char bytes[6];
	} cases[] = {
		{&array3, "1, 2, 3", {1, 0, 2, 0, 3, 0}},
		{&array3, "1,2,0x0201", {1, 0, 2, 0, 1, 2}},
		{&array3, "7", {7, 0, 0, 0, 0, 0}},
		{&array3, "~0, 1|2", {0xff, 0xff, 3, 0, 0, 0}},
		{&bools2, "no, yes", {0, 1}},
		{&bools2, "on", {1, 0}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image image = image_of(UINT64_MAX);
		_cleanup_(freep) char *error = NULL;

		assert_int_equal(value_parse(cases[i].type, OVERRIDE_SET, cases[i].text,
					     image.bytes, &error),
				 0);
		assert_memory_equal(image.bytes, cases[i].bytes, image_size(cases[i].type));
		assert_int_equal(image.bytes[6], 0xff);
		assert_guards(&image, 8);
	}
}

static const struct {
	const struct value_type *type;
	enum override_op op;
	const char *text;
	int r;
	const char *error;
} refused[] = {
	/* One beyond each limit. */
	{&u8, OVERRIDE_SET, "256", -ERANGE, "256 does not fit into unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "300", -ERANGE, "300 does not fit into unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "-1", -ERANGE, "-1 does not fit into unsigned char (0 … 255)"},
	{&s8, OVERRIDE_SET, "128", -ERANGE, "128 does not fit into signed char (-128 … 127)"},
	{&s8, OVERRIDE_SET, "-129", -ERANGE, "-129 does not fit into signed char (-128 … 127)"},
	{&s8, OVERRIDE_SET, "0xff", -ERANGE, "0xff does not fit into signed char (-128 … 127)"},
	{&u16, OVERRIDE_SET, "65536", -ERANGE,
	 "65536 does not fit into unsigned short (0 … 65535)"},
	{&s16, OVERRIDE_SET, "32768", -ERANGE, "32768 does not fit into short (-32768 … 32767)"},
	{&s16, OVERRIDE_SET, "-32769", -ERANGE, "-32769 does not fit into short (-32768 … 32767)"},
	{&u32, OVERRIDE_SET, "4294967296", -ERANGE,
	 "4294967296 does not fit into unsigned int (0 … 4294967295)"},
	{&s32, OVERRIDE_SET, "2147483648", -ERANGE,
	 "2147483648 does not fit into int (-2147483648 … 2147483647)"},
	{&s32, OVERRIDE_SET, "-2147483649", -ERANGE,
	 "-2147483649 does not fit into int (-2147483648 … 2147483647)"},
	{&u64, OVERRIDE_SET, "18446744073709551616", -ERANGE,
	 "18446744073709551616 does not fit into unsigned long (0 … 18446744073709551615)"},
	{&u64, OVERRIDE_SET, "0x10000000000000000", -ERANGE,
	 "0x10000000000000000 does not fit into unsigned long (0 … 18446744073709551615)"},
	{&u64, OVERRIDE_SET, "0x1000000000000000000", -ERANGE,
	 "0x1000000000000000000 does not fit into unsigned long (0 … 18446744073709551615)"},
	{&s64, OVERRIDE_SET, "9223372036854775808", -ERANGE,
	 "9223372036854775808 does not fit into long "
	 "(-9223372036854775808 … 9223372036854775807)"},
	{&s64, OVERRIDE_SET, "-9223372036854775809", -ERANGE,
	 "-9223372036854775809 does not fit into long "
	 "(-9223372036854775808 … 9223372036854775807)"},
	{&u8, OVERRIDE_SET, "1|256", -ERANGE, "256 does not fit into unsigned char (0 … 255)"},
	{&u8, OVERRIDE_AND, "~256", -ERANGE, "256 does not fit into unsigned char (0 … 255)"},
	/* No integers. */
	{&u8, OVERRIDE_SET, "1.5", -EINVAL,
	 "\"1.5\" is not an integer, expected unsigned char (0 … 255)"},
	{&s8, OVERRIDE_SET, "1e3", -EINVAL,
	 "\"1e3\" is not an integer, expected signed char (-128 … 127)"},
	{&u8, OVERRIDE_SET, "08", -EINVAL,
	 "\"08\" is not an integer (a 0 in front means octal), expected unsigned char "
	 "(0 … 255)"},
	{&u8, OVERRIDE_SET, "0x", -EINVAL,
	 "\"0x\" is not an integer (a 0 in front means octal), expected unsigned char "
	 "(0 … 255)"},
	{&u8, OVERRIDE_SET, "0xfg", -EINVAL,
	 "\"0xfg\" is not an integer (a 0 in front means octal), expected unsigned char "
	 "(0 … 255)"},
	{&u8, OVERRIDE_SET, "12abc", -EINVAL,
	 "\"12abc\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "1 2", -EINVAL,
	 "\"1 2\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "1, 2", -EINVAL,
	 "\"1, 2\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "+1", -EINVAL,
	 "\"+1\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "-", -EINVAL,
	 "\"-\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "- 1", -EINVAL,
	 "\"- 1\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "--1", -EINVAL,
	 "\"--1\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "~~1", -EINVAL,
	 "\"~1\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "\"1\"", -EINVAL,
	 "\"\"1\"\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "99999999999999999999x", -EINVAL,
	 "\"99999999999999999999x\" is not an integer, expected unsigned char (0 … 255)"},
	{&u8, OVERRIDE_SET, "", -EINVAL, "the value is empty, expected unsigned char"},
	{&u8, OVERRIDE_SET, "1|", -EINVAL,
	 "an operand is missing, expected such as 5, A, A|B or ~A"},
	{&u8, OVERRIDE_SET, "|1", -EINVAL,
	 "an operand is missing, expected such as 5, A, A|B or ~A"},
	{&u8, OVERRIDE_SET, "~", -EINVAL,
	 "an operand is missing, expected such as 5, A, A|B or ~A"},
	{&enum32, OVERRIDE_SET, "~(ONE|TWO)", -EINVAL,
	 "\"~(ONE|TWO)\" has parentheses, expected such as 5, A, A|B or ~A"},
	/* Unknown words. */
	{&u8, OVERRIDE_SET, "ONE", -EINVAL,
	 "\"ONE\" is neither an integer nor a known enumerator, expected unsigned char "
	 "(0 … 255)"},
	{&enum32, OVERRIDE_SET, "NEED_ECN", -EINVAL,
	 "\"NEED_ECN\" is neither an integer nor a known enumerator (did you mean "
	 "NEEDS_ECN?), expected enum tcp_flags (0 … 4294967295)"},
	{&enum32, OVERRIDE_OR, "ONE|one", -EINVAL,
	 "\"one\" is neither an integer nor a known enumerator (did you mean ONE?), "
	 "expected enum tcp_flags (0 … 4294967295)"},
	{&enum8, OVERRIDE_SET, "BIG", -ERANGE, "BIG does not fit into enum small (0 … 255)"},
	{&enum32, OVERRIDE_SET, "HUGE", -ERANGE,
	 "HUGE does not fit into enum tcp_flags (0 … 4294967295)"},
	{&enum32, OVERRIDE_SET, "-1", -ERANGE,
	 "-1 does not fit into enum tcp_flags (0 … 4294967295)"},
	/* Booleans. */
	{&boolean, OVERRIDE_SET, "2", -EINVAL, "\"2\" is no boolean, expected yes or no"},
	{&boolean, OVERRIDE_SET, "maybe", -EINVAL, "\"maybe\" is no boolean, expected yes or no"},
	{&boolean, OVERRIDE_SET, "", -EINVAL, "the value is empty, expected _Bool"},
	{&boolean, OVERRIDE_OR, "yes", -EINVAL, "\"|=\" is for numbers, expected \"=\" for _Bool"},
	/* Texts. */
	{&text8, OVERRIDE_SET, "eight888", -ERANGE,
	 "\"eight888\" has 8 bytes, char[8] has room for 7 and the NUL behind"},
	{&text8, OVERRIDE_SET, "\"eight888\"", -ERANGE,
	 "\"eight888\" has 8 bytes, char[8] has room for 7 and the NUL behind"},
	{&text8, OVERRIDE_SET, "\"open", -EINVAL,
	 "no '\"' at the end of \"open, expected \"text\" (\" ;\" starts a comment, also "
	 "there)"},
	{&text8, OVERRIDE_SET, "\"", -EINVAL,
	 "no '\"' at the end of \", expected \"text\" (\" ;\" starts a comment, also "
	 "there)"},
	{&text8, OVERRIDE_AND, "a", -EINVAL, "\"&=\" is for numbers, expected \"=\" for char[8]"},
	/* Arrays. */
	{&array3, OVERRIDE_SET, "1, 2, 3, 4", -ERANGE,
	 "\"1, 2, 3, 4\" has 4 values, expected at most 3 of unsigned short"},
	{&array3, OVERRIDE_SET, "1, 2, 3,", -ERANGE,
	 "\"1, 2, 3,\" has 4 values, expected at most 3 of unsigned short"},
	{&array3, OVERRIDE_SET, "1, , 3", -EINVAL,
	 "element 1: the value is empty, expected unsigned short"},
	{&array3, OVERRIDE_SET, "1, 2, 65536", -ERANGE,
	 "element 2: 65536 does not fit into unsigned short (0 … 65535)"},
	{&array3, OVERRIDE_SET, "", -EINVAL,
	 "element 0: the value is empty, expected unsigned short"},
	{&array3, OVERRIDE_OR, "1", -EINVAL,
	 "\"|=\" is for one number, expected \"=\" or one element, as in \"member[0] |= "
	 "1\""},
	{&bools2, OVERRIDE_SET, "yes, 5", -EINVAL,
	 "element 1: \"5\" is no boolean, expected yes or no"},
	{&int128, OVERRIDE_SET, "1", -EINVAL, "__int128 has 16 bytes, expected 1, 2, 4 or 8"},
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct image image = image_of(0x5555555555555555), before = image;
		_cleanup_(freep) char *error = NULL;
		int r = value_parse(refused[i].type, refused[i].op, refused[i].text, image.bytes,
				    &error);

		assert_text(error, refused[i].error);
		assert_int_equal(r, refused[i].r);
		assert_memory_equal(&image, &before, sizeof(image));
	}
}

static void test_format(void **state)
{
	static const struct {
		const struct value_type *type;
		uint64_t present;
		const char *text;
	} cases[] = {
		{&u8, 255, "255"},
		{&s8, 255, "-1"},
		{&s8, 0x80, "-128"},
		{&u16, 65535, "65535"},
		{&s16, 0x8000, "-32768"},
		{&u32, UINT32_MAX, "4294967295"},
		{&s32, 0x80000000, "-2147483648"},
		{&s32, INT32_MAX, "2147483647"},
		{&u64, UINT64_MAX, "18446744073709551615"},
		{&s64, (uint64_t)INT64_MIN, "-9223372036854775808"},
		{&boolean, 0, "no"},
		{&boolean, 1, "yes"},
		{&enum32, 0x80, "NEEDS_ECN"},
		{&enum32, 0x83, "131"},
		{&senum32, (uint32_t)-1000, "LOW"},
		{&senum32, (uint32_t)-1001, "-1001"},
		{&array3, 0x000300020001, "1, 2, 3"},
		{&bools2, 0x0100, "no, yes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image image = image_of(cases[i].present), again = image_of(0);
		_cleanup_(freep) char *text = value_format(cases[i].type, image.bytes);
		_cleanup_(freep) char *error = NULL;

		assert_text(text, cases[i].text);
		/* value_parse() reads it and comes to the same bytes. */
		assert_int_equal(
			value_parse(cases[i].type, OVERRIDE_SET, text, again.bytes, &error), 0);
		assert_memory_equal(again.bytes, image.bytes, image_size(cases[i].type));
	}
}

static void test_format_text(void **state)
{
	static const struct {
		const char *bytes; /* 8 of them */
		const char *text;
		bool exact; /* value_parse() comes back to the bytes */
	} cases[] = {
		{"reno\0\0\0\0", "reno", true},
		{"\0\0\0\0\0\0\0\0", "", true},
		{"seven77\0", "seven77", true},
		{" a\0\0\0\0\0\0", "\" a\"", true},
		{"a \0\0\0\0\0\0", "\"a \"", true},
		{"\"a\0\0\0\0\0\0", "\"\"a\"", true},
		{"a\tb\0\0\0\0\0", "a\tb", true},
		{"\xc3\xa4\0\0\0\0\0\0", "ä", true},
		{"a\0bcdefg", "a", false},                /* what is behind the NUL is not text */
		{"eight888", "eight888", false},          /* no NUL at all */
		{"a\xff\x62\xc3\0\0\0\0", "a?b?", false}, /* not UTF-8 */
		{"a\n\x1b\x7f\0\0\0\0", "a???", false},   /* would upset a terminal */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *text = value_format(&text8, cases[i].bytes);
		_cleanup_(freep) char *error = NULL;
		char again[8];

		assert_text(text, cases[i].text);
		if (!cases[i].exact)
			continue;
		assert_int_equal(value_parse(&text8, OVERRIDE_SET, text, again, &error), 0);
		assert_memory_equal(again, cases[i].bytes, sizeof(again));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers), cmocka_unit_test(test_combining),
		cmocka_unit_test(test_booleans), cmocka_unit_test(test_texts),
		cmocka_unit_test(test_arrays),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_format),   cmocka_unit_test(test_format_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
