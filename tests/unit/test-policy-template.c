/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Match] and [Tcp]: what they mean, what is refused, and the instances of templates. */
#include "daemon/core/policy.h"
#include "daemon/core/strv.h"
#include "tests/unit/test.h"

#define OBJECT "[Object]\nPath=x.o\n"
#define TEMPLATE OBJECT "[Match]\nHid=0003:046D:*\n"
#define NAME_32 "abcdefghijklmnopqrstuvwxyz012345"

static int parse(const char *name, const char *text, const char *drop_in, struct policy **ret,
		 struct messages *messages)
{
	struct policy_source sources[] = {
		{.path = (char *)"f", .text = (char *)text, .length = strlen(text)},
		{.path = (char *)"g",
		 .text = (char *)drop_in,
		 .length = drop_in ? strlen(drop_in) : 0},
	};

	return policy_parse(name, sources, drop_in ? 2 : 1, ret, messages);
}

/* A policy that must parse; the caller frees. */
static struct policy *parse_good(const char *text, const char *drop_in)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	struct policy *policy = NULL;

	if (parse("pad", text, drop_in, &policy, &messages) < 0)
		fail_msg("refused: %s", messages.n > 0 ? messages.items[0] : "(no message)");
	return policy;
}

static void assert_refused(const char *name, const char *text, const char *wanted)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(freep) char *said = NULL;
	struct policy *policy = NULL;

	assert_int_equal(parse(name, text, NULL, &policy, &messages), -EBADMSG);
	said = messages_join(&messages, "\n");
	assert_text(said, wanted);
}

static void test_defaults(void **state)
{
	_cleanup_(policy_freep) struct policy *p = parse_good(OBJECT, NULL);

	assert_false(p->is_template);
	assert_int_equal(p->hid.bus, HID_ANY);
	assert_false(p->tcp_default);
	assert_null(p->tcp_netns);
}

static void test_match(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse_good(OBJECT "[Match]\nHid=0003:046d:*:*Receiver*\n", NULL);

	assert_true(p->is_template);
	assert_int_equal(p->hid.bus, 3);
	assert_int_equal(p->hid.vendor, 0x46d);
	assert_int_equal(p->hid.product, HID_ANY);
	assert_string_equal(p->hid.name, "*Receiver*");
	assert_string_equal(p->hid_file, "f");
	assert_int_equal(p->hid_line, 4);
}

/* The later one wins; an empty one makes an ordinary policy of it. */
static void test_match_in_drop_ins(void **state)
{
	_cleanup_(policy_freep) struct policy *other = parse_good(TEMPLATE,
								  "[Match]\nHid=*:*:0001:x\n");
	_cleanup_(policy_freep) struct policy *none = parse_good(TEMPLATE, "[Match]\nHid=\n");

	assert_int_equal(other->hid.vendor, HID_ANY);
	assert_int_equal(other->hid.product, 1);
	assert_string_equal(other->hid_file, "g");
	assert_int_equal(other->hid_line, 2);
	assert_false(none->is_template);
	assert_int_equal(none->hid.bus, HID_ANY);
}

static void test_tcp(void **state)
{
	_cleanup_(policy_freep) struct policy *own = parse_good(OBJECT "[Tcp]\nDefault=yes\n",
								NULL);
	_cleanup_(policy_freep) struct policy *some =
		parse_good(OBJECT "[Tcp]\nDefault=yes\nNetns=blue  a-b_c.d /proc/7/ns/net\n", NULL);
	_cleanup_(policy_freep) struct policy *reset =
		parse_good(OBJECT "[Tcp]\nDefault=yes\nNetns=blue\n", "[Tcp]\nDefault=\nNetns=\n");

	assert_true(own->tcp_default);
	assert_null(own->tcp_netns);
	assert_int_equal(strv_length(some->tcp_netns), 3);
	assert_string_equal(some->tcp_netns[0], "blue");
	assert_string_equal(some->tcp_netns[1], "a-b_c.d");
	assert_string_equal(some->tcp_netns[2], "/proc/7/ns/net");
	assert_false(reset->tcp_default);
	assert_null(reset->tcp_netns);
}

static const struct {
	const char *text;
	const char *messages; /* with newlines between them */
} refused[] = {
	{OBJECT "[Match]\nHid=046D:C52B\n",
	 "f:4: [Match] Hid: \"046D:C52B\" is no match, expected BUS:VENDOR:PRODUCT[:NAME], the "
	 "first three hexadecimal or \"*\", such as 0003:046D:*"},
	{OBJECT "[Match]\nHid=usb:046D:C52B\n",
	 "f:4: [Match] Hid: \"usb:046D:C52B\" is no match, expected BUS:VENDOR:PRODUCT[:NAME], the "
	 "first three hexadecimal or \"*\", such as 0003:046D:*"},
	{OBJECT "[Match]\nDevice=x\n", "f:4: [Match] Device: unknown key, expected Hid"},
	{TEMPLATE "[Fields]\nhid_id=1\n[Fields m]\nhid_id=\n",
	 "f:6: [Fields] hid_id: each instance gets its own, since [Match] Hid= (f:4) makes this a "
	 "template, expected one of the two\n"
	 "f:8: [Fields] hid_id: each instance gets its own, since [Match] Hid= (f:4) makes this a "
	 "template, expected one of the two"},
	{TEMPLATE "[Tcp]\nDefault=yes\n",
	 "f:6: [Tcp] Default: [Match] Hid= makes this a template for HID devices, which have no "
	 "congestion control, expected one of the two"},
	{OBJECT "[Tcp]\nDefault=perhaps\n",
	 "f:4: [Tcp] Default: \"perhaps\" is no boolean, expected yes or no"},
	{OBJECT "[Tcp]\nNetns=blue\n",
	 "f:4: [Tcp] Netns: without Default=yes nothing is changed there, expected both"},
	{OBJECT "[Tcp]\nDefault=yes\nNetns=blue run/green\n",
	 "f:5: [Tcp] Netns: \"run/green\" is no network namespace, expected names as in "
	 "ip-netns(8) or absolute paths, with blanks between them"},
	{OBJECT "[Tcp]\nDefault=yes\nNetns=..\n",
	 "f:5: [Tcp] Netns: \"..\" is no network namespace, expected names as in ip-netns(8) or "
	 "absolute paths, with blanks between them"},
	{OBJECT "[Tcp]\nDefault=yes\nNetns=blue red blue\n",
	 "f:5: [Tcp] Netns: \"blue\" stands there twice, expected each namespace once"},
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_refused("pad", refused[i].text, refused[i].messages);
}

static void test_name_leaves_room_for_the_device(void **state)
{
	struct policy *p = NULL;
	struct messages messages = MESSAGES_NULL;

	assert_int_equal(strlen(NAME_32), POLICY_TEMPLATE_NAME_MAX);
	assert_int_equal(parse(NAME_32, TEMPLATE, NULL, &p, &messages), 0);
	policy_free(p);
	assert_refused(NAME_32 "6", TEMPLATE,
		       "f:4: [Match] Hid: the name of the policy has 33 characters, expected at "
		       "most 32: the device is added to it for each instance");
}

static struct hid_device device(void)
{
	struct hid_device d;

	assert_int_equal(hid_device_parse("/devices/usb1/0003:046D:C52B.001F",
					  "0003:0000046D:0000C52B", "Receiver", &d),
			 0);
	return d;
}

static void test_instance(void **state)
{
	_cleanup_(policy_freep) struct policy *template = parse_good(
		TEMPLATE "[Policy]\nDescription=d\nFallback=b\nEnabled=no\n[Object]\nMap=m n\n",
		"[Fields m]\nflags=1\n[Fields]\nx=2\n[Globals]\ng=3\n[Attach]\nRestart=no\n");
	_cleanup_(hid_device_done) struct hid_device d = device();
	_cleanup_(policy_freep) struct policy *p = NULL;

	assert_int_equal(policy_instance(template, &d, &p), 0);
	/* Nothing of it is the template's. */
	template = policy_free(template);

	assert_string_equal(p->name, "pad@0003-046D-C52B.001F");
	assert_true(policy_name_is_valid(p->name));
	assert_false(p->is_template);
	assert_false(p->enabled);
	assert_string_equal(p->description, "d");
	assert_string_equal(p->fallback, "b");
	assert_string_equal(p->object_path, "x.o");
	assert_int_equal(strv_length(p->maps), 2);
	assert_int_equal(p->restart.mode, RESTART_NO);
	assert_int_equal(strv_length(p->files), 2);
	assert_int_equal(p->n_globals, 1);
	assert_ptr_equal(p->globals[0].file, p->files[1]);

	/* Those of one map come last, as everywhere. */
	assert_int_equal(p->n_fields, 3);
	assert_string_equal(p->fields[0].path, "x");
	assert_string_equal(p->fields[1].path, "hid_id");
	assert_string_equal(p->fields[1].value, "31");
	assert_ptr_equal(p->fields[1].file, p->files[0]);
	assert_int_equal(p->fields[1].line, 4);
	assert_string_equal(p->fields[2].map, "m");
	assert_ptr_equal(p->fields[0].file, p->files[1]);
	assert_ptr_equal(p->fields[2].file, p->files[1]);
}

/* A changed match says which instances there are, not what they are like. */
static void test_same_and_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool same_object, equal;
	} cases[] = {
		{TEMPLATE, TEMPLATE, true, true},
		{TEMPLATE, OBJECT "[Match]\nHid=3:46d:*\n", true, true},
		{TEMPLATE, OBJECT "[Match]\nHid=0003:046D:0001\n", true, false},
		{TEMPLATE, OBJECT "[Match]\nHid=0003:046D:*:x\n", true, false},
		{TEMPLATE, OBJECT, true, false},
		{OBJECT, OBJECT "[Match]\nHid=*:*:*\n", true, false},
		{OBJECT, OBJECT "[Tcp]\nDefault=yes\n", false, false},
		{OBJECT "[Tcp]\nDefault=yes\n", OBJECT "[Tcp]\nDefault=yes\nNetns=a\n", false,
		 false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_freep) struct policy *a = parse_good(cases[i].a, NULL);
		_cleanup_(policy_freep) struct policy *b = parse_good(cases[i].b, NULL);

		assert_int_equal(policy_same_object(a, b), cases[i].same_object);
		assert_int_equal(policy_same_object(b, a), cases[i].same_object);
		assert_int_equal(policy_equal(a, b), cases[i].equal);
		assert_int_equal(policy_equal(b, a), cases[i].equal);
	}
}

static void test_no_room_for_hid_id(void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(TEMPLATE "[Fields]\n", f);
	for (int i = 0; i < POLICY_OVERRIDES_MAX; i++)
		fprintf(f, "x[%d] = 1\n", i);
	fclose(f);
	assert_refused("pad", text,
		       "f:4: [Match] Hid: too many overrides: hid_id of each instance is one, too");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_in_drop_ins),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_name_leaves_room_for_the_device),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_same_and_equal),
		cmocka_unit_test(test_no_room_for_hid_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
