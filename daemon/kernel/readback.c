/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel really has, after the attach: one lookup of the struct_ops map, one of each data map. */
#include <bpf/bpf.h>

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel-btf.h"
#include "daemon/kernel/target.h"

static const char *name_of_id(struct attempt *a, uint64_t slot)
{
	for (size_t i = 0; i < a->n_programs; i++)
		if (a->programs[i].id == slot)
			return bpf_program__name(a->programs[i].program);
	return "(a program of another object)";
}

static int lookup(int map_fd, size_t size, void **ret)
{
	_cleanup_(freep) void *value = calloc(1, size + 1);
	uint32_t zero = 0;

	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &zero, value) < 0)
		return -errno;
	*ret = TAKE_PTR(value);
	return 0;
}

static int set_actual(struct attempt *a, size_t i, size_t offset, const void *bytes, size_t size)
{
	_cleanup_(freep) char *actual = NULL;
	int r;

	r = target_format(a, &a->targets[i], offset, bytes, size, name_of_id, &actual);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	free(a->outcome->fields[i].actual);
	a->outcome->fields[i].actual = TAKE_PTR(actual);
	return 0;
}

static int read_back_global(struct attempt *a, size_t i)
{
	const struct override_target *t = &a->targets[i];
	_cleanup_(freep) void *value = NULL;
	size_t size = bpf_map__value_size(t->map);
	int r;

	r = lookup(bpf_map__fd(t->map), size, &value);
	if (r < 0)
		return r;
	return set_actual(a, i, t->place.offset, value, size);
}

/*
 * The kernel's struct has the member elsewhere than the object's, but of the same size: libbpf copies members as
 * a whole. So what is inside it stands as far from its start as in the object.
 */
static int read_back_field(struct attempt *a, size_t i, const struct kernel_layout *layout,
			   const void *value)
{
	const char *path = a->outcome->fields[i].member;
	struct place member = {.btf = a->btf, .type_id = a->type_id};
	_cleanup_(freep) char *name = strndup(path, strcspn(path, ".["));
	_cleanup_(freep) char *error = NULL;
	size_t offset;
	int r;

	if (!name)
		return -ENOMEM;
	r = place_walk(&member, name, &error);
	if (r < 0)
		return r;
	/* Dropped: this kernel has no such member. */
	if (kernel_layout_find(layout, name, &offset) < 0)
		return 0;
	offset += a->targets[i].place.offset - member.offset;
	return set_actual(a, i, offset, value, layout->value_size);
}

static int read_back_programs(struct attempt *a, const struct kernel_layout *layout,
			      const char *value)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	const struct btf_member *m = btf_members(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(a->btf, m[i].name_off);
		size_t offset;
		uint64_t slot;
		int r;

		if (!btf_is_operator(a->btf, m[i].type) ||
		    kernel_layout_find(layout, name, &offset) < 0 ||
		    offset + sizeof(slot) > layout->value_size)
			continue;
		memcpy(&slot, value + offset, sizeof(slot));
		if (slot == 0)
			continue;
		r = outcome_add_program(a->outcome, name, name_of_id(a, slot), (uint32_t)slot);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_back_map(struct attempt *a)
{
	_cleanup_(kernel_layout_freep) struct kernel_layout *layout = NULL;
	_cleanup_(freep) void *value = NULL;
	int fd = bpf_map__fd(a->map);
	int r;

	r = kernel_layout_new(fd, &layout);
	if (r < 0)
		return r;
	r = lookup(fd, layout->value_size, &value);
	if (r < 0)
		return r;
	for (size_t i = 0; i < a->n_targets; i++) {
		if (a->targets[i].is_global)
			continue;
		r = read_back_field(a, i, layout, value);
		if (r < 0)
			return r;
	}
	return read_back_programs(a, layout, value);
}

static int read_back_globals(struct attempt *a)
{
	for (size_t i = 0; i < a->n_targets; i++) {
		int r = a->targets[i].is_global ? read_back_global(a, i) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int note_unread(struct attempt *a, const char *what, int error)
{
	return messages_add(&a->outcome->notes,
			    "%s could not be read back from the kernel (%s): the attachment stands",
			    what, strerror(-error));
}

int attempt_read_back(struct attempt *a)
{
	int r, k;

	r = read_back_map(a);
	if (r < 0 && r != -ENOMEM)
		r = note_unread(a, "the struct's members", r);
	k = read_back_globals(a);
	if (k < 0 && k != -ENOMEM)
		k = note_unread(a, "the globals", k);
	return r < 0 ? r : k;
}
