/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>

#include "common/nearest.h"

/* Longer words are nobody's typing error; it bounds the rows on the stack. */
#define WORD_MAX 255

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: insertion, deletion, substitution, swap of neighbours; row by row. */
static size_t edit_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= n_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t change = last[j - 1] + !same_letter(a[i - 1], b[j - 1]);

			row[j] = MIN(change, MIN(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[n_b];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t n_wanted = strlen(n->wanted), n_candidate = strlen(candidate);
	size_t limit = MAX(n_wanted / 3, (size_t)1);
	size_t distance;

	if (n_wanted > WORD_MAX || n_candidate > WORD_MAX)
		return;
	distance = edit_distance(n->wanted, n_wanted, candidate, n_candidate);
	if (distance > limit || distance >= n_wanted || distance >= n->distance)
		return;
	n->best = candidate;
	n->distance = distance;
}
