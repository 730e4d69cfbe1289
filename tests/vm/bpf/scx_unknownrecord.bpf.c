// SPDX-License-Identifier: GPL-2.0-only
/* scx_test with an exit record that has no kind: nothing can be learned from it. */
#define RECORD RECORD_UNKNOWN
#include "scx_test.h"
