/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the policy folders overrides, extends and masks what: policy_collection_read()'s rules, for people. */
#pragma once

#include "daemon/core/policy-files.h"

enum delta_kind {
	DELTA_MASKED, /* by is empty or a link to /dev/null; path NULL: there is nothing below */
	DELTA_OVERRIDDEN, /* of one name the folder of by comes first */
	DELTA_EQUIVALENT, /* the same, and both say the same */
	DELTA_EXTENDED,   /* by is a drop-in that is merged into the policy file path */
	DELTA_UNUSED,     /* a drop-in of no policy, or of a masked one; by NULL */
	_DELTA_KIND_MAX,
	_DELTA_KIND_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(delta_kind, enum delta_kind);

struct delta {
	enum delta_kind kind;
	char *policy;
	char *by, *path;
};

struct deltas {
	struct delta *items; /* ordered by policy, then drop-in */
	size_t n;
	struct messages warnings; /* folders and files that cannot be read */
};

/* folders: NULL-terminated, in the order of their ranks. 0 or -ENOMEM. */
int policy_deltas_read(char *const *folders, struct deltas *ret);
void policy_deltas_done(struct deltas *d);
