/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/strv.h"

char **strv_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
	return NULL;
}

size_t strv_length(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

bool strv_contains(char *const *list, const char *text)
{
	for (size_t i = 0; list && list[i]; i++)
		if (streq(list[i], text))
			return true;
	return false;
}

bool strv_equal(char *const *a, char *const *b)
{
	size_t n = strv_length(a);

	if (n != strv_length(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!streq(a[i], b[i]))
			return false;
	return true;
}

int strv_append(char ***list, const char *text, size_t length)
{
	size_t n = strv_length(*list);
	char **longer = reallocarray(*list, n + 2, sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	*list = longer;
	longer[n] = strndup(text, length);
	longer[n + 1] = NULL;
	return longer[n] ? 0 : -ENOMEM;
}

int strv_split(const char *text, const char *separators, char ***ret)
{
	_cleanup_(strv_freep) char **list = NULL;

	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t length = strcspn(text, separators);
		int r = strv_append(&list, text, length);

		if (r < 0)
			return r;
		text += length;
	}
	*ret = TAKE_PTR(list);
	return 0;
}
