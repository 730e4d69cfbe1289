/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects made worse: the same seed makes the same ones. */
#pragma once

#include "inspect/elf-file.h"

struct random {
	uint64_t state;
};

/* xorshift64*: good enough for this, and the same everywhere. */
static inline uint64_t random_next(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * UINT64_C(2685821657736338717);
}

static inline size_t random_below(struct random *r, size_t n)
{
	return n > 0 ? random_next(r) % n : 0;
}

/* Changes the bytes in place, in one to four ways; *size may become smaller. is_elf: it was a whole object. */
void mutate(struct random *r, uint8_t *bytes, size_t *size, bool is_elf);
