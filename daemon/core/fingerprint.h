/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fingerprints of policies: FNV-1a with 128 bits over all that counts, each text with its length. With them the next
 * daemon sees whether a policy changed while none was there to look, without having kept the policy itself. They
 * guard against coincidence, not against somebody who wants two policies to look the same: who may write policies may
 * write any.
 */
#pragma once

#include "daemon/core/policy.h"

struct fingerprint {
	uint64_t high, low;
};

/* Equal where policy_same_object() is true, different where it is not. */
struct fingerprint fingerprint_of_object(const struct policy *p);
/* The same for policy_equal(). */
struct fingerprint fingerprint_of_policy(const struct policy *p);
struct fingerprint fingerprint_of_bytes(const void *bytes, size_t length);

static inline bool fingerprint_equal(struct fingerprint a, struct fingerprint b)
{
	return a.high == b.high && a.low == b.low;
}
