/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's settings for verbs that do without a daemon. */
#pragma once

#include "client/client.h"
#include "daemon/core/config.h"

/*
 * structopsd.conf (--config) with --policy-path and --object-path over it. config_done() in any case; anything but
 * EXIT_DONE has been complained about.
 */
enum exit_status local_config_read(const struct client *client, struct config *ret);
