/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Name taken", "busy": by whom? Only asked after a refusal: it looks through all maps, links and processes. */
#pragma once

#include "common/macro.h"

struct holder {
	uint32_t map_id;
	uint32_t link_id; /* 0: registered without a link */
	char map_name[16];
};

/* Where in the value of a map of this type its name stands ("name" or "id"); size 0: the type has none. */
struct holder_key {
	size_t offset, size;
};

/*
 * Who has attached a map of the same type as map_fd, with the same name where key says that names matter (size
 * not 0). 1 with *ret; 0: nobody has, so it is the kernel or a module itself; -errno.
 */
int holder_find(int map_fd, const struct holder_key *key, struct holder *ret);

/* "struct_ops link 12 (map "x") held by bpftool[4711]". The caller frees; NULL: out of memory. */
char *holder_text(const struct holder *h);
