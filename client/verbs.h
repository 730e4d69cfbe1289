/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs: one table that gives dispatch, the check of the arguments, and the help. */
#pragma once

#include "client/client.h"

struct verb {
	const char *name;
	const char *arguments; /* for the help */
	size_t min, max;       /* how many arguments */
	const char *method;    /* of verb_change() */
	enum exit_status (*run)(struct client *client, const struct verb *verb, char *const *names,
				size_t n);
	const char *help;
	bool changes;         /* takes --no-wait */
	bool switches;        /* --for, --until-restart, --back */
	bool connects_itself; /* if at all: it works without a daemon, or tells what is the matter */
	bool takes_all;       /* --all */
	bool takes_value;     /* --value */
	bool inspects;        /* takes --kernel, and a file */
	bool repeats;         /* --once, --interval */
	bool monitors;        /* --since, --state */
	bool merges;          /* --merged */
	bool compares;        /* --config, --policy-path */
	bool measures;        /* --textfile */
	bool verifies;        /* --load, --kernel, --config, --policy-path, --object-path; files */
};
#define VERB_ARGUMENTS_ANY SIZE_MAX
#define VERB_DEFAULT "list"

extern const struct verb verbs[]; /* ends with a row whose name is NULL */

/* NULL: there is no such verb. */
const struct verb *verb_find(const char *name);
/* The verb that was probably meant; NULL: none is near. */
const struct verb *verb_nearest(const char *name);

/* Run with a connected client (unless it connects itself), as many names as the row allows, NULL-terminated. */
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
enum exit_status verb_switch(struct client *client, const struct verb *verb, char *const *names,
			     size_t n);
enum exit_status verb_monitor(struct client *client, const struct verb *verb, char *const *names,
			      size_t n);
enum exit_status verb_delta(struct client *client, const struct verb *verb, char *const *names,
			    size_t n);
enum exit_status verb_metrics(struct client *client, const struct verb *verb, char *const *names,
			      size_t n);
enum exit_status verb_inspect(struct client *client, const struct verb *verb, char *const *names,
			      size_t n);
enum exit_status verb_dump(struct client *client, const struct verb *verb, char *const *names,
			   size_t n);
enum exit_status verb_doctor(struct client *client, const struct verb *verb, char *const *names,
			     size_t n);
enum exit_status verb_top(struct client *client, const struct verb *verb, char *const *names,
			  size_t n);
enum exit_status verb_verify(struct client *client, const struct verb *verb, char *const *names,
			     size_t n);
enum exit_status verb_log(struct client *client, const struct verb *verb, char *const *names,
			  size_t n);
