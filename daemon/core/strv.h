/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NULL-terminated lists of strings, owned. A NULL list is an empty one, for every function here. */
#pragma once

#include "common/macro.h"

/* Frees list and strings; returns NULL. */
char **strv_free(char **list);
DEFINE_CLEANUP(char **, strv_free)

size_t strv_length(char *const *list);
bool strv_contains(char *const *list, const char *text);
/* The same strings in the same order. */
bool strv_equal(char *const *a, char *const *b);

/* Appends a copy of the first length bytes of text. 0, or -ENOMEM with the list as it was. */
int strv_append(char ***list, const char *text, size_t length);
/* The pieces of text between any of separators; empty pieces are left out. 0; -ENOMEM. */
int strv_split(const char *text, const char *separators, char ***ret);
