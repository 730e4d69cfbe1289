/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The questions to the daemon that several verbs begin with. Anything but EXIT_DONE has been complained about. */
#pragma once

#include "client/client.h"
#include "client/policy-row.h"

/* All policies, with the entries of List(). */
enum exit_status ask_list(struct client *client, struct policy_rows *rows);

/*
 * The same for verbs that can do without: connects where nobody has yet, and says nothing. Anything but EXIT_DONE has a
 * sentence that the caller frees (NULL: out of memory).
 */
enum exit_status ask_list_quietly(struct client *client, struct policy_rows *rows,
				  char **ret_sentence);

/* The policies of names (NULL-terminated), or all where names is empty, are put to the rows. */
enum exit_status ask_status(struct client *client, char **names, struct policy_rows *rows);
