/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kernel makes of an object's struct_ops maps, by libbpf's rules. */
#pragma once

#include "inspect/inspection.h"
#include "inspect/kernel-types.h"

/*
 * Fills in presence, module, and for each member fate and the place in the kernel's struct; adds the members that
 * only the kernel has. Judges images and programs as they are now. To be called once. 0, -ENOMEM.
 */
int inspection_compare(struct inspection *in, struct kernel_types *k);

/* Whether any member would be refused. */
bool ops_map_is_refused(const struct ops_map *map);
