/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Match] Hid=bus:vendor:product[:glob]: which HID devices a template is for. */
#pragma once

#include "common/macro.h"

#define HID_ANY UINT32_MAX

struct hid_match {
	uint32_t bus, vendor, product; /* HID_ANY: written as "*" */
	char *name;                    /* glob (fnmatch(3)) for the device's name; NULL: any */
};
#define HID_MATCH_NULL ((struct hid_match){HID_ANY, HID_ANY, HID_ANY, NULL})

/* A HID device as sysfs and uevents tell it. */
struct hid_device {
	uint32_t bus, vendor, product;
	/* The kernel's number of it (hid_id), never used twice; the hex suffix of its sysfs name. */
	uint32_t id;
	char *name;    /* HID_NAME: "Logitech USB Receiver"; never NULL; what is no UTF-8 is '?' */
	char *devpath; /* "/devices/…/0003:046D:C52B.0001" */
};
void hid_device_done(struct hid_device *d);

/*
 * Numbers are hexadecimal, as lsusb(8) and sysfs show them, "*" is any. 0: *ret is the caller's (hid_match_done);
 * -EINVAL: no match of that form; -ENOMEM.
 */
int hid_match_parse(const char *text, struct hid_match *ret);
void hid_match_done(struct hid_match *m);
bool hid_match_equal(const struct hid_match *a, const struct hid_match *b);
bool hid_match_device(const struct hid_match *m, const struct hid_device *d);

/*
 * From a uevent's (or sysfs uevent file's) words: devpath, HID_ID= ("0003:0000046D:0000C52B"), HID_NAME= (may be NULL).
 * 0: *ret is the caller's; -EBADMSG: these are not those of a HID device; -ENOMEM.
 */
int hid_device_parse(const char *devpath, const char *hid_id, const char *hid_name,
		     struct hid_device *ret);

/* "0003-046D-C52B.0001": the device in the name of an instance, where ':' cannot stand. */
#define HID_INSTANCE_MAX 32 /* vendor and product may have 8 digits */
void hid_device_instance(const struct hid_device *d, char buffer[HID_INSTANCE_MAX]);
