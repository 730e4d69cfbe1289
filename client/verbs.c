/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verbs.h"

#include "common/protocol.h"

#define ANY VERB_ARGUMENTS_ANY

/* clang-format off */
const struct verb verbs[] = {
	{"list", "", 0, 0, false, NULL, verb_list,
	 "All policies, a line each (the default)"},
	{"status", "[NAME…]", 0, ANY, false, NULL, verb_status,
	 "All that is known of a policy"},
	{"attach", "NAME…", 1, ANY, true, METHOD_ATTACH, verb_change,
	 "Attach, and keep it attached"},
	{"detach", "NAME…", 1, ANY, true, METHOD_DETACH, verb_change,
	 "Take it off, and leave it off"},
	{"restart", "NAME…", 1, ANY, true, METHOD_RESTART, verb_change,
	 "Load afresh and attach, the counters at zero"},
	{"reset-failed", "NAME…", 1, ANY, false, METHOD_RESET_FAILED, verb_change,
	 "Forget that it failed, and the counters"},
	{"reload", "", 0, 0, true, NULL, verb_reload,
	 "Read all policies again and apply what changed"},
	{"cat", "NAME", 1, 1, false, NULL, verb_cat,
	 "The files that a policy was merged from"},
	{"monitor", "", 0, 0, false, NULL, verb_monitor,
	 "Each change of state as it happens, until Ctrl-C"},
	{NULL},
};
/* clang-format on */

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (streq(v->name, name))
			return v;
	return NULL;
}

/* How many letters must be put in, left out or replaced to make b of a; b is a verb's name. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[32];
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(replaced, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[width];
}

const struct verb *verb_nearest(const char *name)
{
	const struct verb *best = NULL;
	size_t limit = MAX(strlen(name) / 3, (size_t)1);

	for (const struct verb *v = verbs; v->name; v++) {
		size_t distance = edit_distance(name, v->name);

		if (distance <= limit) {
			limit = distance - (distance > 0);
			best = v;
		}
	}
	return best;
}
