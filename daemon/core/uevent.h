/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a kernel uevent: "ACTION@DEVPATH", then KEY=VALUE pairs, each with its NUL. */
#pragma once

#include "common/macro.h"

/* All borrowed from the datagram; NULL where it does not say. */
struct uevent {
	const char *action;    /* "add", "remove", … */
	const char *devpath;   /* "/module/dummy" */
	const char *subsystem; /* "module" */
};

/* 0; -EBADMSG: not a kernel uevent (one of udev's, cut off, without these three). */
int uevent_parse(const char *datagram, size_t length, struct uevent *ret);
