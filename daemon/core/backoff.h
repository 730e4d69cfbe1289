/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When to try again, and when no more: the delay grows from RestartSec= to RestartMaxDelaySec= in RestartSteps=
 * steps, geometrically; no more than StartLimitBurst= starts within StartLimitIntervalSec=. Time is an argument.
 */
#pragma once

#include "daemon/core/policy.h"

struct backoff {
	unsigned restarts;   /* automatic ones since all began anew */
	usec_t window_start; /* of the start limit; meaningful while starts > 0 */
	unsigned starts;
};

/* The delay before the n-th automatic restart in a row, n from 0. */
usec_t backoff_delay(const struct restart_rules *rules, unsigned n);

/* Counts a start at now. False: the limit forbids it (and it is not counted). */
bool backoff_admit(struct backoff *b, const struct restart_rules *rules, usec_t now);

/* All begins anew. */
void backoff_reset(struct backoff *b);
