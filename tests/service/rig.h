/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A manager on the fake kernel, with a folder of policies: what the tests of the service floor share. Workers and
 * the helper are real processes, the event loop is the real one.
 */
#pragma once

#include "daemon/service/manager.h"
#include "tests/fake-kernel.h"
#include "tests/unit/scratch.h"

struct rig {
	struct scratch *scratch;
	struct config config;
	sd_event *event;
	struct manager *manager;
	bool loop_ended;
	size_t fds_before;
};

/* cmocka setup and teardown; *state is a struct rig *. teardown asserts that no descriptor and no child is left. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* Writes NAME.policy with Path=/object and these lines ([Attach] first, so keys of it may come at once). */
void rig_policy(struct rig *r, const char *name, const char *lines);
/* Writes NAME.policy as it is. */
void rig_policy_text(struct rig *r, const char *name, const char *text);
void rig_remove_policy(struct rig *r, const char *name);

/* Makes the manager and starts it, then runs the loop until all have come to an outcome. */
void rig_start(struct rig *r);

/*
 * The end of the daemon; rig_start() is the next one. end: after manager_stop() or manager_leave(), it runs the loop until
 * that is done. kill: at once, whatever is under way, as SIGKILL does it.
 */
void rig_end(struct rig *r);
void rig_kill(struct rig *r);

/* Runs the loop until the condition holds; fails the test when it does not within half a minute. */
#define rig_run_until(r, condition)                                  \
	do {                                                         \
		usec_t _deadline = rig_now() + 30 * USEC_PER_SEC;    \
		while (!(condition)) {                               \
			if (rig_now() > _deadline)                   \
				fail_msg("in vain: %s", #condition); \
			rig_turn(r);                                 \
		}                                                    \
	} while (0)
usec_t rig_now(void);
void rig_turn(struct rig *r);

struct attachment *rig_get(struct rig *r, const char *name);
enum state rig_state(struct rig *r, const char *name);
/* The word of the state, then that of the reason: "attached boot". */
void rig_assert(struct rig *r, const char *name, const char *state_and_reason);

/*
 * A policy that tries again whenever a uevent says that a module was loaded, which rig_read_uevents() sends: whatever
 * was sent before has been read when that returns.
 */
void rig_add_sentinel(struct rig *r);
void rig_read_uevents(struct rig *r);

/* manager_reload(), waited for. The lines as "name: text\n…"; *ret_ok what it said. The caller frees. */
char *rig_reload(struct rig *r, bool *ret_ok);
