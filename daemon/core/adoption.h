/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon does at its start about what an earlier one left: a pure function from policies, state records and
 * the descriptors that were kept to one decision a name. Two principles decide every case: an attachment is never lost
 * (what runs goes on running unless somebody wanted it off), and never left twice (what is attached afresh has no
 * living predecessor).
 */
#pragma once

#include "daemon/core/state-record.h"

/* The object file, beside the one that the record tells of (outcome.stamp). */
enum adoption_object {
	ADOPTION_OBJECT_SAME,
	ADOPTION_OBJECT_CHANGED,
	ADOPTION_OBJECT_MISSING, /* what is attached does not need it */
};

/* A policy as it is read now; instances of a template are policies like others, the template itself is none. */
struct adoption_policy {
	const char *name;
	bool valid;                       /* it parses; what follows is meaningful only then */
	bool enabled;                     /* Enabled= */
	struct fingerprint object, whole; /* as in struct state_record */
	enum adoption_object file;        /* SAME where there is no record */
};

/* What was kept under a name, and what the kernel says of it (kernel_find_facts() of kernel.h). */
#define ADOPTION_TYPE_MAX 128
#define ADOPTION_MAP_MAX 16
struct adoption_find {
	const char *name;
	bool is_struct_ops; /* a struct_ops map, or a struct_ops link, or both; false: anything else */
	bool alive; /* attached now: the link has a map, or the map is registered without a link */
	uint32_t link_id; /* 0: there is no link */
	uint32_t
		map_id; /* of the map that the link has; without a living link: of the map that is held. 0: none */
	char type[ADOPTION_TYPE_MAX]; /* of that map: the kernel's struct; "": unknown */
	char map[ADOPTION_MAP_MAX];   /* its name, as in the kernel: cut to 15 characters */
};

enum adoption_action {
	ADOPTION_LEAVE,   /* nothing is there and nothing is wanted */
	ADOPTION_ADOPT,   /* what runs goes on, untouched */
	ADOPTION_REPLACE, /* what runs is adopted, then replaced as by a reload */
	ADOPTION_DETACH,  /* what runs is adopted, then stopped */
	ADOPTION_ATTACH,  /* started afresh */
	ADOPTION_RESUME,  /* nothing runs: the machine goes on where it was */
	ADOPTION_ENDED,   /* it ended while nobody watched: adopted, then MACHINE_DETACHED */
	ADOPTION_DISCARD, /* no policy, nothing that runs: record and descriptors are dropped */
	_ADOPTION_ACTION_MAX,
};
DECLARE_STRING_TABLE(adoption_action, enum adoption_action);

struct adoption_decision {
	const char *name;
	const struct adoption_policy
		*policy; /* these three borrowed from the input; NULL: there is none */
	const struct state_record *
		record; /* its outcome is restored whatever is done: defaults are owed, status tells */
	const struct adoption_find *find;

	enum adoption_action action;
	bool take; /* the descriptors go to the attachment; if not, what was kept is dropped first */
	/* To be set before the step. ADOPT, REPLACE, DETACH, ENDED: attached; RESUME: waiting, failed or inactive. */
	struct machine machine;
	enum reason reason; /* of the step: start, replace or stop */
	char *sentence;     /* what is done and why, for log and event */
};

struct adoption_input {
	const struct adoption_policy *policies;
	size_t n_policies;
	const struct state_record *records;
	size_t n_records;
	const struct adoption_find *finds; /* at most one a name */
	size_t n_finds;
	usec_t now; /* CLOCK_MONOTONIC */
};

struct adoption_plan {
	struct adoption_decision *decisions; /* ordered by name */
	size_t n;
};

/* 0: *ret is the caller's, and borrows from the input; -ENOMEM. */
int adoption_plan(const struct adoption_input *in, struct adoption_plan *ret);
void adoption_plan_done(struct adoption_plan *p);
