/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper: a child that already runs and links maps again. Linking takes microseconds, but it may have to
 * wait for the kernel's one struct_ops mutex, so the loop must not do it; and a fork for each would cost
 * more than the link. One request is served after the other.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/core/timespan.h"

struct helper;

/*
 * error is 0 and link_fd the receiver's, or -errno and link_fd -EBADF: the kernel's refusal, -ETIMEDOUT,
 * or -EPIPE when the helper died.
 */
typedef void (*helper_done_t)(void *userdata, int error, int link_fd, uint32_t link_id);

/* Forks it. timeout in µs for each request. */
int helper_new(sd_event *event, usec_t timeout, struct helper **ret);
/* Ends and reaps it; nothing is reported. */
struct helper *helper_free(struct helper *h);
DEFINE_CLEANUP(struct helper *, helper_free)

/*
 * Asks for a link to the map (map_fd is NOT consumed). done() comes from the event loop, exactly once.
 * -errno: nothing was asked.
 */
int helper_relink(struct helper *h, int map_fd, helper_done_t done, void *userdata);
