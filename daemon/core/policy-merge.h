/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which lines of a policy's files are in force, and where they stand: for people. What they mean, and whether they are
 * right, is policy_parse()'s affair; the rules by which one line drops another are the same.
 */
#pragma once

#include "daemon/core/policy.h"

struct merged_line {
	char *section; /* "Fields aimd" */
	char *key, *value;
	enum override_op op;
	const char *file; /* borrowed from the sources */
	unsigned line;
};

struct merged_policy {
	struct merged_line *lines; /* section by section, in the order in which they began */
	size_t n;
};

/* Its keys are members and variables: [Fields], [Fields MAP], [Globals]. */
bool policy_section_is_free(const char *section);

/* 0; -EBADMSG: some lines are no INI, messages has a sentence for each, *ret has the others; -ENOMEM. */
int policy_merge(const struct policy_source *sources, size_t n, struct merged_policy *ret,
		 struct messages *messages);
void merged_policy_done(struct merged_policy *m);
