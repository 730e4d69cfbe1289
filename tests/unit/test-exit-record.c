/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/exit-record.h"
#include "daemon/core/utf8.h"
#include "tests/unit/test.h"

#define ACT_RESTART (1LL << 48)
#define RSN_HOTPLUG (1LL << 32)
#define RSN_CGROUP_OFFLINE (2LL << 32)

/* As the kernel's own schedulers have it: behind another variable of the same section. */
struct value {
	uint64_t other;
	int32_t kind;
	int32_t exit_cpu;
	int64_t code;
	char reason[EXIT_REASON_MAX];
	char message[EXIT_MESSAGE_MAX];
};

static const struct exit_layout layout = {
	.value_size = sizeof(struct value),
	.kind = offsetof(struct value, kind),
	.code = offsetof(struct value, code),
	.reason = offsetof(struct value, reason),
	.reason_size = EXIT_REASON_MAX,
	.message = offsetof(struct value, message),
	.message_size = EXIT_MESSAGE_MAX,
};

static void test_class(void **state)
{
	static const struct {
		int kind;
		int64_t code;
		enum exit_class class;
	} rows[] = {
		{64, 0, EXIT_WISH},
		{64, ACT_RESTART, EXIT_WISH},
		{65, 0, EXIT_WISH},
		{65, 77, EXIT_WISH},
		{65, ACT_RESTART | 77, EXIT_RESTART},
		{66, RSN_HOTPLUG, EXIT_WISH},
		{66, ACT_RESTART | RSN_HOTPLUG, EXIT_RESTART},
		{66, RSN_CGROUP_OFFLINE, EXIT_WISH},
		{67, 0, EXIT_WISH},
		{67, ACT_RESTART, EXIT_WISH},
		{68, 0, EXIT_PARENT},
		{69, ACT_RESTART, EXIT_WISH},
		{1024, 0, EXIT_ERROR},
		{1025, ACT_RESTART, EXIT_ERROR},
		{1026, 0, EXIT_ERROR},
		{2000, 0, EXIT_ERROR},
		/* Kinds that nobody has heard of. */
		{1, 0, EXIT_ERROR},
		{63, ACT_RESTART, EXIT_ERROR},
		{70, ACT_RESTART, EXIT_ERROR},
		{-1, 0, EXIT_ERROR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct exit_record r = {.kind = rows[i].kind, .code = rows[i].code};

		if (exit_record_class(&r) != rows[i].class)
			fail_msg("kind %d, code %llx: class %d", r.kind, (unsigned long long)r.code,
				 exit_record_class(&r));
	}
}

static void test_text(void **state)
{
	static const struct {
		struct exit_record record;
		const char *text;
	} rows[] = {
		{{1026, 0, "runnable task stall", "victim[250] failed to run for 2.656s"},
		 "runnable task stall: victim[250] failed to run for 2.656s (kind 1026)"},
		{{65, 77, "unregistered from BPF", ""}, "unregistered from BPF (kind 65, code 77)"},
		{{65, -3, "unregistered from BPF", ""}, "unregistered from BPF (kind 65, code -3)"},
		{{66, ACT_RESTART | RSN_HOTPLUG, "unregistered from the main kernel", "cpu 1 off"},
		 "unregistered from the main kernel: cpu 1 off (kind 66, code 0x1000100000000: a "
		 "restart is asked for, CPU hotplug)"},
		{{66, RSN_CGROUP_OFFLINE, "gone", ""},
		 "gone (kind 66, code 0x200000000: its cgroup is gone)"},
		{{65, ACT_RESTART | 5, "gone", ""},
		 "gone (kind 65, code 0x1000000000005: a restart is asked for)"},
		{{1024, 0, "", ""}, "no reason given (kind 1024)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *text = exit_record_text(&rows[i].record);

		assert_text(text, rows[i].text);
	}
}

static void test_parse(void **state)
{
	struct value value = {.kind = 1025, .code = -7, .reason = "scx_bpf_error"};
	struct exit_record r;

	/* Not terminated: all of its bytes count. */
	memset(value.message, 'm', sizeof(value.message));
	assert_int_equal(exit_record_parse(&value, sizeof(value), &layout, &r), 0);
	assert_int_equal(r.kind, 1025);
	assert_int_equal(r.code, -7);
	assert_string_equal(r.reason, "scx_bpf_error");
	assert_int_equal(strlen(r.message), EXIT_MESSAGE_MAX);
}

static void test_parse_less(void **state)
{
	static const struct value value = {.kind = 64, .code = 5, .reason = "r", .message = "m"};
	struct exit_layout only_kind = {
		.value_size = sizeof(value), .kind = layout.kind, .code = EXIT_OFFSET_NONE};
	struct exit_record r;

	assert_int_equal(exit_record_parse(&value, sizeof(value), &only_kind, &r), 0);
	assert_int_equal(r.kind, 64);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.reason, "");
	assert_string_equal(r.message, "");
}

static void test_clean_text(void **state)
{
	static const struct {
		const char *written, *read;
	} rows[] = {
		{"ops.init() failed (-75)\n", "ops.init() failed (-75)"},
		{"two\nlines\tand more", "two lines and more"},
		{"\033[31mred", " [31mred"},
		{"K\xc3\xb6nig", "K\xc3\xb6nig"},
		{"\xff\xfe", "??"},
		{"cut \xe2\x82", "cut ??"},
		{"\xc0\xaf overlong", "?? overlong"},
		{"\xed\xa0\x80 surrogate", "??? surrogate"},
		{"\n \n", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct value value = {.kind = 64};
		struct exit_record r;

		strcpy(value.reason, rows[i].written);
		strcpy(value.message, rows[i].written);
		assert_int_equal(exit_record_parse(&value, sizeof(value), &layout, &r), 0);
		assert_string_equal(r.reason, rows[i].read);
		assert_string_equal(r.message, rows[i].read);
	}
}

/* Whatever the bytes are: terminated, and UTF-8. */
static void test_any_bytes(void **state)
{
	struct value value;
	struct exit_record r;

	srand(1);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(value); i++)
			((unsigned char *)&value)[i] = (unsigned char)rand();
		assert_int_equal(exit_record_parse(&value, sizeof(value), &layout, &r), 0);
		assert_true(strnlen(r.reason, sizeof(r.reason)) < sizeof(r.reason));
		assert_true(strnlen(r.message, sizeof(r.message)) < sizeof(r.message));
		assert_int_equal(utf8_valid_length(r.message, strlen(r.message)),
				 strlen(r.message));
	}
}

static void test_layouts_that_do_not_fit(void **state)
{
	static const struct value value;
	struct exit_layout l[] = {
		{0}, layout, layout, layout, layout, layout, layout,
	};
	struct exit_record r = {.kind = 5};

	l[1].value_size = sizeof(value) + 1;
	l[2].kind = sizeof(value) - 3;
	l[3].code = UINT32_MAX - 1;
	l[4].reason = sizeof(value) - EXIT_REASON_MAX + 1;
	l[5].message_size = UINT32_MAX;
	l[6].value_size = layout.message;
	for (size_t i = 0; i < ARRAY_SIZE(l); i++)
		if (exit_record_parse(&value, sizeof(value), &l[i], &r) != -EBADMSG)
			fail_msg("layout %zu was taken", i);
	assert_int_equal(exit_record_parse(&value, sizeof(value) - 1, &layout, &r), -EBADMSG);
	assert_int_equal(r.kind, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_less),
		cmocka_unit_test(test_clean_text),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_layouts_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
