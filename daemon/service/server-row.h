/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing an a{sv}, for server-rows.c and server-metrics.c only. Texts become UTF-8; what does not apply (NULL, 0) is
 * left out, except where an entry says otherwise.
 */
#pragma once

#include "daemon/service/server-internal.h"

/* Where the row goes; the first error stays, and everything after it does nothing. */
struct row {
	sd_bus_message *m;
	int error;
};

#define row_do(row, call)                      \
	do {                                   \
		if ((row)->error >= 0)         \
			(row)->error = (call); \
	} while (0)

void row_text(struct row *row, const char *key, const char *text);
void row_number(struct row *row, const char *key, uint32_t number); /* also 0 */
void row_time(struct row *row, const char *key, usec_t time);

/* An entry whose value is an array; type is that of the array, such as "a(sss)". */
void row_open(struct row *row, const char *key, const char *type);
void row_close(struct row *row);

/* What Metrics adds to a row of List. */
void row_metrics(struct row *row, const struct attachment *a);
/* How many use the map besides its link; left out where nobody knows. */
void row_users(struct row *row, const struct attachment *a);
