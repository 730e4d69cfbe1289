/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs: one table that gives dispatch, the check of the arguments, and the help. */
#pragma once

#include "client/client.h"

struct verb {
	const char *name;
	const char *arguments; /* for the help */
	size_t min, max;       /* how many arguments */
	bool changes;          /* takes --no-wait */
	const char *method;    /* of verb_change() */
	enum exit_status (*run)(struct client *client, const struct verb *verb, char *const *names,
				size_t n);
	const char *help;
	bool takes_all; /* --all */
	bool inspects;  /* takes --kernel and --value, and a file; needs no daemon */
};
#define VERB_ARGUMENTS_ANY SIZE_MAX
#define VERB_DEFAULT "list"

extern const struct verb verbs[]; /* ends with a row whose name is NULL */

/* NULL: there is no such verb. */
const struct verb *verb_find(const char *name);
/* The verb that was probably meant; NULL: none is near. */
const struct verb *verb_nearest(const char *name);

/* Run with a connected client (but for inspect), as many names as the row allows, NULL-terminated. */
enum exit_status verb_list(struct client *client, const struct verb *verb, char *const *names,
			   size_t n);
enum exit_status verb_status(struct client *client, const struct verb *verb, char *const *names,
			     size_t n);
enum exit_status verb_cat(struct client *client, const struct verb *verb, char *const *names,
			  size_t n);
/* attach, detach, restart, reset-failed: calls verb->method for each name, side by side. */
enum exit_status verb_change(struct client *client, const struct verb *verb, char *const *names,
			     size_t n);
enum exit_status verb_reload(struct client *client, const struct verb *verb, char *const *names,
			     size_t n);
enum exit_status verb_monitor(struct client *client, const struct verb *verb, char *const *names,
			      size_t n);
enum exit_status verb_inspect(struct client *client, const struct verb *verb, char *const *names,
			      size_t n);
