/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network namespaces of the test's own, in a mount namespace of its own: the machine's default algorithm is never
 * touched, and all of it goes with the process.
 */
#pragma once

#include "tests/native/kernel-fixture.h"

/* Once, before any test. 0; what main() is to return where this cannot be had here. */
int netns_tests_possible(void);

/* A new one, bound to the path, and to be left alone afterwards; with ip-netns(8) names: in /run/netns. */
void netns_make(const char *path);
/* The thread goes there for good, to look around; "own" is where netns_tests_possible() brought it. */
void netns_go(const char *path);
void netns_go_home(void);

/* A line of a file below /proc/sys/net, as it is here. */
void netns_read(const char *setting, char *ret, size_t size);
/* net.ipv4.tcp_congestion_control there; NULL: here. */
void netns_assert_default(const char *path, const char *name);
void netns_set_default(const char *path, const char *name);
