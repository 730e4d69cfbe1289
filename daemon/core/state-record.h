/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of one attachment must survive the daemon, beside its descriptors: where its state machine stood, and what is
 * attached. Written at each change of state, read at the next start. Times are CLOCK_MONOTONIC and ids are the
 * kernel's, so a record is worth something within one boot only. An attachment that was off when the daemon ended
 * (machine.state inactive: by an administrator, by Restart=no) stays off. History is not kept; its numbering goes on.
 */
#pragma once

#include "daemon/core/fingerprint.h"
#include "daemon/core/machine.h"
#include "daemon/core/outcome.h"

/*
 * A change of what encode writes, the outcome's encoding included, makes this one more; decode goes on reading the
 * older versions, or an upgrade would forget what runs.
 */
#define STATE_RECORD_VERSION 2 /* 2: switches */
#define BOOT_ID_SIZE 16

struct state_record {
	char *policy; /* its name */
	/* Of the policy as the daemon knew it, which is what is attached unless stale or state updating. */
	struct fingerprint object, whole;
	bool enabled; /* Enabled=: if not, it was attached by hand or as a fallback */
	bool stale;   /* a change of the policy failed: attached is its former form */
	struct machine machine;
	usec_t attached_realtime; /* 0: not attached */
	char *fallback_for;       /* NULL: not attached as a fallback */
	uint64_t last_seq;        /* of its last event */
	char *switched_from;      /* attached in place of that policy; NULL: of none */
	usec_t switch_ends; /* when that one is put back; 0: at the next start; USEC_INFINITY: never by itself */
	char *yields_to;        /* that policy was being put in its place; NULL: none was */
	struct outcome outcome; /* of what is attached, or of the last attempt */
};
#define STATE_RECORD_NULL ((struct state_record){0})

/* Frees the contents and zeroes the struct. */
void state_record_done(struct state_record *r);

/* 0: *ret_bytes is the caller's; -ENOMEM. */
int state_record_encode(const struct state_record *r, const uint8_t boot_id[BOOT_ID_SIZE],
			void **ret_bytes, size_t *ret_length);

/*
 * Believes nothing. 0: *ret is the caller's (state_record_done()). -EBADMSG: damaged; -EOVERFLOW: written by a newer
 * version; -ESTALE: of another boot; each of them with a sentence that starts in the middle ("is damaged: …").
 * -ENOMEM.
 */
int state_record_decode(const void *bytes, size_t length, const uint8_t boot_id[BOOT_ID_SIZE],
			struct state_record *ret, char **ret_error);
