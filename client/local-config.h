/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's settings for verbs that do without a daemon. */
#pragma once

#include "client/client.h"
#include "daemon/core/config.h"
#include "daemon/core/policy-files.h"

/*
 * structopsd.conf (--config) with --policy-path and --object-path over it. config_done() in any case; anything but
 * EXIT_DONE has been complained about.
 */
enum exit_status local_config_read(const struct client *client, struct config *ret);

/* Complains that none of these has the name, with the nearest that one has, and then more. EXIT_NO_SUCH_POLICY. */
enum exit_status no_such_policy_file(const char *name, const struct policy_collection *all,
				     const char *more);
