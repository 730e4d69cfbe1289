/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where policies come from: NAME.policy in the folders of the policy path, the first folder wins, a link to
 * /dev/null (or an empty file) masks; NAME.policy.d/NN.conf from all folders, merged in the order of the file
 * names, where of two of one name the earlier folder wins.
 */
#pragma once

#include "daemon/core/policy.h"

/* A policy that was found: its name and its files. */
struct policy_file_set {
	char *name;
	bool masked;                   /* sources is empty then */
	struct policy_source *sources; /* [0] the policy, then its drop-ins */
	size_t n_sources;
	struct messages
		errors; /* file that cannot be read, too large, not a regular file, wrong name: as sentences */
};

struct policy_collection {
	struct policy_file_set *sets; /* ordered by name */
	size_t n;
	struct messages
		warnings; /* a folder that cannot be read, a file with a name that no policy can have */
};

/* Reads all. folders is NULL-terminated; one that does not exist is no error. 0 or -ENOMEM. */
int policy_collection_read(char *const *folders, struct policy_collection *ret);
/*
 * One file, wherever it lies, as a collection of one policy, with the drop-ins that lie beside it (FILE.d). What is
 * wrong with the file, or with its name, is an error of the set. 0 or -ENOMEM.
 */
int policy_collection_read_file(const char *path, struct policy_collection *ret);
void policy_collection_done(struct policy_collection *c);
