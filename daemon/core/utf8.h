/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include "common/macro.h"

/* Bytes at the start of text that are valid; length where all are. NUL is an ordinary character here. */
size_t utf8_valid_length(const char *text, size_t length);
