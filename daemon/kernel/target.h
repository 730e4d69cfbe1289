/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The members that a policy sets, as text: what was wanted, and later what the kernel has. */
#pragma once

#include "daemon/kernel/attempt.h"

/*
 * The value at a target's place in bytes, in the form that a policy would write it. operator_name tells the name
 * of what stands in an operator's slot. 0; -ENODATA: the bytes do not reach that far; -ENOMEM.
 */
int target_format(struct attempt *a, const struct override_target *t, size_t offset,
		  const void *bytes, size_t size,
		  const char *(*operator_name)(struct attempt *a, uint64_t slot), char **ret);

/* Fills outcome.fields[].wanted from the images as they will be loaded. */
int targets_note_wanted(struct attempt *a);
