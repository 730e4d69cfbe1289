/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/reading.h"

int make_room(void *items, size_t n, size_t size)
{
	char *grown;

	memcpy(&grown, items, sizeof(grown));
	/* Doubles whenever the count is a power of two. */
	if ((n & (n - 1)) == 0) {
		grown = reallocarray(grown, n ? 2 * n : 1, size);
		if (!grown)
			return -ENOMEM;
		memcpy(items, &grown, sizeof(grown));
	}
	memset(grown + n * size, 0, size);
	return 0;
}
