/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * WatchPolicies=: tells when something under the policy folders may have changed, by inotify. It watches the folders,
 * the drop-in folders in them, and every symbolic link on the way to a policy, so that a folder or a "..data" link
 * that is swapped as a whole (as container platforms do) is seen, too. A folder that is not there yet is waited for.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/core/timespan.h"

struct policy_watch;

/*
 * changed() comes once things have been quiet for settle µs, or, where they never are, after WATCH_PATIENCE times
 * that; only if the policies' text differs from what it was the last time. folders are borrowed. 0; -errno.
 */
#define WATCH_PATIENCE 10
int policy_watch_new(sd_event *event, char *const *folders, usec_t settle,
		     void (*changed)(void *userdata), void *userdata, struct policy_watch **ret);
struct policy_watch *policy_watch_free(struct policy_watch *w);
DEFINE_CLEANUP(struct policy_watch *, policy_watch_free)
