/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line, and the settings that come of it and of the configuration files. */
#pragma once

#include "daemon/core/config.h"

/*
 * Parses the command line, sets the log up, reads the configuration and applies the options on top. 1: *ret has the
 * settings (config_done() afterwards); 0: --help or --version was answered; -EINVAL: wrong usage; other -errno: no
 * settings. What is wrong was said.
 */
int options_load(int argc, char *argv[], struct config *ret);
