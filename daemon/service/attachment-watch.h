/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches the link of an attachment for its end. */
#pragma once

#include "daemon/service/attachment.h"

/* Starts or goes on; attachment_link_ended() comes from the loop, also for a link that had ended already. */
int attachment_watch(struct attachment *a);
/* Pauses: an end during that time is told after the next attachment_watch() of the same link. */
void attachment_unwatch(struct attachment *a);
/* "EPOLLHUP on the link", or that this kernel must be asked every few seconds. */
const char *attachment_watch_describe(const struct attachment *a);
