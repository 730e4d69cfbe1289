/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon says about a policy, taken out of a D-Bus message. Texts are borrowed from the message (each row
 * holds a reference), so a list of a hundred policies costs no copies. A text is NULL and a number 0 where the
 * daemon left the entry out.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct row_field {
	const char *member, *wanted;
	const char *actual; /* NULL: could not be read back */
};

struct row_program {
	const char *member, *name;
	uint32_t id;
};

struct row_event {
	uint64_t seq, time_usec, monotonic_usec;
	const char *policy, *from, *to, *reason, *detail;
	uint32_t link_id;
};

struct policy_row {
	sd_bus_message *message;

	const char *name, *state; /* never NULL */
	const char *description, *reason, *detail, *type, *map, *object, *fallback;
	int enabled; /* a truth value, in the width that sd-bus writes */
	uint32_t map_id, link_id, restarts;
	uint64_t attached_usec, next_attempt_usec;

	/* Of Status() only. */
	const char *digest, *watch, *verifier_log;
	uint64_t attach_usec;
	struct row_field *fields;
	size_t n_fields;
	struct row_program *programs;
	size_t n_programs;
	struct row_event *events; /* oldest first */
	size_t n_events;
	const char **notes;
	size_t n_notes;
	const char **files;
	size_t n_files;
};

struct policy_rows {
	struct policy_row *items;
	size_t n;
};

/*
 * Appends what an answer of List() or Status() holds. Entries that this client does not know, or that have another
 * type than it expects, are passed over: a newer daemon may send them. 0; -EBADMSG: no such answer; -ENOMEM. The
 * rows read before an error stay.
 */
int policy_rows_read(struct policy_rows *rows, sd_bus_message *answer);
void policy_rows_done(struct policy_rows *rows);

/* The body of the signal Event. Its texts live as long as the message. */
int row_event_read(struct row_event *ret, sd_bus_message *signal);

/* Whether the kernel uses it now: an update leaves the old one attached until the new one is. */
bool policy_row_is_attached(const struct policy_row *row);
