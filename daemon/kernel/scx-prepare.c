/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the user space program of a scheduler does before the load, by the convention of the kernel's own headers
 * (compat.h, enums.autogen.h): with it their objects load without that program.
 */
#include "common/sentence.h"
#include "daemon/kernel/scx.h"
#include "daemon/kernel/variable.h"

/*
 * The numbers of sched_ext's enumerators differ from kernel to kernel, so programs take them from variables: SCX_DSQ_GLOBAL
 * from "const volatile u64 __SCX_DSQ_GLOBAL". One that this kernel does not have stays as it is in the object: 0.
 */
static int set_number(struct attempt *a, const char *enumerator, uint64_t number)
{
	_cleanup_(freep) char *name = sentence("__%s", enumerator);
	struct variable v;
	void *bytes;

	if (!name)
		return -ENOMEM;
	bytes = variable_find(a, name, &v) ? variable_bytes(&v, sizeof(number)) : NULL;
	if (bytes)
		memcpy(bytes, &number, sizeof(number));
	return 0;
}

static int set_numbers_of(struct attempt *a, const struct btf *kernel, const struct btf_type *t)
{
	for (size_t i = 0; i < btf_vlen(t); i++) {
		uint64_t number;
		const char *name = btf_enumerator(kernel, t, i, &number);
		int r = strncmp(name, "SCX_", 4) == 0 ? set_number(a, name, number) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int set_numbers(struct attempt *a, const struct btf *kernel)
{
	for (uint32_t id = 1; id < btf__type_cnt(kernel); id++) {
		const struct btf_type *t = btf__type_by_id(kernel, id);
		int r = btf_is_any_enum(t) ? set_numbers_of(a, kernel, t) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Room for a member of the struct in the image that will be loaded; NULL: it is not there. */
static char *member_bytes(const struct attempt *a, uint32_t i, size_t *ret_size)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	struct place place = {.btf = a->btf, .type_id = btf_members(t)[i].type};
	char *image;
	size_t size;

	image = bpf_map__initial_value(a->map, &size);
	place.offset = btf_member_bit_offset(t, i) / 8;
	*ret_size = place_size(&place);
	if (btf_member_bitfield_size(t, i) != 0 || place.offset > size ||
	    *ret_size > size - place.offset)
		return NULL;
	return image + place.offset;
}

/*
 * With it the kernel refuses the scheduler (and asks for a restart) if a CPU came or went since now: the object may have
 * looked at the CPUs when it was loaded. 0, which is what a kernel without the file leaves, asks for no such check.
 */
static void set_hotplug_seq(char *bytes, size_t size)
{
	uint64_t seq;

	if (size == sizeof(seq) && scx_read_number("hotplug_seq", &seq) == 0)
		memcpy(bytes, &seq, sizeof(seq));
}

static bool has_member(const struct btf *btf, const struct btf_type *t, const char *name)
{
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (streq(or_empty(btf__name_by_offset(btf, btf_members(t)[i].name_off)), name))
			return true;
	return false;
}

/*
 * Members that are zero and that this kernel's struct does not have are left out by libbpf, which says so (load.c notes
 * it). So zero is all that it takes; what the policy sets afterwards is asked for, and refused.
 */
static void fit_members(struct attempt *a, const struct btf *kernel, const struct btf_type *theirs)
{
	const struct btf_type *ours = btf_resolve(a->btf, a->type_id);

	for (uint32_t i = 0; i < btf_vlen(ours); i++) {
		const char *name =
			or_empty(btf__name_by_offset(a->btf, btf_members(ours)[i].name_off));
		size_t size;
		char *bytes = member_bytes(a, i, &size);

		if (!bytes)
			continue;
		if (!has_member(kernel, theirs, name))
			memset(bytes, 0, size);
		else if (streq(name, "hotplug_seq"))
			set_hotplug_seq(bytes, size);
	}
}

int scx_prepare(struct attempt *a)
{
	const struct btf *kernel = enumerators_kernel(&a->enumerators);
	int id = kernel ? btf__find_by_name_kind(kernel, a->outcome->type, BTF_KIND_STRUCT) : -1;

	/* Without the type the load says so better than anything here could. */
	if (id < 0)
		return 0;
	fit_members(a, kernel, btf__type_by_id(kernel, (uint32_t)id));
	return set_numbers(a, kernel);
}
