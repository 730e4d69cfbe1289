/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/path.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t identifier_length(const char *text)
{
	size_t n = 0;

	if (is_digit(*text))
		return 0;
	while (is_name_char(text[n]))
		n++;
	return n;
}

static bool is_step_end(const char *s)
{
	return *s == '\0' || *s == '[' || *s == '.';
}

static int next_name(const char **cursor, struct path_step *ret)
{
	size_t n = identifier_length(*cursor);

	if (n == 0 || n >= MEMBER_NAME_MAX || !is_step_end(*cursor + n))
		return -EINVAL;
	*ret = (struct path_step){0};
	memcpy(ret->name, *cursor, n);
	*cursor += n;
	return 1;
}

static int next_index(const char **cursor, struct path_step *ret)
{
	const char *s = *cursor + 1;
	size_t index = 0;

	/* No leading zeros: an element has one spelling, so equal paths are equal texts. */
	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return -EINVAL;
	for (; is_digit(*s); s++)
		if (__builtin_mul_overflow(index, 10, &index) ||
		    __builtin_add_overflow(index, (size_t)(*s - '0'), &index))
			return -EINVAL;
	if (*s != ']' || !is_step_end(s + 1))
		return -EINVAL;
	*ret = (struct path_step){.is_index = true, .index = index};
	*cursor = s + 1;
	return 1;
}

int path_next(const char **cursor, struct path_step *ret)
{
	const char *s = *cursor;
	int r;

	if (*s == '\0')
		return 0;
	if (*s == '[')
		return next_index(cursor, ret);
	if (*s == '.')
		s++;
	r = next_name(&s, ret);
	if (r > 0)
		*cursor = s;
	return r;
}

bool path_is_valid(const char *text)
{
	struct path_step step;
	int r;

	if (identifier_length(text) == 0)
		return false;
	do
		r = path_next(&text, &step);
	while (r > 0);
	return r == 0;
}
