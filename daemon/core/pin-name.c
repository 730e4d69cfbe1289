/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/pin-name.h"

static const char digits[] = "0123456789ABCDEF";

static bool stands_for_itself(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '@' || c == '-';
}

char *pin_name_escape(const char *text)
{
	char *name = malloc(3 * strlen(text) + 1), *to = name;

	if (!name)
		return NULL;
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (stands_for_itself(*text)) {
			*to++ = *text;
			continue;
		}
		*to++ = '%';
		*to++ = digits[byte / 16];
		*to++ = digits[byte % 16];
	}
	*to = '\0';
	return name;
}

/* Only the digits that escape writes; -1: none of these. */
static int digit_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The byte behind a '%', which needed to be escaped; 0: it is none. */
static char escaped_byte(const char *at)
{
	int high = digit_of(at[0]), low = high < 0 ? -1 : digit_of(at[1]);
	char c = (char)(high * 16 + low);

	return high < 0 || low < 0 || stands_for_itself(c) ? '\0' : c;
}

int pin_name_unescape(const char *name, char **ret)
{
	_cleanup_(freep) char *text = malloc(strlen(name) + 1);
	char *to = text;

	if (!text)
		return -ENOMEM;
	for (; *name; name++) {
		if (*name == '%') {
			*to = escaped_byte(name + 1);
			if (*to++ == '\0')
				return -EINVAL;
			name += 2;
		} else if (stands_for_itself(*name)) {
			*to++ = *name;
		} else {
			return -EINVAL;
		}
	}
	*to = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}
