/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers and texts as bytes, for the same machine: what outcomes and state records are written with, and a reader that
 * believes nothing of what it is given.
 */
#pragma once

#include "common/macro.h"

void wire_put_u32(FILE *f, uint32_t number);
void wire_put_u64(FILE *f, uint64_t number);
/* NULL is a value too. */
void wire_put_text(FILE *f, const char *text);
void wire_put_bytes(FILE *f, const void *bytes, size_t length);

/* After the first error all reads give 0 or NULL, so that only the end need look at it. */
struct wire_reader {
	const char *next;
	size_t left;
	int error; /* 0, -EBADMSG, -ENOMEM */
};

void wire_get_bytes(struct wire_reader *r, void *to, size_t n);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
/* A number that is less than limit. */
uint32_t wire_get_below(struct wire_reader *r, uint32_t limit);
bool wire_get_bool(struct wire_reader *r);
/* The caller's; NULL also for a text that is NULL. */
char *wire_get_text(struct wire_reader *r);
/* A text that must not be NULL. */
char *wire_get_some_text(struct wire_reader *r);
