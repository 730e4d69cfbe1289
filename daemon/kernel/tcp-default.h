/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The default algorithm of network namespaces (net.ipv4.tcp_congestion_control). A namespace keeps a pointer to the
 * algorithm itself, not its name: after a map was changed under the same name, new sockets go on with the former one
 * until the name is written again.
 *
 * Nothing here is a reason to take an attachment off: what could not be done is a note. Goes into other namespaces,
 * so only a process of one thread may call it.
 */
#pragma once

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel.h"

#define TCP_TYPE "tcp_congestion_ops"

/* Once outcome.type is known: refuses [Tcp] for a map of another type. 0, -EBADMSG, -ENOMEM. */
int tcp_default_check(struct attempt *a);

/*
 * The hook after_attach of tcp_congestion_ops: [Tcp] Default=, outcome.defaults, and the pointers of all namespaces
 * where another map had the same name before. What a former life had set and this policy does not want is given back.
 * 0; -ENOMEM.
 */
int tcp_default_set(struct attempt *a, const struct kernel_handles *h);

/*
 * Before a detachment for good (not where another map takes the place): gives back o->defaults where they are still
 * as they were set. ret_notes may be NULL. 0; -ENOMEM.
 */
int tcp_default_give_back(const struct outcome *o, struct messages *ret_notes);
