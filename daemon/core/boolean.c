/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <strings.h>

#include "daemon/core/boolean.h"

int boolean_parse(const char *text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"yes", true}, {"true", true},   {"on", true},   {"1", true},
		{"no", false}, {"false", false}, {"off", false}, {"0", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i].word) == 0) {
			*ret = words[i].value;
			return 0;
		}
	return -EINVAL;
}
