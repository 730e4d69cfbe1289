/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts as names in bpffs, which refuses '.' (and, as every file system, '/'): letters, digits, '_', '@' and '-' stand
 * for themselves, every other byte is "%" and its two hex digits: "hid@3.1" is "hid@3%2E1". Nothing else reads back,
 * so two texts never have one name and a name has one text.
 */
#pragma once

#include "common/macro.h"

#define PIN_NAME_MAX 255 /* bytes; that of the file system */

/* The caller frees; NULL: out of memory. */
char *pin_name_escape(const char *text);
/* 0: *ret is the caller's; -EINVAL: pin_name_escape() never writes this; -ENOMEM. */
int pin_name_unescape(const char *name, char **ret);
