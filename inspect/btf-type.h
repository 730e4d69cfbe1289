/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to BTF types: what they are, how they are called, which value some bytes have in them. */
#pragma once

#include <bpf/btf.h>

#include "inspect/elf-file.h"

/* Names longer than this (no compiler makes them) are cut; it bounds what a hostile file costs. */
#define BTF_NAME_MAX 255

/* The type without typedefs and qualifiers; NULL for BTF that goes in circles. */
const struct btf_type *btf_type_resolve(const struct btf *btf, uint32_t id);

/* Bytes; 0 where BTF does not say. */
size_t btf_type_size(const struct btf *btf, uint32_t id);

/* A pointer to a function. */
bool btf_type_is_operator(const struct btf *btf, uint32_t id);

/* Whether the text at that offset is this one. */
bool btf_name_is(const struct btf *btf, uint32_t offset, const char *name);

/* Copies what a file calls something: cut, and bytes that are not printable ASCII as "?". NULL: out of memory. */
char *name_copy(const char *name);
char *btf_name_copy(const struct btf *btf, uint32_t offset);

/* "unsigned int", "enum color", "char[16]", "function pointer". The caller frees; NULL: out of memory. */
char *btf_type_name(const struct btf *btf, uint32_t id);

enum type_kind {
	TYPE_NUMBER,
	TYPE_BOOL,
	TYPE_ENUM,
	TYPE_TEXT, /* a char array */
	TYPE_ARRAY,
	TYPE_STRUCT,
	TYPE_UNION,
	TYPE_OPERATOR, /* a pointer to a function */
	TYPE_POINTER,
	TYPE_OTHER, /* floats and whatever is yet to be invented */
	_TYPE_KIND_MAX,
	_TYPE_KIND_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(type_kind, enum type_kind);
enum type_kind btf_type_kind(const struct btf *btf, uint32_t id);

/*
 * The value as a policy would write it, "{member = 1, …}" for what a policy cannot write at once; in structs what
 * is zero is left out. Long ones end in "…". image may be shorter than the type: then it is "?". NULL: out of memory.
 */
char *btf_value_text(const struct btf *btf, uint32_t id, struct span image);

/* The same for a bitfield of that type: as many bits from that bit on. */
char *btf_bits_text(const struct btf *btf, uint32_t id, struct span image, size_t bit_offset,
		    size_t bits);
