// SPDX-License-Identifier: GPL-2.0-only
/* scx_test without an exit record: nobody notes why it ended. */
#define RECORD RECORD_NONE
#include "scx_test.h"
