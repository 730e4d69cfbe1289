/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/utf8.h"

/* Bytes of the character that starts with lead and the lowest number such a long form may have. */
static size_t character_length(unsigned char lead, uint32_t *ret_bits, uint32_t *ret_lowest)
{
	if (lead < 0x80) {
		*ret_bits = lead;
		*ret_lowest = 0;
		return 1;
	}
	if ((lead & 0xe0) == 0xc0) {
		*ret_bits = lead & 0x1f;
		*ret_lowest = 0x80;
		return 2;
	}
	if ((lead & 0xf0) == 0xe0) {
		*ret_bits = lead & 0x0f;
		*ret_lowest = 0x800;
		return 3;
	}
	if ((lead & 0xf8) == 0xf0) {
		*ret_bits = lead & 0x07;
		*ret_lowest = 0x10000;
		return 4;
	}
	return 0;
}

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* Bytes of the valid character at text, 0 if there is none. */
static size_t valid_character(const char *text, size_t length)
{
	uint32_t c, lowest;
	size_t n = character_length((unsigned char)*text, &c, &lowest);

	if (n == 0 || n > length)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte & 0x3f);
	}
	return c < lowest || is_surrogate(c) || c > 0x10ffff ? 0 : n;
}

size_t utf8_valid_length(const char *text, size_t length)
{
	size_t done = 0;

	while (done < length) {
		size_t n = valid_character(text + done, length - done);

		if (n == 0)
			break;
		done += n;
	}
	return done;
}
