/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds what a file says twice and differently: the same section's header stands in it more than once, and below two of
 * them a key has two values. Within one section, and over several files, the later assignment just wins.
 */
#pragma once

#include "daemon/core/ini.h"

/* The assignments of one file. */
struct conf_conflicts {
	struct conf_said *said;
	size_t n;
};

/* Copies what it needs. 0 or -ENOMEM. */
int conf_conflicts_add(struct conf_conflicts *c, const struct ini_item *item);
/* At the end of the file: notes an error for each conflict and makes c empty. 0 or -ENOMEM. */
int conf_conflicts_check(struct conf_conflicts *c, const char *file, struct messages *messages);
void conf_conflicts_done(struct conf_conflicts *c);
