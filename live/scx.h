/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sched_ext says of itself in sysfs. */
#pragma once

#include "common/macro.h"

struct scx_event {
	char *name; /* SCX_EV_… */
	uint64_t count;
};

struct scx_status {
	char *state; /* disabled, enabling, enabled, disabling; NULL: this kernel has no sched_ext */
	char *scheduler;          /* the name of the one that runs; NULL: none does */
	struct scx_event *events; /* of that one */
	size_t n_events;
};

/* 0: *ret is the caller's (scx_status_done()); -ENOMEM. root as in live/root.h. */
int scx_status_read(const char *root, struct scx_status *ret);
void scx_status_done(struct scx_status *s);

/* NULL: the scheduler has no such counter. */
const struct scx_event *scx_status_event(const struct scx_status *s, const char *name);
