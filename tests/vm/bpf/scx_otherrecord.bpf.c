// SPDX-License-Identifier: GPL-2.0-only
/* scx_test with an exit record of another layout, whose members have the usual names. */
#define RECORD RECORD_OTHER
#include "scx_test.h"
