/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reload's inside, for manager-reload.c (who asks, what is checked) and manager-apply.c (what differs) only. */
#pragma once

#include "daemon/service/manager-internal.h"

/* Of one policy: whether its object was looked at. */
struct reload_check {
	struct reload *reload;
	struct manager_check *check; /* under way */
	const char *name;            /* borrowed from sets */
	bool done;
};

/* One reading of all policies, and what comes of it. */
struct reload {
	struct manager *manager;
	TAILQ_HEAD(, manager_reload) callers;
	struct policy_sets sets;
	struct reload_check *checks; /* one for each set */
	size_t n_checking;
	struct reload_line *lines;
	size_t n_lines;
	size_t pending; /* attachments whose outcome is awaited, and one for the reload itself */
	bool failed;
	bool refused; /* nothing was changed */
};

void reload_add_line(struct reload *r, const char *name, bool ok, const char *text);
/* Drops one of the things that are awaited; with the last one the reload is over, and freed. */
void reload_release(struct reload *r);

/* Whether to carry it out now would let a worker load this policy. */
bool reload_would_load(const struct manager *m, const struct policy_set *set);
/* Makes the differences true; takes the policies out of the sets. */
void reload_apply(struct reload *r);
