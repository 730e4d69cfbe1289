/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of one attempt to attach: written by the kernel floor inside a worker, sent to the daemon as
 * bytes (the two are different processes), kept by the attachment for status. Plain data, no descriptors:
 * those travel beside it.
 */
#pragma once

#include <sys/stat.h>

#include "common/macro.h"
#include "daemon/core/exit-record.h"
#include "daemon/core/messages.h"
#include "daemon/core/timespan.h"

enum verdict {
	VERDICT_ATTACHED, /* a link exists and is alive */
	VERDICT_REFUSED, /* no retry helps until object, policy or kernel changes (reason load-failed) */
	VERDICT_BUSY, /* the kernel did not take it now: EEXIST, EBUSY, ENOMEM, EMFILE … (reason attach-failed) */
	VERDICT_NO_TYPE, /* no such struct_ops type now; a module may bring it (reason load-failed) */
	VERDICT_DEAD,    /* attached, but the kernel does not use it (reason dead-on-arrival) */
	VERDICT_TAKEN, /* its type's only place is taken: waits for a uevent that it is free (reason attach-failed) */
	VERDICT_GONE, /* the device that it is for is not there (any more) (reason device-gone) */
	VERDICT_NO_PARENT, /* the scheduler that it is to be a part of is not there: waits for one (reason attach-failed) */
	VERDICT_FITS, /* kernel_check() only: it may be tried; nothing was attached */
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

/* A setting outside the attachment that was pointed at it, and what to give back: [Tcp] Default=. */
struct outcome_default {
	char *netns;  /* path of the network namespace; "": the daemon's own */
	char *former; /* value before the attach; NULL: it was ours already and nobody knows */
};

/* Who holds what we want, or (kernel_survey()) what others have attached. */
struct outcome_foreign {
	uint32_t map_id, link_id; /* link_id 0: registered without a link */
	char *type;               /* kernel struct; NULL: could not be found out */
	char *map;                /* name as in the kernel: at most 15 characters */
	struct messages holders;  /* "bpftool[4711]", "pin /sys/fs/bpf/x" */
};

/* Identity of an object file, to see on reload whether it is another one. All 0: unknown. */
struct object_stamp {
	uint64_t device, inode, size, mtime_nsec, ctime_nsec;
};

bool object_stamp_is(const struct object_stamp *s, const struct stat *st);

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
	char *slot; /* what only one attachment can have: "sched_ext_ops", "tcp_congestion_ops bpf_x"; NULL: nothing */
	char *device; /* DEVPATH whose "remove" uevent ends the attachment; NULL: there is none such */
	char *ops_name; /* its name in the subsystem (member name or id); NULL: the type has none */
	uint64_t enable_seq;     /* sched_ext: its counter after our attach; 0: not of that type */
	struct exit_layout exit; /* of the data map in kernel_handles.record_fd */
	struct exit_record end;  /* VERDICT_DEAD, or after the kernel threw it out; kind 0: none */
	char *end_file;          /* what kernel_exit_dump() wrote; NULL: nothing */
	uint32_t holder_map_id;  /* of VERDICT_TAKEN, _BUSY: whose map is in the way; 0: unknown */
	struct outcome_default *defaults;
	size_t n_defaults;
	struct outcome_foreign *foreign; /* kernel_survey() only */
	size_t n_foreign;
	struct messages notes; /* members dropped, alternatives passed over with why, … */
};
#define OUTCOME_NULL ((struct outcome){0})

/* Frees the contents and zeroes the struct. */
void outcome_done(struct outcome *o);

/* They are given back, or another one's. */
void outcome_forget_defaults(struct outcome *o);

/* Both copy their texts (NULL allowed for actual). 0 or -ENOMEM. */
int outcome_add_field(struct outcome *o, const char *member, const char *wanted,
		      const char *actual);
int outcome_add_program(struct outcome *o, const char *member, const char *name, uint32_t id);
/* Copies; former may be NULL. 0 or -ENOMEM. */
int outcome_add_default(struct outcome *o, const char *netns, const char *former);
/* A new entry, zeroed, to be filled; NULL: out of memory. */
struct outcome_foreign *outcome_add_foreign(struct outcome *o);

/*
 * To bytes and back. encode: *ret_bytes is the caller's. decode refuses anything that encode cannot have
 * written (a worker may have died or gone mad half way): -EBADMSG, *ret untouched.
 */
int outcome_encode(const struct outcome *o, void **ret_bytes, size_t *ret_length);
int outcome_decode(const void *bytes, size_t length, struct outcome *ret);
