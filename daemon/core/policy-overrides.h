/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of overrides, kept in the order that struct override promises. */
#pragma once

#include "daemon/core/policy.h"

/*
 * Adds a copy of new's texts (file stays borrowed). An OVERRIDE_SET drops what stood there for the same map and path;
 * those of [Fields] stay before those of [Fields MAP], so the special ones win. 0; -E2BIG: more than
 * POLICY_OVERRIDES_MAX; -ENOMEM.
 */
int overrides_add(struct override **list, size_t *n, const struct override *new);
/* A list of the same; file stays borrowed from where it was. 0 or -ENOMEM. */
int overrides_copy(const struct override *list, size_t n, struct override **ret);
void overrides_free(struct override *list, size_t n);

/* Same maps, paths, operators and values in the same order; where they were written does not count. */
bool overrides_equal(const struct override *a, size_t n_a, const struct override *b, size_t n_b);
