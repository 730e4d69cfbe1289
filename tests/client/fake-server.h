/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that answers protocol.h by heart, in a child process: it lets the client be tested without a daemon, and
 * breaks when the two sides no longer mean the same.
 *
 * Its policies: "aimd" is attached, "gentle" has failed (and its row has entries that no client knows), "late" waits.
 * Where it has more: of the template "keys" both instances are attached, of "mice" there is none, of "pads" the only one
 * has failed; the kernel no longer uses "sched", and others have attached two things.
 */
#pragma once

#include "common/macro.h"

enum fake_manner {
	FAKE_ANSWERS,
	FAKE_ANSWERS_AND_GOES, /* leaves after the first event */
	FAKE_HAS_MORE,
	FAKE_LETS_VIEW,    /* denies what is for those who manage */
	FAKE_RAVES,        /* others have attached what has neither map nor link */
	FAKE_FINDS_ERRORS, /* at reload: a file does not parse */
	FAKE_DENIES,       /* each call */
	FAKE_REFUSES,      /* closes each connection, as a user without rights sees it */
	FAKE_IS_SILENT,    /* accepts, and says nothing */
	FAKE_BABBLES,      /* says what is no D-Bus */
	FAKE_DIES,         /* in the middle of each call */
	FAKE_IS_FOREIGN,   /* speaks D-Bus, and knows none of the methods */
};

struct fake_server {
	char *folder;
	char *socket;
	pid_t pid;
};

/* Listens when it returns. */
struct fake_server *fake_server_start(enum fake_manner manner);
void fake_server_stop(struct fake_server *server);
