/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each unit test includes first: cmocka wants these four before it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/macro.h"

/* As assert_string_equal(), but NULL is a value too. */
#define assert_text(a, b)                                                    \
	do {                                                                 \
		const char *_a = (a), *_b = (b);                             \
		assert_string_equal(_a ? _a : "(NULL)", _b ? _b : "(NULL)"); \
	} while (0)
