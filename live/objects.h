/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's struct_ops links and maps, and its programs, by their ids. All of this takes CAP_SYS_ADMIN; -EPERM is
 * what those without it get.
 */
#pragma once

#include "common/macro.h"

struct live_link {
	uint32_t id;
	uint32_t map_id; /* 0: detached */
};

/* Each struct_ops link there is. 0: *ret is the caller's; -EPERM; -ENOMEM; -errno. */
int live_links(struct live_link **ret, size_t *ret_n);

/* The ids of all struct_ops maps, as above. */
int live_map_ids(uint32_t **ret, size_t *ret_n);

/* One link. 0; -ENOENT: there is none of that id; -EMEDIUMTYPE: it is not of struct_ops; -errno. */
int live_link_find(uint32_t id, struct live_link *ret);

/* A descriptor to read, the caller's; -ENOENT: there is no such program; -errno. */
int live_program_open(uint32_t id);

/*
 * The name of the program as its source has it; the kernel's own has 15 characters and is what is left where there is
 * no BTF. The caller frees. NULL: out of memory, or there is no such program.
 */
char *live_program_name(uint32_t id);
