/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RUNTIME_DIR/state: one NAME.state an attachment (core/state-record.h), made anew and renamed at each change, so that
 * it is whole whenever the daemon ends. Not synced to a disk: it lies in /run and is worth nothing after a boot. What is
 * wrong with the folder is logged here, and is never fatal: a record that cannot be kept costs the counters, no
 * attachment.
 */
#pragma once

#include "daemon/core/state-record.h"

#define STATE_DIR_NAME "state"
#define STATE_SUFFIX ".state"
#define STATE_NEWER_SUFFIX ".newer" /* set aside: a newer version wrote it */

struct state_dir;

/* Makes the folder (0700) in a runtime directory that is locked. 0; -errno, logged; -ENOMEM. */
int state_dir_new(const char *runtime_dir, struct state_dir **ret);
struct state_dir *state_dir_free(struct state_dir *d);
DEFINE_CLEANUP(struct state_dir *, state_dir_free)

/*
 * Writes the record of r->policy. Where that fails the former one is removed, since it would tell what is not true any
 * more. The first failure in a row is logged, and the success that ends it. 0; -errno.
 */
int state_dir_write(struct state_dir *d, const struct state_record *r);
void state_dir_remove(struct state_dir *d, const char *name);

/* All records. *ret is the caller's (state_records_free()). 0; -errno, logged; -ENOMEM. */
int state_dir_read(struct state_dir *d, struct state_record **ret, size_t *ret_n);
void state_records_free(struct state_record *records, size_t n);
