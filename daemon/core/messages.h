/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of sentences for a person, collected by code that must not log itself. */
#pragma once

#include <stdarg.h>

#include "common/macro.h"

struct messages {
	char **items; /* owned */
	size_t n;
};
#define MESSAGES_NULL ((struct messages){0})

/* Appends. 0, or -ENOMEM. */
int messages_add(struct messages *m, const char *format, ...) _printf_(2, 3);
int messages_addv(struct messages *m, const char *format, va_list args) _printf_(2, 0);
/* Frees the items and makes the list empty; the struct itself is the caller's. */
void messages_done(struct messages *m);
/* All items joined by separator; the caller frees. NULL: out of memory. */
char *messages_join(const struct messages *m, const char *separator);
