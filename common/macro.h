/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The few macros that the whole project uses. Nothing here allocates, logs or fails. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

/* Runs f(&variable) when the variable leaves its scope. */
#define _cleanup_(f) __attribute__((cleanup(f)))

/* Hands a pointer or a descriptor over: the cleanup of the variable then finds nothing. */
#define TAKE_PTR(p)                        \
	({                                 \
		__typeof__(p) *_pp = &(p); \
		__typeof__(p) _p = *_pp;   \
		*_pp = NULL;               \
		_p;                        \
	})
#define TAKE_FD(fd)                \
	({                         \
		int *_pfd = &(fd); \
		int _fd = *_pfd;   \
		*_pfd = -EBADF;    \
		_fd;               \
	})

/* Makes "_cleanup_(x_freep) struct x *x = NULL;" out of "struct x *x_free(struct x *)". */
#define DEFINE_CLEANUP(type, func)                     \
	static inline _unused_ void func##p(type *ptr) \
	{                                              \
		if (*ptr)                              \
			func(*ptr);                    \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Closes what is open; for a cleared slot: fd = safe_close(fd). */
static inline int safe_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -EBADF;
}

static inline void closep(int *fd)
{
	safe_close(*fd);
}

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Equal, or both NULL. */
static inline bool streq_null(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* For messages about values that may be missing. */
static inline const char *or_empty(const char *s)
{
	return s ? s : "";
}

/*
 * enum <-> text. The table is an array with designated initialisers, indexed by the enum; from_string
 * returns -EINVAL for a word that the table does not have, to_string NULL for a number it does not have.
 */
#define DECLARE_STRING_TABLE(name, type)          \
	const char *name##_to_string(type value); \
	type name##_from_string(const char *text)

#define DEFINE_STRING_TABLE(name, type)                                          \
	const char *name##_to_string(type value)                                 \
	{                                                                        \
		if ((int)value < 0 || (size_t)value >= ARRAY_SIZE(name##_table)) \
			return NULL;                                             \
		return name##_table[value];                                      \
	}                                                                        \
	type name##_from_string(const char *text)                                \
	{                                                                        \
		for (size_t i = 0; text && i < ARRAY_SIZE(name##_table); i++)    \
			if (name##_table[i] && streq(name##_table[i], text))     \
				return (type)i;                                  \
		return (type)-EINVAL;                                            \
	}
