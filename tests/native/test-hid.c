/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HID devices as sysfs shows them. Needs neither root nor a device. */
#include "daemon/kernel/hid.h"
#include "tests/unit/scratch.h"

#define USB "devices/pci0000:00/usb1/1-1/1-1:1.0"
#define UHID "devices/virtual/misc/uhid"

static void make_device(const struct scratch *s, const char *folder, const char *name,
			const char *uevent)
{
	char path[256], target[256];

	if (uevent) {
		snprintf(path, sizeof(path), "%s/%s/uevent", folder, name);
		scratch_text(s, path, uevent);
	}
	snprintf(path, sizeof(path), "bus/hid/devices/%s", name);
	snprintf(target, sizeof(target), "../../../%s/%s", folder, name);
	scratch_link(s, path, target);
}

static const struct hid_device *find(const struct hid_device *devices, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (devices[i].id == id)
			return &devices[i];
	fail_msg("no device %u", id);
	return NULL;
}

static void test_devices(void **state)
{
	const struct scratch *s = *state;
	const struct hid_device *d;
	struct hid_device *devices;
	size_t n;

	scratch_folder(s, "bus/hid/devices");
	make_device(s, USB, "0003:046D:C52B.000A",
		    "DRIVER=hid-generic\nHID_ID=0003:0000046D:0000C52B\nHID_NAME=A Receiver\n"
		    "HID_PHYS=usb-1\nMODALIAS=hid:b0003\n");
	make_device(s, UHID, "0005:1209:0001.10B2", "HID_ID=0005:00001209:00000001\n");
	/* Going while it is looked at, and what no HID device is. */
	make_device(s, UHID, "0003:1209:0001.0003", NULL);
	make_device(s, UHID, "0003:1209:0001.0004", "HID_NAME=x\n");
	make_device(s, UHID, "odd", "HID_ID=0005:00001209:00000001\n");

	assert_int_equal(hid_devices_read(s->path, &devices, &n), 0);
	assert_int_equal(n, 2);
	d = find(devices, n, 0xa);
	assert_int_equal(d->bus, 3);
	assert_int_equal(d->vendor, 0x46d);
	assert_int_equal(d->product, 0xc52b);
	assert_string_equal(d->name, "A Receiver");
	assert_string_equal(d->devpath, "/" USB "/0003:046D:C52B.000A");
	d = find(devices, n, 0x10b2);
	assert_string_equal(d->name, "");
	assert_string_equal(d->devpath, "/" UHID "/0005:1209:0001.10B2");
	hid_devices_free(devices, n);
}

/* A kernel without HID. */
static void test_no_bus(void **state)
{
	const struct scratch *s = *state;
	struct hid_device *devices = NULL;
	size_t n = 1;

	assert_int_equal(hid_devices_read(s->path, &devices, &n), 0);
	assert_null(devices);
	assert_int_equal(n, 0);
}

/* Any device of this machine will do. */
static void test_alive(void **state)
{
	struct outcome o = {.device = (char *)"/devices/virtual"};
	_cleanup_(freep) char *why = NULL;

	assert_int_equal(hid_alive(NULL, &o, &why), 1);
	assert_null(why);
	o.device = (char *)"/devices/virtual/misc/uhid/0003:1209:0001.FFFFFFF0";
	assert_int_equal(hid_alive(NULL, &o, &why), 0);
	assert_string_equal(why, "its HID device 0003:1209:0001.FFFFFFF0 was removed");
	o.device = NULL;
	assert_int_equal(hid_alive(NULL, &o, &why), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_devices, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_no_bus, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
