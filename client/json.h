/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Output for programs: schema 1. Rows in, JSON out; the same rules as in text.h: 0, -ENOMEM, -EIO.
 *
 * Every key is always there, null where it does not apply, but for verifier_log, which is there only when there
 * is a log. Ids and counts are numbers, times are µs (realtime unless the name says monotonic). Programs must
 * pass over keys that they do not know: schema 1 may grow, and never changes what stands here.
 *
 * list     {"schema":1,"policies":[POLICY…]}; with --all also "foreign":[FOREIGN…], null if it could not be told
 * status   {"schema":1,"policies":[POLICY…]}, each with the keys of STATUS too
 * attach, detach, restart, switch, reset-failed, reload
 *          {"schema":1,"results":[{"name":…,"done":…,"detail":…}…]}; name is null where it concerns no
 *          single policy, as a file does that keeps a reload from happening
 * cat      {"schema":1,"name":…,"files":[{"path":…,"content":…}…]}
 * monitor  EVENT a line
 *
 * POLICY   name, description, enabled (bool), state, reason, detail, type, map, map_id, link_id, object,
 *          attached_usec, restarts, next_attempt_usec, fallback, template, instances (null: no template), device,
 *          switched_from, switch_ends_usec (0: when the daemon starts anew), disagreements [text…]
 * FOREIGN  type, map, map_id, link_id, holders [text…]
 * STATUS   fields [{member, wanted, actual}…] (actual is null where it could not be read back), programs [{member,
 *          name, id}…], events [EVENT…] oldest first, notes [text…], files [path…], digest (SHA-256 of the object as
 *          loaded), watch, kept, attach_usec, users, defaults [{netns, before}…] (netns is null for the daemon's own),
 *          exit {kind, code, reason, message, file}, verifier_log
 * EVENT    seq, time_usec, monotonic_usec, policy, from, to, reason, detail, link_id
 */
#pragma once

#include "client/foreign-row.h"
#include "client/policy-row.h"
#include "client/result.h"

/* foreign NULL: was not asked for. */
int json_list(FILE *out, const struct policy_rows *rows, const struct foreign_rows *foreign);
int json_status(FILE *out, const struct policy_rows *rows);
/* One line, and it is not kept back in a buffer. */
int json_event(FILE *out, const struct row_event *event);
int json_results(FILE *out, const struct result *results, size_t n);
int json_files(FILE *out, const char *name, const struct policy_file *files, size_t n);
