/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libbpf says while it works: most of its reasons exist only as printed text. libbpf's print function is
 * process-wide, so this is the one place with mutable global state: a thread-local pointer to whoever listens.
 */
#pragma once

#include "daemon/core/messages.h"

struct capture {
	struct messages lines; /* warnings and information, without "libbpf: " and the newline */
	size_t n_to_warning; /* lines up to and with the last warning that gives a reason; 0: none */
	size_t bytes;
};
#define CAPTURE_NULL ((struct capture){0})

/* Everything that libbpf says in this thread goes to c until capture_done(); nothing is printed. */
void capture_start(struct capture *c);
/* Ends the listening (libbpf stays silent) and frees the lines. */
void capture_done(struct capture *c);

/* The first line that contains text, or NULL. */
const char *capture_find(const struct capture *c, const char *text);
/* The last warning that gives a reason, or NULL. */
const char *capture_last_warning(const struct capture *c);
