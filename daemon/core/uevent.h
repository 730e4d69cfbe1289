/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a kernel uevent: "ACTION@DEVPATH", then KEY=VALUE pairs, each with its NUL. */
#pragma once

#include "common/macro.h"

/* All borrowed from the datagram; the first three are always there. */
struct uevent {
	const char *action;    /* "add", "remove", … */
	const char *devpath;   /* "/module/dummy" */
	const char *subsystem; /* "module" */
	const char *hid_id;    /* "0003:0000046D:0000C52B"; NULL: not of a HID device */
	const char *hid_name;
};

/* 0; -EBADMSG: not a kernel uevent (one of udev's, cut off, without these three). */
int uevent_parse(const char *datagram, size_t length, struct uevent *ret);
