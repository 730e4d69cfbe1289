/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of struct_ops types beforehand. A type that the table does not have is treated as generic. */
#pragma once

#include "common/macro.h"

struct type_traits {
	/* The same map may be linked again after a detachment: it carries no state that a first life leaves stale. */
	bool relinkable;
	/* A new map may be tried beside the old one's link: a refusal harms neither. */
	bool side_by_side;
	/* Only the kernel itself can have it: no module that is loaded later brings it. */
	bool built_in;
};

const struct type_traits *type_traits(const char *kernel_type);
