/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper's world in tests: a kernel and a service manager that are this test itself. The fd store is a socket that
 * the test reads, pins are a list, and a link or map is a memory file that says what it is. Descriptors of the test's own
 * start at OWN_FDS, so that those from 3 on are free to be passed at a start.
 */
#pragma once

#include "daemon/service/keeper-internal.h"
#include "tests/unit/scratch.h"

#define OWN_FDS 100
#define ENTRIES_MAX 4096

/* The kernel. */

struct object {
	enum kept_kind kind;
	uint32_t id;
	bool dead;
};

extern struct pin {
	char name[POLICY_NAME_MAX + 1];
	struct kernel_handles handles;
} pins[ENTRIES_MAX];
extern size_t n_pins, n_pinnings;
extern int pin_error; /* not 0: what pinning fails with */

/* Moves a descriptor to where the test has its own. */
int own(int fd);
int make(enum kept_kind kind, uint32_t id, bool dead);
struct object look(int fd);

/* The service manager. */

extern int notify_fd;
extern struct stored {
	char name[FDNAME_SIZE];
	int fd;
} store[ENTRIES_MAX];
extern size_t n_store;
/* Since the last look: "+link.1.x -map.2.x ", with a "!" where it is not to be polled. */
extern char said[4096];

void start_service_manager(struct scratch *s);
/* Reads all that was sent. */
void serve_all(void);
void forget_stored(const char *fdname);
/* What it passes at a start: one descriptor, all of its store. */
void pass(int fd, const char *fdname);
void pass_store(void);

#define assert_said(expected)                \
	do {                                 \
		serve_all();                 \
		assert_text(said, expected); \
		*said = '\0';                \
	} while (0)
