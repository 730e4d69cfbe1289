/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Did you mean …": the candidate nearest to a word that was not found. */
#pragma once

#include "common/macro.h"

/*
 * Feed candidates one after the other; best stays NULL as long as none is near enough (an edit distance
 * of at most a third of the word's length, at least 1, and something must be left of the word; case does not
 * count, two neighbours swapped are one edit). Candidates are borrowed.
 */
struct nearest {
	const char *wanted;
	const char *best;
	size_t distance;
};
#define NEAREST(word) ((struct nearest){.wanted = (word), .distance = SIZE_MAX})

/* For messages: " (did you mean X?)" where something was near, else nothing. */
#define NEAREST_FORMAT "%s%s%s"
#define NEAREST_ARGS(n) (n).best ? " (did you mean " : "", or_empty((n).best), (n).best ? "?)" : ""

void nearest_offer(struct nearest *n, const char *candidate);
