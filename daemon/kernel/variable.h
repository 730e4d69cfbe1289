/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Global variables of an object that the daemon itself knows by name or type, in the images of its data maps. */
#pragma once

#include "daemon/kernel/attempt.h"

struct variable {
	const struct btf *btf; /* borrowed */
	const char *name;      /* borrowed from btf */
	uint32_t type_id;
	struct bpf_map *map; /* that holds it; NULL: libbpf made none */
	size_t offset;       /* in the value of map */
	size_t map_size;     /* bytes of that value */
};

/* Calls f for each until it returns something other than 0, and returns that. */
int variables_visit(const struct attempt *a, int (*f)(const struct variable *v, void *userdata),
		    void *userdata);

bool variable_find(const struct attempt *a, const char *name, struct variable *ret);
/* The first whose type is that struct. */
bool variable_find_of(const struct attempt *a, const char *struct_name, struct variable *ret);

struct place variable_place(const struct variable *v);

/* Where it stands in the image, if it is of that size and inside; NULL. */
void *variable_bytes(const struct variable *v, size_t size);
