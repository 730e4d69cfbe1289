// SPDX-License-Identifier: GPL-2.0-only
/* A scheduler that ends as it is told: scx_test.h. */
#include "scx_test.h"
