/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of the contract (design.md section 3): the states of an attachment and the reasons of its
 * changes. Daemon, client, journal and JSON use these and no others.
 */
#pragma once

#include "common/macro.h"

enum state {
	STATE_INACTIVE, /* nothing attached, nothing wanted */
	STATE_LOADING,  /* a worker loads and attaches, or the helper links the map again */
	STATE_ATTACHED, /* the kernel uses it */
	STATE_UPDATING, /* attached, and a worker brings in the changed policy */
	STATE_WAITING, /* nothing attached; a deadline (back-off) or an event brings the next attempt */
	STATE_DETACHING, /* a worker takes it off */
	STATE_FAILED,    /* gave up; restart, reset-failed or a change of the policy clears it */
	STATE_INVALID,   /* the policy file does not parse */
	_STATE_MAX,
	_STATE_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(state, enum state);

enum reason {
	REASON_BOOT,            /* the daemon started */
	REASON_ADMIN,           /* a verb of the client */
	REASON_RELOAD,          /* the policy was added, changed or removed */
	REASON_LINK_DETACHED,   /* somebody else detached the link (EPOLLHUP) */
	REASON_KERNEL_EXIT,     /* the subsystem threw it out */
	REASON_DEVICE_GONE,     /* its device was removed */
	REASON_DEAD_ON_ARRIVAL, /* the attach succeeded, the kernel does not use it */
	REASON_LOAD_FAILED, /* object, BTF, override or verifier: no retry until something changes */
	REASON_ATTACH_FAILED,  /* loaded, but the kernel did not take it now (EEXIST, EBUSY, …) */
	REASON_WORKER_TIMEOUT, /* the worker hung, crashed or was killed */
	REASON_LIMIT_HIT,      /* too many starts within StartLimitIntervalSec= */
	REASON_ADOPTED,        /* found running at daemon start */
	REASON_FALLBACK,       /* another policy failed and names this one as its Fallback= */
	_REASON_MAX,
	_REASON_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(reason, enum reason);
