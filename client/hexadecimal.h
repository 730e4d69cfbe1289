/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macro.h"

/* "0a1b"; where there are more than max bytes the first max of them and "…". The caller frees; NULL: out of memory. */
char *hexadecimal(const uint8_t *bytes, size_t n, size_t max);
