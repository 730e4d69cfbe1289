/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verbs.h"

#include "common/nearest.h"
#include "common/protocol.h"

#define ANY VERB_ARGUMENTS_ANY

/* clang-format off */
const struct verb verbs[] = {
	{"list", "", 0, 0, NULL, verb_list,
	 "All policies, a line each (the default)", .takes_all = true},
	{"status", "[NAME…]", 0, ANY, NULL, verb_status,
	 "All that is known of a policy"},
	{"attach", "NAME…", 1, ANY, METHOD_ATTACH, verb_change,
	 "Attach, and keep it attached", .changes = true},
	{"detach", "NAME…", 1, ANY, METHOD_DETACH, verb_change,
	 "Take it off, and leave it off", .changes = true},
	{"restart", "NAME…", 1, ANY, METHOD_RESTART, verb_change,
	 "Load afresh and attach, the counters at zero", .changes = true},
	{"switch", "NAME", 1, 1, NULL, verb_switch,
	 "Put it in place of whichever has the same slot", .changes = true, .switches = true,
	 .connects_itself = true},
	{"reset-failed", "NAME…", 1, ANY, METHOD_RESET_FAILED, verb_change,
	 "Forget that it failed, and the counters"},
	{"reload", "", 0, 0, NULL, verb_reload,
	 "Read all policies again and apply what changed", .changes = true},
	{"cat", "NAME", 1, 1, NULL, verb_cat,
	 "The files that a policy was merged from", .merges = true},
	{"delta", "[NAME…]", 0, ANY, NULL, verb_delta,
	 "Which policy files override, extend and mask which", .connects_itself = true, .compares = true},
	{"monitor", "[NAME…]", 0, ANY, NULL, verb_monitor,
	 "Each change of state as it happens, until Ctrl-C",
	 .connects_itself = true, .monitors = true},
	{"inspect", "OBJECT", 1, 1, NULL, verb_inspect,
	 "What is in an object, and what a kernel makes of it",
	 .connects_itself = true, .takes_value = true, .inspects = true},
	{"verify", "[FILE|NAME…]", 0, ANY, NULL, verb_verify,
	 "What would keep policies from being attached", .connects_itself = true, .verifies = true},
	{"log", "NAME", 1, 1, NULL, verb_log,
	 "What libbpf and the verifier said in the last attempt"},
	{"dump", "NAME", 1, 1, NULL, verb_dump,
	 "The value that the kernel has (NAME, map:ID or link:ID)",
	 .connects_itself = true, .takes_value = true},
	{"doctor", "", 0, 0, NULL, verb_doctor,
	 "Is this host fit, and what to do if not", .connects_itself = true},
	{"top", "", 0, 0, NULL, verb_top,
	 "How often operators run, and for how long", .connects_itself = true, .repeats = true},
	{"metrics", "", 0, 0, NULL, verb_metrics,
	 "What was counted and timed, for Prometheus", .connects_itself = true, .measures = true},
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

/* The only one that begins so: half of a word is far from the whole of it. */
static const struct verb *verb_by_start(const char *start)
{
	const struct verb *found = NULL;

	for (const struct verb *v = verbs; v->name; v++) {
		if (*start == '\0' || strncmp(v->name, start, strlen(start)) != 0)
			continue;
		if (found)
			return NULL;
		found = v;
	}
	return found;
}

const struct verb *verb_nearest(const char *name)
{
	struct nearest nearest = NEAREST(name);

	for (const struct verb *v = verbs; v->name; v++)
		nearest_offer(&nearest, v->name);
	return nearest.best ? verb_find(nearest.best) : verb_by_start(name);
}
