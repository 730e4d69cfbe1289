/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network namespaces: this thread goes into one, does something, and comes back. Not for the event loop: whoever is
 * in a process with more threads, or comes not back, surprises others.
 */
#pragma once

#include "common/macro.h"

/* What is done within; path is as in the call. 0; -errno. */
typedef int (*netns_visitor_t)(const char *path, void *userdata);

/* "blue" (of ip-netns(8)) or a path -> path. The caller frees; NULL: out of memory. */
char *netns_path(const char *name_or_path);

/* For sentences: "network namespace /run/netns/blue", "the daemon's network namespace" for "". The caller frees. */
char *netns_text(const char *path);

/*
 * Visits the namespace at path; "": the one that this is. The visitor's value, or -errno: it cannot be entered
 * (-ENOENT: there is none, -EINVAL: that is none), and *ret_visited is false.
 */
int netns_visit(const char *path, netns_visitor_t visitor, void *userdata, bool *ret_visited);

/*
 * Visits each network namespace that this one, /run/netns or a process has, once, until a visitor returns a
 * negative value. refused (same arguments, and the error) hears of those that cannot be entered. What has gone in the
 * meantime, and what is none, is passed over.
 */
int netns_visit_all(netns_visitor_t visitor,
		    int (*refused)(const char *path, int error, void *userdata), void *userdata);
