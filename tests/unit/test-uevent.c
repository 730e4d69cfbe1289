/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/uevent.h"
#include "tests/unit/test.h"

/* As the kernel sends it when a module is loaded. */
static const char module_added[] = "add@/module/structops_testmod\0"
				   "ACTION=add\0"
				   "DEVPATH=/module/structops_testmod\0"
				   "SUBSYSTEM=module\0"
				   "SEQNUM=1234";

static void test_module(void **state)
{
	struct uevent e;

	assert_int_equal(uevent_parse(module_added, sizeof(module_added), &e), 0);
	assert_string_equal(e.action, "add");
	assert_string_equal(e.devpath, "/module/structops_testmod");
	assert_string_equal(e.subsystem, "module");
}

/* As seen when a device of uhid goes. */
static void test_hid_device(void **state)
{
	static const char removed[] = "remove@/devices/virtual/misc/uhid/0003:1209:0001.0001\0"
				      "ACTION=remove\0"
				      "DEVPATH=/devices/virtual/misc/uhid/0003:1209:0001.0001\0"
				      "SUBSYSTEM=hid\0"
				      "HID_ID=0003:00001209:00000001\0"
				      "HID_NAME=a=b pad\0"
				      "SEQNUM=2";
	struct uevent e;

	assert_int_equal(uevent_parse(removed, sizeof(removed), &e), 0);
	assert_string_equal(e.hid_id, "0003:00001209:00000001");
	assert_string_equal(e.hid_name, "a=b pad");
	assert_int_equal(uevent_parse(module_added, sizeof(module_added), &e), 0);
	assert_null(e.hid_id);
	assert_null(e.hid_name);
}

static void test_every_shorter_one_is_refused_or_whole(void **state)
{
	struct uevent e;

	for (size_t n = 0; n < sizeof(module_added); n++) {
		char *copy = malloc(n ? n : 1);

		memcpy(copy, module_added, n);
		if (uevent_parse(copy, n, &e) == 0)
			assert_string_equal(e.subsystem, "module");
		free(copy);
	}
}

static void test_what_is_not_the_kernels(void **state)
{
	static const char udev[] = "libudev\0\xfe\xed\xca\xfe";
	static const char no_subsystem[] = "add@/x\0ACTION=add\0DEVPATH=/x";
	struct uevent e;

	assert_int_equal(uevent_parse(udev, sizeof(udev), &e), -EBADMSG);
	assert_int_equal(uevent_parse(no_subsystem, sizeof(no_subsystem), &e), -EBADMSG);
	assert_int_equal(uevent_parse("", 0, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_hid_device),
		cmocka_unit_test(test_every_shorter_one_is_refused_or_whole),
		cmocka_unit_test(test_what_is_not_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
