/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of adoption share: daemons that end in different ways, and a look at what they leave. */
#pragma once

#include "tests/service/rig.h"

#define AT_ONCE "RestartSec=0\nStartLimitBurst=0\n"
#define LATER "RestartSec=1h\nRestartMaxDelaySec=1h\n"

/* Runs the loop until nothing is left to be done, so that all is kept that has to be. */
void quiet(struct rig *r);

/* The ends of a daemon. rig_start() is the next one. */
void kill_daemon(struct rig *r);
void leave(struct rig *r);
void stop(struct rig *r);

void with_pins(struct rig *r);
/* One policy "a" with these lines of [Attach], on pins, attached. */
void start_one(struct rig *r, const char *lines);

uint32_t link_of(struct rig *r, const char *name);
void assert_attaches(const char *name, unsigned attaches, unsigned replaces, unsigned relinks);
void assert_detail(struct rig *r, const char *name, const char *part);
/* Another process detaches it, and it comes back. */
void detach_and_wait(struct rig *r, const char *name);
/* Changes policy "a" and reloads; the worker has done its work, and is held before it reports. */
void change_and_reload(struct rig *r);

bool has_state_file(struct rig *r, const char *name);
size_t count_state_files(struct rig *r);
/* Without hidden ones. */
size_t count_entries(const char *folder);

#define adopt_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
