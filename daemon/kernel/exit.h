/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exit record, for this floor only; what the daemon may call of it stands in kernel.h. */
#pragma once

#include "daemon/kernel/kernel.h"

/* Before the same map is linked again: its record must not tell of the life before. 0 also if it has none; -errno. */
int exit_record_reset(const struct kernel_handles *h, const struct outcome *o);
