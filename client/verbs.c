/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verbs.h"

#include "common/nearest.h"
#include "common/protocol.h"

#define ANY VERB_ARGUMENTS_ANY

/* clang-format off */
const struct verb verbs[] = {
	{"list", "", 0, 0, false, NULL, verb_list,
	 "All policies, a line each (the default)", .takes_all = true},
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
	{"inspect", "OBJECT", 1, 1, false, NULL, verb_inspect,
	 "What is in an object, and what a kernel makes of it", .inspects = true},
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

const struct verb *verb_nearest(const char *name)
{
	struct nearest nearest = NEAREST(name);

	for (const struct verb *v = verbs; v->name; v++)
		nearest_offer(&nearest, v->name);
	return nearest.best ? verb_find(nearest.best) : NULL;
}
