/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Output for people. Rows in, text out: nothing here asks the daemon, the clock or the terminal, so each function is
 * tested with golden texts. 0; -ENOMEM; -EIO when the file cannot be written.
 */
#pragma once

#include "client/foreign-row.h"
#include "client/policy-row.h"
#include "client/result.h"
#include "client/style.h"

/*
 * A line a policy, what the kernel says otherwise, and how many are in which state. now: CLOCK_REALTIME, µs.
 */
int text_list(FILE *out, const struct style *style, const struct policy_rows *rows, uint64_t now);

/* The second part of "list --all": what others have attached, known. */
int text_foreign(FILE *out, const struct style *style, const struct foreign_rows *rows);

/*
 * All that is known of each, in the manner of "systemctl status". all: the rows to look for the instances of a
 * template in.
 */
int text_status(FILE *out, const struct style *style, const struct policy_rows *rows,
		const struct policy_rows *all, uint64_t now);

/* One line. */
int text_event(FILE *out, const struct style *style, const struct row_event *event);

/* What was done goes to out, what was not to err. */
int text_results(FILE *out, FILE *err, const struct result *results, size_t n);

/* Each file under a comment that names it. */
int text_files(FILE *out, const struct style *style, const struct policy_file *files, size_t n);
