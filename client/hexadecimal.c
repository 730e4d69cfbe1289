/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/hexadecimal.h"

char *hexadecimal(const uint8_t *bytes, size_t n, size_t max)
{
	size_t shown = MIN(n, max);
	char *text = malloc(2 * shown + sizeof("…"));

	if (!text)
		return NULL;
	for (size_t i = 0; i < shown; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	strcpy(text + 2 * shown, n > max ? "…" : "");
	return text;
}
