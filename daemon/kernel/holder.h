/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Name taken", "busy": by whom? Only asked after a refusal: it looks through all maps, links and processes. */
#pragma once

#include "common/macro.h"

struct holder {
	uint32_t map_id;
	uint32_t link_id; /* 0: registered without a link */
	char map_name[16];
};

/*
 * The name that was wanted, and where in the value of a map of this type such a name stands ("name" or "id"). text
 * NULL: names do not matter, there is one place for all.
 */
struct holder_key {
	const char *text; /* borrowed */
	size_t offset, size;
};

/*
 * Who has attached a map of the same type as map_fd, with that name. 1 with *ret; 0: nobody has, so it is the
 * kernel or a module itself; -errno.
 */
int holder_find(int map_fd, const struct holder_key *key, struct holder *ret);

/* "struct_ops link 12 (map "x") held by bpftool[4711]". The caller frees; NULL: out of memory. */
char *holder_text(const struct holder *h);
