/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The syntax of override values: text to bytes, bytes to text, for a type that the caller describes. The
 * kernel floor makes descriptions out of BTF; nothing here knows BTF, so everything here is tested without.
 */
#pragma once

#include "common/macro.h"
#include "daemon/core/policy.h"

enum value_kind {
	VALUE_INT,  /* dec, 0x, 0 octal, enumerators, A|B, ~A; range checked */
	VALUE_BOOL, /* yes/no/true/false/on/off/1/0 */
	VALUE_ENUM, /* as VALUE_INT; a number must not be one of the enumerators, so flags enums work */
	VALUE_TEXT, /* char array: text that fits with its NUL; "…" keeps blanks */
	_VALUE_KIND_MAX,
};

struct value_type {
	enum value_kind kind;
	const char *name; /* BTF's name for messages, such as "unsigned int" or "enum tcp_flags" */
	size_t size;      /* bytes of one element: 1, 2, 4, 8; VALUE_TEXT: the whole array */
	bool is_signed;
	size_t n_elements; /* 0: a scalar; else an array of so many (of any kind but VALUE_TEXT) */

	/*
	 * Names of numbers. Looks word up: 0 with *ret, -ENOENT. suggest offers its candidates to a nearest
	 * (may be NULL). name_of is the inverse for value_format: the name of a number or NULL.
	 */
	int (*enumerator)(void *userdata, const char *word, uint64_t *ret);
	void (*suggest)(void *userdata, void *nearest);
	const char *(*name_of)(void *userdata, uint64_t number);
	void *userdata;
};

/*
 * Writes text into image (n_elements * size or size bytes), which holds the present value: OVERRIDE_OR and
 * OVERRIDE_AND combine with it (integers and enums only). Numbers are in the byte order of this machine. An
 * array takes "1, 2, 3": those left out become 0, as in C. 0; -EINVAL, -ERANGE with *ret_error, a sentence such
 * as "300 does not fit into unsigned char (0 … 255)" that the caller frees; image is untouched then. -ENOMEM.
 */
int value_parse(const struct value_type *type, enum override_op op, const char *text, void *image,
		char **ret_error);

/*
 * The inverse, in the form that value_parse reads: numbers decimal (enumerators by name where one fits exactly),
 * bool yes/no, text as it is, arrays "1, 2, 3". The caller frees. NULL: out of memory.
 */
char *value_format(const struct value_type *type, const void *image);
