/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences for people: asprintf() that tells of success by its value. */
#pragma once

#include <stdarg.h>

#include "common/macro.h"

/* The caller frees. NULL: out of memory. */
char *sentence(const char *format, ...) _printf_(1, 2);
char *sentence_va(const char *format, va_list args) _printf_(1, 0);

/* For "return sentence_error(ret_error, -EBUSY, "…")": puts the sentence (or NULL) there and returns error. */
int sentence_error(char **ret_error, int error, const char *format, ...) _printf_(3, 4);
