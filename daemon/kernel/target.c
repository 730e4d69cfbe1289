/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/target.h"

int target_format(struct attempt *a, const struct override_target *t, size_t offset,
		  const void *bytes, size_t size,
		  const char *(*operator_name)(struct attempt *a, uint64_t slot), char **ret)
{
	_cleanup_(btf_value_done) struct btf_value value = {0};
	_cleanup_(freep) char *error = NULL;
	const char *at = (const char *)bytes + offset;
	size_t needed = place_size(&t->place);
	uint64_t slot;
	int r;

	if (offset > size || needed > size - offset)
		return -ENODATA;
	if (!t->is_global && btf_is_operator(a->btf, t->place.type_id)) {
		memcpy(&slot, at, sizeof(slot));
		*ret = strdup(slot == 0 ? "" : operator_name(a, slot));
		return *ret ? 0 : -ENOMEM;
	}
	r = btf_value_init(&value, &t->place, NULL, &error);
	if (r < 0)
		return r == -EINVAL ? -ENODATA : r;
	*ret = value_format(&value.type, at);
	return *ret ? 0 : -ENOMEM;
}

static const char *name_of_program(struct attempt *a _unused_, uint64_t slot)
{
	return bpf_program__name((const struct bpf_program *)(uintptr_t)slot);
}

int targets_note_wanted(struct attempt *a)
{
	for (size_t i = 0; i < a->n_targets; i++) {
		const struct override_target *t = &a->targets[i];
		_cleanup_(freep) char *wanted = NULL;
		size_t size = 0;
		const void *image = bpf_map__initial_value(t->map, &size);
		int r;

		r = target_format(a, t, t->place.offset, image, size, name_of_program, &wanted);
		if (r < 0)
			return r;
		free(a->outcome->fields[i].wanted);
		a->outcome->fields[i].wanted = TAKE_PTR(wanted);
	}
	return 0;
}
