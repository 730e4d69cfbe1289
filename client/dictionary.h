/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dictionaries of D-Bus (a{sv}) into structs, by a table. Texts are borrowed from the message, of which each row holds
 * a reference, so a list of a hundred policies costs no copies.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct texts {
	const char **items;
	size_t n;
};

struct dictionary_key {
	const char *key;
	const char *signature;
	size_t offset; /* of a member of that basic type, or of a struct texts for "as" */
	/* For all else; member: what is at offset. NULL: written there. */
	int (*read)(sd_bus_message *m, void *row, void *member);
};

struct dictionary_form {
	const struct dictionary_key *keys;
	size_t n_keys;
	size_t row_size; /* of a struct whose first member is the sd_bus_message * that it borrows from */
	bool (*is_whole)(const void *row); /* has what no row lacks */
	void (*row_done)(void *row);
};

/*
 * Appends the rows of an answer (aa{sv}) to the array that *items points to. Entries that the form does not have, or
 * has with another signature, are passed over: a newer daemon may send them. 0; -EBADMSG: no such answer; -ENOMEM.
 * The rows read before an error stay.
 */
int dictionary_read_rows(const struct dictionary_form *form, sd_bus_message *answer, void *items,
			 size_t *n);
/* One dictionary (a{sv}), which must be there, into a zeroed row; to be freed unless the first member stayed NULL. */
int dictionary_read(const struct dictionary_form *form, sd_bus_message *answer, void *row);
void dictionary_done(const struct dictionary_form *form, void *row);
/* Frees what dictionary_read_rows() has appended. */
void dictionary_free_rows(const struct dictionary_form *form, void *items, size_t n);

/*
 * A zeroed element at the end of the array that *items points to; NULL: out of memory. The pointer has the caller's
 * type, so it is only ever copied here.
 */
void *array_append(void *items, size_t *n, size_t size);
