/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macro.h"

/* yes/no/true/false/on/off/1/0 in any case. 0; -EINVAL. */
int boolean_parse(const char *text, bool *ret);
