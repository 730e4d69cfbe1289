/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of switches share: policies with one slot, asking, and what must be so. */
#pragma once

#include "tests/service/rig.h"

#define SWITCH_SLOT "fake_ops one"

/* The answer to a switch. */
struct switched {
	bool come, done;
	char text[512];
};

/* A policy with that slot and Enabled=no. */
void switch_off_policy(struct rig *r, const char *name);
/* "old" is attached, "new" and "third" could be in its place, "other" has another one. */
void switch_start(struct rig *r);

void switch_ask(struct rig *r, const char *name, usec_t ends, struct switched *s);
/* Waits for the answer, which has part in it. */
void switch_assert(struct rig *r, struct switched *s, bool done, const char *part);
/* Both. */
void switch_to(struct rig *r, const char *name, usec_t ends, bool done, const char *part);
void switch_back(struct rig *r, const char *name, bool done, const char *part);

/* The fake kernel has it as the daemon says: this policy's map, at the end of a living link, which is watched. */
void assert_in_kernel(struct rig *r, const char *name);
void switch_assert_detail(struct rig *r, const char *name, const char *part);
/* former NULL: of none. */
void assert_switched_from(struct rig *r, const char *name, const char *former, usec_t ends);
/* After switch_start() and a switch to "new" that came to nothing. */
void assert_old_goes_on(struct rig *r);

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
