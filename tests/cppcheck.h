/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read by cppcheck alone (tests/check-cppcheck): macros that it cannot expand, or whose headers it does not read. */
#pragma once

#define LIBBPF_OPTS(type, name, ...) struct type name = {0}
#define TAILQ_HEAD(name, type)      \
	struct name {               \
		struct type *first; \
	}
#define TAILQ_ENTRY(type)          \
	struct {                   \
		struct type *next; \
	}
