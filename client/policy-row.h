/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon says about a policy, taken out of a D-Bus message, from which the texts are borrowed. A text is NULL
 * and a number 0 where the daemon left the entry out.
 */
#pragma once

#include "client/dictionary.h"

struct row_field {
	const char *member, *wanted;
	const char *actual; /* NULL: could not be read back */
};

struct row_program {
	const char *member, *name;
	uint32_t id;
};

struct row_default {
	const char *netns;  /* "": the daemon's own */
	const char *before; /* the value that it gives back; "": nobody knows */
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
	const char *template; /* that this is an instance of */
	bool is_template;
	uint32_t instances; /* of a template */
	const char *device;
	const char *switched_from;  /* it is attached in place of that policy */
	bool goes_back;             /* to that one, by itself: */
	uint64_t switch_ends_usec;  /* at that time; 0: when the daemon starts anew */
	struct texts disagreements; /* where the kernel says otherwise */

	/* Of Status() only. */
	const char *digest, *watch, *kept, *verifier_log;
	uint64_t attach_usec;
	struct row_field *fields;
	size_t n_fields;
	struct row_program *programs;
	size_t n_programs;
	struct row_event *events; /* oldest first */
	size_t n_events;
	struct texts notes, files;
	bool users_known;
	uint32_t users; /* besides the link */
	struct row_default *defaults;
	size_t n_defaults;
	int32_t exit_kind; /* of the last exit that the kernel reported; 0: there was none */
	int64_t exit_code;
	const char *exit_reason, *exit_message, *exit_file;
};

struct policy_rows {
	struct policy_row *items;
	size_t n;
};

/* Appends what an answer of List() or Status() holds. 0, -EBADMSG, -ENOMEM as dictionary_read_rows(). */
int policy_rows_read(struct policy_rows *rows, sd_bus_message *answer);
void policy_rows_done(struct policy_rows *rows);

/* The body of the signal Event. Its texts live as long as the message. */
int row_event_read(struct row_event *ret, sd_bus_message *signal);

/* The answer of Follow(): appends to the array, which the caller frees. 0; -EBADMSG; -ENOMEM. */
int row_events_read(struct row_event **events, size_t *n, sd_bus_message *answer);

/* Whether the daemon takes it for attached: an update leaves the old one attached until the new one is. */
bool policy_row_is_attached(const struct policy_row *row);

bool policy_row_is_instance_of(const struct policy_row *row, const struct policy_row *template);

/*
 * Whether it is attached and the kernel says so too. A template is when it has instances and each of them is; all: the
 * rows to look for them in.
 */
bool policy_row_is_in_effect(const struct policy_row *row, const struct policy_rows *all);
