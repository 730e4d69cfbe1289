/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who keeps links and maps: processes with a descriptor, pins in bpffs. One look through /proc for all that is asked. */
#pragma once

#include <sys/types.h>

#include "daemon/core/outcome.h"

/*
 * Fills list[].holders with "bpftool[4711]" and "pin /sys/fs/bpf/x", at most max each: who has the link, or, where
 * link_id is 0, the map. This process is left out, and the one with the id other (0: none). What cannot be read
 * does not count. 0; -ENOMEM.
 */
int holders_find(struct outcome_foreign *list, size_t n, size_t max, pid_t other);
