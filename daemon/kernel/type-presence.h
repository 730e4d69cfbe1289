/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Whether the running kernel has a struct_ops type, itself or by a module that is loaded; true also where that cannot be
 * found out. Reads all their BTF, so it is for explaining a failure.
 */
bool type_is_present(const char *type);
