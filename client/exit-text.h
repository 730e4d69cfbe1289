/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The numbers of a scheduler's exit in the kernel's own words, so that they can be searched for. */
#pragma once

#include "common/macro.h"

#define EXIT_TEXT_MAX 96

/* "ERROR_STALL" of SCX_EXIT_ERROR_STALL; NULL: a number that this client does not know. */
const char *exit_kind_name(int kind);

/* "0x4d", "0x1000100000000 (ACT_RESTART, RSN_HOTPLUG)": SCX_ECODE_… by name, what is the scheduler's own in hex. */
const char *exit_code_text(char buffer[EXIT_TEXT_MAX], int64_t code);
