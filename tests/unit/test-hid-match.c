/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/hid-match.h"
#include "tests/unit/test.h"

#define DEVPATH "/devices/pci0000:00/usb1/1-1/1-1:1.0/0003:046D:C52B.001A"
#define HID_ID "0003:0000046D:0000C52B"

static void assert_match(const char *text, uint32_t bus, uint32_t vendor, uint32_t product,
			 const char *name)
{
	_cleanup_(hid_match_done) struct hid_match m = HID_MATCH_NULL;

	assert_int_equal(hid_match_parse(text, &m), 0);
	assert_int_equal(m.bus, bus);
	assert_int_equal(m.vendor, vendor);
	assert_int_equal(m.product, product);
	assert_text(m.name, name);
}

static void test_forms(void **state)
{
	assert_match("0003:046D:C52B", 3, 0x46d, 0xc52b, NULL);
	assert_match("3:46d:c52b", 3, 0x46d, 0xc52b, NULL);
	assert_match("*:*:*", HID_ANY, HID_ANY, HID_ANY, NULL);
	assert_match("FFFF:0000046D:FFFFFFFE", 0xffff, 0x46d, UINT32_MAX - 1, NULL);
	assert_match("0003:046D:*:Logitech *", 3, 0x46d, HID_ANY, "Logitech *");
	assert_match("0003:046D:C52B:a:b", 3, 0x46d, 0xc52b, "a:b");
	assert_match("*:*:*:*", HID_ANY, HID_ANY, HID_ANY, "*");
}

static void test_no_forms(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		"::",
		"0003",
		"0003:046D",
		"0003:046D:",
		"0003:046D:C52B:",
		":046D:C52B",
		"0x3:046D:C52B",
		"+3:046D:C52B",
		"3 :046D:C52B",
		"10000:046D:C52B",
		"0003:123456789:C52B",
		/* Would read as "any". */
		"0003:FFFFFFFF:C52B",
		"0003:04*:C52B",
		"**:046D:C52B",
		"0003:046G:C52B",
		"0003:046D:C52B.0001",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct hid_match m = HID_MATCH_NULL;

		if (hid_match_parse(texts[i], &m) != -EINVAL)
			fail_msg("\"%s\" was taken for a match", texts[i]);
	}
}

static bool matches(const char *match, const char *hid_id, const char *name)
{
	_cleanup_(hid_match_done) struct hid_match m = HID_MATCH_NULL;
	_cleanup_(hid_device_done) struct hid_device d = {0};

	assert_int_equal(hid_match_parse(match, &m), 0);
	assert_int_equal(hid_device_parse(DEVPATH, hid_id, name, &d), 0);
	return hid_match_device(&m, &d);
}

static void test_which_devices(void **state)
{
	assert_true(matches("0003:046D:C52B", HID_ID, "x"));
	assert_true(matches("*:046D:*", HID_ID, "x"));
	assert_false(matches("0005:046D:C52B", HID_ID, "x"));
	assert_false(matches("0003:046E:C52B", HID_ID, "x"));
	assert_false(matches("0003:046D:C52C", HID_ID, "x"));
	assert_true(matches("*:*:*:Logitech*", HID_ID, "Logitech USB Receiver"));
	assert_false(matches("*:*:*:Logitech", HID_ID, "Logitech USB Receiver"));
	assert_true(matches("*:*:*:*[0-9]/2", HID_ID, "Pad 1/2"));
	assert_false(matches("*:*:*:?*", HID_ID, NULL));
}

static void test_equal(void **state)
{
	struct hid_match a = {3, 1, 2, (char *)"x"}, b = {3, 1, 2, (char *)"x"};

	assert_true(hid_match_equal(&a, &b));
	b.name = NULL;
	assert_false(hid_match_equal(&a, &b));
	b = a;
	b.product = HID_ANY;
	assert_false(hid_match_equal(&a, &b));
}

static void test_device(void **state)
{
	_cleanup_(hid_device_done) struct hid_device d = {0};
	char instance[HID_INSTANCE_MAX];

	assert_int_equal(hid_device_parse(DEVPATH, HID_ID, "Logitech USB Receiver", &d), 0);
	assert_int_equal(d.bus, 3);
	assert_int_equal(d.vendor, 0x46d);
	assert_int_equal(d.product, 0xc52b);
	assert_int_equal(d.id, 0x1a);
	assert_string_equal(d.name, "Logitech USB Receiver");
	assert_string_equal(d.devpath, DEVPATH);
	hid_device_instance(&d, instance);
	assert_string_equal(instance, "0003-046D-C52B.001A");
}

static void test_largest_instance(void **state)
{
	const struct hid_device d = {
		.bus = 0xffff,
		.vendor = UINT32_MAX,
		.product = UINT32_MAX,
		.id = UINT32_MAX,
	};
	char instance[HID_INSTANCE_MAX];

	hid_device_instance(&d, instance);
	assert_string_equal(instance, "FFFF-FFFFFFFF-FFFFFFFF.FFFFFFFF");
}

static void test_no_device(void **state)
{
	static const struct {
		const char *devpath, *hid_id;
	} cases[] = {
		{DEVPATH, NULL},
		{DEVPATH, ""},
		{DEVPATH, "0003:0000046D"},
		{DEVPATH, "0003:0000046D:0000C52B:"},
		{DEVPATH, "0003:0000046D:*"},
		{"", HID_ID},
		{"/devices/1-1", HID_ID},
		{"/devices/1-1:1.0/input", HID_ID},
		{"/devices/0003:046D:C52B.", HID_ID},
		{"/devices/0003:046D:C52B.00xy", HID_ID},
		{"devices/0003:046D:C52B.0001", HID_ID},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hid_device d = {0};

		if (hid_device_parse(cases[i].devpath, cases[i].hid_id, "x", &d) != -EBADMSG)
			fail_msg("case %zu was taken for a device", i);
	}
}

/* The name comes out of the device: it may be anything. */
static void test_hostile_name(void **state)
{
	_cleanup_(hid_device_done) struct hid_device d = {0};

	assert_int_equal(hid_device_parse(DEVPATH, HID_ID,
					  "\xff"
					  "a\xc3\xa4\n\xc3",
					  &d),
			 0);
	assert_string_equal(d.name, "?a\xc3\xa4??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),         cmocka_unit_test(test_no_forms),
		cmocka_unit_test(test_which_devices), cmocka_unit_test(test_equal),
		cmocka_unit_test(test_device),        cmocka_unit_test(test_largest_instance),
		cmocka_unit_test(test_no_device),     cmocka_unit_test(test_hostile_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
