/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the makers of JSON share. */
#pragma once

#include <jansson.h>

#include "common/macro.h"

#define JSON_SCHEMA 1

/* Owned by the array or object that they are packed into ("o"); NULL, out of memory, makes json_pack() fail. */
json_t *json_number_or_null(uint64_t number);

/* Takes root over. 0; -ENOMEM, also where root is NULL; -EIO. */
int json_print(FILE *out, json_t *root, size_t flags);

/* An array of n elements that make(items, i) gives, whatever items is; NULL: out of memory. */
json_t *json_array_of(const void *items, size_t n, json_t *(*make)(const void *items, size_t i));

/* Bytes as text; NULL: out of memory. */
json_t *json_hexadecimal(const uint8_t *bytes, size_t n);

/* An element of json_array_of(): items is a char *[]. */
json_t *json_make_text(const void *items, size_t i);
