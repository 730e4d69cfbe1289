/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in an object: text for people and JSON for programs, of one model. The rules are those of text.h and json.h.
 *
 * inspect  {"schema":1, object, size, digest, license, kernel (compared with), maps [MAP…], programs [PROGRAM…],
 *          globals [GLOBAL…], problems [text…], notes [text…]}
 *
 * MAP      name, section, link (bool), optional (bool), type, kernel_type, known (bool, null: no kernel's BTF), module,
 *          since, config (what the type needs), refused (bool), size, members [MEMBER…], value (null without --value, or where there can be none)
 * MEMBER   name, kind, type, offset, size, bits, value, program, fate, kernel_offset, kernel_size
 * PROGRAM  name, section, struct_ops, sleepable, optional (bools), instructions, members ["map.member"…]
 * GLOBAL   name, section, type, kind, size, value, overridable (bool), reason
 * value    size, data_offset, bytes (hexadecimal), parts [{member, offset, size, program, meaning}…]
 */
#pragma once

#include "client/style.h"
#include "inspect/value-image.h"

struct inspect_view {
	const struct inspection *in;
	const char *kernel_problem;  /* why there is no kernel to compare with; NULL: there is */
	struct value_image **values; /* one a map, NULL where there is none; NULL: not asked for */
};

int text_inspect(FILE *out, const struct style *style, const struct inspect_view *view);
int json_inspect(FILE *out, const struct inspect_view *view);
