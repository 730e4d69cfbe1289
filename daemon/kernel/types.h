/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of struct_ops types beforehand, a row a type. A type that the table does not have is treated as
 * generic: nothing here has to know it for it to work.
 */
#pragma once

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel.h"

struct type_traits {
	/* The same map may be linked again after a detachment: it carries no state that a first life leaves stale. */
	bool relinkable;
	/* A new map may be tried beside the old one's link: a refusal harms neither. */
	bool side_by_side;
	/* Only the kernel itself can have it: no module that is loaded later brings it. */
	bool built_in;
	/* The kernel has no link for it: the map is registered without one, whatever its section says. */
	bool no_link;

	/* For messages to whoever has a kernel without the type. NULL: not known. */
	const char *config; /* "CONFIG_HID_BPF" */
	const char *since;  /* "6.11" */

	/* Why nobody but the user of the type can attach it: "…, which a daemon cannot attach: %s". NULL: it can. */
	const char *refused;

	/*
	 * The steps of an attempt that a type adds; each may be NULL, and is like the others (attempt.h).
	 *
	 * prepare: after the object was opened, before the overrides, so that a policy has the last word.
	 * before_attach: loaded; the next call attaches.
	 * after_attach: attached in one way or the other (outcome.change); h is borrowed and has map and link, whoever
	 *   owns them. Fills what only the type knows (device, defaults) and makes sure that the kernel uses it:
	 *   -EBADMSG with verdict_dead() or verdict_gone() where it does not. The caller takes it off then.
	 */
	int (*prepare)(struct attempt *a);
	int (*before_attach)(struct attempt *a);
	int (*after_attach)(struct attempt *a, const struct kernel_handles *h);

	/* kernel_alive(), for what link and map do not tell; asked when these say that it is attached. */
	int (*alive)(const struct kernel_handles *h, const struct outcome *o, char **ret_why);

	/* What an error of the attach means here: -EBADMSG, -ENOMEM; 0: nothing that only this type knows. */
	int (*explain)(struct attempt *a, int error);

	/*
	 * Of types that have one place for all, whatever the names are, so that EBUSY means that it is taken.
	 *
	 * place: its name (outcome.slot); the caller frees; NULL: out of memory.
	 * uevent_place: kernel_uevent_place(), for this type.
	 * place_holder: 1 with the name (outcome.ops_name) of who the kernel says has it; the caller frees. 0: nobody has,
	 *   or somebody on the way out; -ENOMEM. A type that has this has uevent_place, too: who waits for the end of the
	 *   holder, which need not be ours, learns of it by a uevent.
	 */
	char *(*place)(const struct attempt *a);
	int (*place_holder)(const struct attempt *a, char **ret_name);
	char *(*uevent_place)(const struct uevent *e);

	/* The type's counter of what was ever enabled, which tells one life from the next (outcome.enable_seq). */
	uint64_t (*enable_seq)(void);
};

/* Never NULL. */
const struct type_traits *type_traits(const char *kernel_type);
