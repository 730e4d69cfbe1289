/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the service manager that started us. */
#pragma once

#include "common/macro.h"

#define SERVICE_MANAGER_SOCKET "/run/systemd/private"

/*
 * Why SIGTERM came: 1: our unit is being restarted, another daemon follows at once; 0: it is being stopped; -errno:
 * nobody there that could tell. Asks over the service manager's private socket (no broker, root only) and waits for
 * its answers, two seconds at most for each of three: only for a daemon that is on its way out.
 */
int service_manager_restarts_us(const char *socket);
