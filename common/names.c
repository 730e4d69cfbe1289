/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/names.h"

static const char *const state_table[] = {
	[STATE_INACTIVE] = "inactive", [STATE_LOADING] = "loading", [STATE_ATTACHED] = "attached",
	[STATE_UPDATING] = "updating", [STATE_WAITING] = "waiting", [STATE_DETACHING] = "detaching",
	[STATE_FAILED] = "failed",     [STATE_INVALID] = "invalid",
};
_Static_assert(ARRAY_SIZE(state_table) == _STATE_MAX, "every state has a word");
DEFINE_STRING_TABLE(state, enum state)

static const char *const reason_table[] = {
	[REASON_BOOT] = "boot",
	[REASON_ADMIN] = "admin",
	[REASON_RELOAD] = "reload",
	[REASON_LINK_DETACHED] = "link-detached",
	[REASON_KERNEL_EXIT] = "kernel-exit",
	[REASON_DEVICE_GONE] = "device-gone",
	[REASON_DEAD_ON_ARRIVAL] = "dead-on-arrival",
	[REASON_LOAD_FAILED] = "load-failed",
	[REASON_ATTACH_FAILED] = "attach-failed",
	[REASON_WORKER_TIMEOUT] = "worker-timeout",
	[REASON_LIMIT_HIT] = "limit-hit",
	[REASON_ADOPTED] = "adopted",
	[REASON_FALLBACK] = "fallback",
};
_Static_assert(ARRAY_SIZE(reason_table) == _REASON_MAX, "every reason has a word");
DEFINE_STRING_TABLE(reason, enum reason)
