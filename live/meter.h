/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How often the programs of each attachment run and for how long. The kernel counts only while somebody asks it to, at
 * some 20 ns a call: it does as long as a struct meter lives, and stops when the process ends, whatever ends it.
 */
#pragma once

#include "live/map.h"
#include "live/scx.h"

struct meter_program {
	uint32_t id;
	const char *name;     /* NULL: not known. Of the meter */
	const char **members; /* the operators that it is; the names are the meter's */
	size_t n_members;
	uint64_t calls, nsec; /* since it was loaded, while anybody counted */
	uint64_t time_nsec;   /* CLOCK_MONOTONIC when that was read */
};

struct meter_attachment {
	uint32_t map_id, link_id;   /* link_id 0: attached without a link */
	const struct live_map *map; /* of the meter */
	struct meter_program *programs;
	size_t n_programs;
};

struct meter_sample {
	struct meter_attachment *attachments; /* in the order of their maps' ids */
	size_t n_attachments;
	struct scx_status scx;
	uint64_t time_nsec;
};

struct meter;

/* 0: *ret is the caller's; -EPERM, -errno with *ret_error, a sentence that the caller frees; -ENOMEM. */
int meter_new(struct meter **ret, char **ret_error);
struct meter *meter_free(struct meter *m);
DEFINE_CLEANUP(struct meter *, meter_free)

/* 0: *ret is the caller's (meter_sample_done(), before meter_free()); as above. */
int meter_read(struct meter *m, struct meter_sample *ret, char **ret_error);
void meter_sample_done(struct meter_sample *s);
