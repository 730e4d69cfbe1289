/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a host fit for struct_ops policies? All is read from files below a root, so that a test can make its own host;
 * nothing is changed, and nobody needs to be root.
 */
#pragma once

#include <sys/types.h>

#include "live/findings.h"

enum doctor_daemon {
	DAEMON_ANSWERS,
	DAEMON_DENIES, /* it is there, and does not talk to this user */
	DAEMON_SILENT, /* nobody is there, or does not answer */
};

struct doctor_host {
	const char *root; /* "": the real one */
	const char *runtime_dir;
	enum doctor_daemon daemon;
	const char *daemon_problem; /* a sentence, where it does not answer */
	pid_t daemon_pid;           /* who is at the other end of the socket; 0: not known */
};

/* Adds a finding for each check. The policies of a daemon that answers are the caller's affair. */
void doctor_examine(const struct doctor_host *host, struct findings *f);

/* The parts of it. */
void doctor_check_kernel(const struct doctor_host *host, struct findings *f);
void doctor_check_settings(const struct doctor_host *host, struct findings *f);
void doctor_check_daemon(const struct doctor_host *host, struct findings *f);
void doctor_check_leftovers(const struct doctor_host *host, struct findings *f);

/* CapEff, CapBnd and the like of a process; pid 0: this one. 0; -errno. */
int doctor_read_capabilities(const struct doctor_host *host, pid_t pid, const char *set,
			     uint64_t *ret);
