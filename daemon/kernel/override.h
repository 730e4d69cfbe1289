/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What [Fields] and [Globals] have in common: one override, one place in an image. */
#pragma once

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel.h"

/* Refuses with "file:line: [Section] key: …", the form of the parser's own messages. -EBADMSG, -ENOMEM. */
int override_refuse(struct attempt *a, const struct override *v, const char *section,
		    const char *format, ...) _printf_(4, 5);

/* What became of one override: where all mistakes are wanted, one of them is no reason to stop. */
int override_settle(struct attempt *a, int result);

/*
 * Parses the value by BTF and writes it into the image. 1: written; 0: the text is empty, which leaves what the
 * object has; -EBADMSG, -ENOMEM.
 */
int override_write(struct attempt *a, const struct override *v, const char *section,
		   const struct place *p, void *image, size_t image_size);

/* Remembers once that a member was set, and notes its final value as wanted later. */
int override_remember(struct attempt *a, struct bpf_map *map, const struct place *p, bool is_global,
		      const char *path);

/* Each variable that [Globals] names, once, as all overrides leave it. 0, -ENOMEM. */
int attempt_take_globals(const struct attempt *a, struct kernel_findings *f);
