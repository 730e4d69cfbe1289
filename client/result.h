/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smaller things that verbs hand to the output back ends; the texts are the caller's. */
#pragma once

#include "common/macro.h"

/* What became of one policy by a verb that changes something. */
struct result {
	const char *name; /* "": concerns all, such as a file that keeps a reload from happening */
	bool done;
	const char *detail; /* a sentence */
};

struct policy_file {
	const char *path, *content;
};
