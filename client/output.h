/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the output back ends return: 0; -ENOMEM; -EIO when the file cannot be written. */
#pragma once

#include "common/macro.h"

/* result, or what has become of the file meanwhile. */
static inline int output_result(FILE *out, int result)
{
	if (result < 0 || !ferror(out))
		return result;
	/* Why is not kept; what is still to be written mostly fails for the same reason. */
	return fflush(out) != 0 ? -errno : -EIO;
}
