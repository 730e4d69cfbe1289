/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a policy makes of an object, put into the model that is compared with a kernel. */
#pragma once

#include "daemon/kernel/kernel.h"
#include "inspect/inspection.h"

/* Between inspection_read() and inspection_compare(). Maps that findings have no image of stay as they are. 0, -ENOMEM. */
int policy_image_apply(const struct kernel_findings *findings, struct inspection *in);

/* NULL: there is no map of that name. */
struct ops_map *policy_image_map(const struct inspection *in, const char *name);
