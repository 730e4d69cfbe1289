/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The live value of a map: text for people and JSON for programs, of one model. The rules are those of text.h and json.h.
 *
 * dump     {"schema":1, policy, map, map_id, link_id, type, module, state, references, size, data_offset, bytes
 *          (hexadecimal), members [MEMBER…], wanted [WANTED…]}
 *
 * MEMBER   name, kind, type, offset, size, bits, value, program, program_id
 * WANTED   member, wanted, actual
 */
#pragma once

#include "client/style.h"
#include "live/map.h"

struct dump_wanted {
	const char *member, *wanted; /* of the policy; not globals, which are in another map */
	char *actual;                /* NULL: this kernel has no such member */
};

struct dump_view {
	const struct live_map *map;
	const char *policy;         /* NULL: map or link was named */
	uint32_t link_id;           /* 0: none */
	struct dump_wanted *wanted; /* in the order of the policy */
	size_t n_wanted;
	bool bytes; /* text: where each member stands, and its bytes; JSON always has them */
};

int text_dump(FILE *out, const struct style *style, const struct dump_view *view);
int json_dump(FILE *out, const struct dump_view *view);
