/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rig with a bus server and a client that behaves; both ends share one loop. */
#pragma once

#include <systemd/sd-bus.h>

#include "common/protocol.h"
#include "daemon/service/server.h"
#include "tests/service/rig.h"

struct bed {
	struct rig *rig;
	struct server *server;
	sd_bus *bus; /* a client that behaves */
	char *path;
};

/* cmocka setup and teardown; *state is a struct bed *. */
int bed_setup(void **state);
int bed_teardown(void **state);
#define bed_test(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

/* rig_start(), then server and client. */
void bed_start(struct bed *b);
sd_bus *bed_connect(struct bed *b);

struct answer {
	sd_bus_message *m;
};

/* One call: answer->m is there when it is answered or failed. */
void bed_call_async(sd_bus *bus, struct answer *answer, const char *method, const char *types, ...);
#define bed_call(b, answer, ...)                               \
	do {                                                   \
		bed_call_async((b)->bus, answer, __VA_ARGS__); \
		rig_run_until((b)->rig, (answer)->m);          \
	} while (0)

/* These free the answer. */
void assert_verdict(struct answer *answer, bool done, const char *start);
void assert_error(struct answer *answer, const char *name, const char *part);
/* Counts the rows of List or Status, and looks for a key in all of them. */
size_t count_rows(struct answer *answer, const char *key, bool *ret_found);
/* The key in the first row: its number, or its only text, which has text in it. */
void assert_row_number(struct answer *answer, const char *key, int number);
void assert_row_text(struct answer *answer, const char *key, const char *text);
