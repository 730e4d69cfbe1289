/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of one attempt to attach: written by the kernel floor inside a worker, sent to the daemon as
 * bytes (the two are different processes), kept by the attachment for status. Plain data, no descriptors:
 * those travel beside it.
 */
#pragma once

#include "common/macro.h"
#include "daemon/core/messages.h"
#include "daemon/core/timespan.h"

enum verdict {
	VERDICT_ATTACHED, /* a link exists and is alive */
	VERDICT_REFUSED, /* no retry helps until object, policy or kernel changes (reason load-failed) */
	VERDICT_BUSY, /* the kernel did not take it now: EEXIST, EBUSY, ENOMEM, EMFILE … (reason attach-failed) */
	VERDICT_NO_TYPE, /* no such struct_ops type now; a module may bring it (reason load-failed) */
	VERDICT_DEAD,    /* attached, but the kernel does not use it (reason dead-on-arrival) */
	_VERDICT_MAX,
};

/* How a changed policy was brought in beside a running one. */
enum change {
	CHANGE_FRESH,   /* nothing was attached before */
	CHANGE_UPDATED, /* BPF_LINK_UPDATE: same link, no gap */
	CHANGE_SWAPPED, /* detached and attached; gap_usec */
	CHANGE_KEPT,    /* failed, but the old one is attached (again) */
	CHANGE_LOST, /* failed, and the old one could not be attached again: nothing is attached */
	_CHANGE_MAX,
};

struct outcome_field {
	char *member; /* "flags", "limits.max[2]", "Globals.backoff_percent" */
	char *wanted; /* the value after the override, as value_format() prints it; an operator: a program's name or "" */
	char *actual; /* read back from the kernel after the attach; NULL: could not be read */
};

struct outcome_program {
	char *member;
	char *name; /* full name, as in the object */
	uint32_t id;
};

/* Identity of an object file, to see on reload whether it is another one. All 0: unknown. */
struct object_stamp {
	uint64_t device, inode, size, mtime_nsec, ctime_nsec;
};

struct outcome {
	enum verdict verdict;
	enum change change;
	int error;          /* positive errno where a call failed, else 0 */
	char *detail;       /* a sentence: what, where, why, what to do. NULL where all is well */
	char *verifier_log; /* its last lines; NULL where there is none */
	char *object_file;  /* the file that was found and loaded */
	char *digest;       /* SHA-256 of what was loaded, hex */
	struct object_stamp stamp;
	char *type; /* kernel struct, such as "tcp_congestion_ops" */
	char *map;  /* name in the object */
	uint32_t map_id, link_id;
	bool linkless; /* attached without a link: nothing tells of its end, and it outlives the daemon */
	bool relinkable; /* the same map may be linked again after a detachment */
	usec_t load_usec, attach_usec, gap_usec;
	struct outcome_field *fields;
	size_t n_fields;
	struct outcome_program *programs;
	size_t n_programs;
	struct messages notes; /* members dropped, alternatives passed over with why, … */
};
#define OUTCOME_NULL ((struct outcome){0})

/* Frees the contents and zeroes the struct. */
void outcome_done(struct outcome *o);

/* Both copy their texts (NULL allowed for actual). 0 or -ENOMEM. */
int outcome_add_field(struct outcome *o, const char *member, const char *wanted,
		      const char *actual);
int outcome_add_program(struct outcome *o, const char *member, const char *name, uint32_t id);

/*
 * To bytes and back. encode: *ret_bytes is the caller's. decode refuses anything that encode cannot have
 * written (a worker may have died or gone mad half way): -EBADMSG, *ret untouched.
 */
int outcome_encode(const struct outcome *o, void **ret_bytes, size_t *ret_length);
int outcome_decode(const void *bytes, size_t length, struct outcome *ret);
