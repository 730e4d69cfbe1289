/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others than the daemon have attached: an answer of Foreign(). */
#pragma once

#include "client/dictionary.h"

struct foreign_row {
	sd_bus_message *message;

	const char *type;         /* NULL: could not be found out */
	const char *map;          /* at most 15 characters: the kernel cuts it */
	uint32_t map_id, link_id; /* link_id 0: registered without a link */
	struct texts holders;     /* "bpftool[4711]", "pin /sys/fs/bpf/x" */
};

struct foreign_rows {
	struct foreign_row *items;
	size_t n;
	bool known; /* the daemon has told; else there may be any number */
};

/* Sets known when all went well. 0, -EBADMSG, -ENOMEM as dictionary_read_rows(). */
int foreign_rows_read(struct foreign_rows *rows, sd_bus_message *answer);
void foreign_rows_done(struct foreign_rows *rows);
