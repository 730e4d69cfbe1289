/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Fields]: overrides in the image ("shadow") of the struct_ops map that libbpf shows between open and load. */
#include "common/nearest.h"
#include "daemon/kernel/override.h"
#include "daemon/kernel/verdict.h"

/* The struct as the object declares it; an operator is a pointer to one of libbpf's programs there. */
struct image {
	char *bytes;
	size_t size;
};

static bool image_put_operator(struct image *image, size_t offset, struct bpf_program *p)
{
	if (offset > image->size || sizeof(p) > image->size - offset)
		return false;
	memcpy(image->bytes + offset, &p, sizeof(p));
	return true;
}

/* Member i, if it is an operator and set. */
static struct bpf_program *image_operator(const struct attempt *a, const struct image *image,
					  uint32_t i)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	size_t offset = btf_member_bit_offset(t, i) / 8;
	struct bpf_program *p = NULL;

	if (btf_is_operator(a->btf, btf_members(t)[i].type) && offset <= image->size &&
	    sizeof(p) <= image->size - offset)
		memcpy(&p, image->bytes + offset, sizeof(p));
	return p;
}

static bool is_struct_ops_program(const struct bpf_program *p)
{
	return bpf_program__type(p) == BPF_PROG_TYPE_STRUCT_OPS;
}

static int refuse_operator(struct attempt *a, const struct override *v)
{
	struct nearest nearest = NEAREST(v->value);
	struct bpf_program *p;

	for (p = NULL; (p = bpf_object__next_program(a->object, p));)
		if (is_struct_ops_program(p))
			nearest_offer(&nearest, bpf_program__name(p));
	return override_refuse(
		a, v, "Fields",
		"it is an operator (function pointer), and the object has no struct_ops "
		"program \"%s\"" NEAREST_FORMAT " to put there",
		v->value, NEAREST_ARGS(nearest));
}

static int find_operator(struct attempt *a, const struct override *v, struct bpf_program **ret)
{
	struct bpf_program *p = NULL;

	if (v->op != OVERRIDE_SET)
		return override_refuse(
			a, v, "Fields",
			"it is an operator (function pointer): only \"=\" with the name of a "
			"struct_ops program makes sense, not \"%s\"",
			override_op_to_string(v->op));
	if (*v->value != '\0') {
		p = bpf_object__find_program_by_name(a->object, v->value);
		if (!p)
			return refuse_operator(a, v);
		if (!is_struct_ops_program(p))
			return override_refuse(
				a, v, "Fields",
				"program \"%s\" is of SEC(\"%s\"), but an operator needs one of "
				"SEC(\"struct_ops\")",
				v->value, bpf_program__section_name(p));
	}
	*ret = p;
	return 0;
}

static int write_operator(struct attempt *a, const struct override *v, const struct place *p,
			  struct image *image)
{
	struct bpf_program *program = NULL;
	int r;

	/* libbpf takes a nested struct for plain bytes: the pointer would reach the kernel as it is. */
	if (strpbrk(v->path, ".["))
		return override_refuse(
			a, v, "Fields",
			"it is an operator (function pointer) inside another member; libbpf "
			"sets only those that are members of the struct itself");
	r = find_operator(a, v, &program);
	if (r < 0)
		return r;
	if (!image_put_operator(image, p->offset, program))
		return override_refuse(a, v, "Fields",
				       "the object's BTF puts it beyond the end of its data");
	return 1;
}

static int write_field(struct attempt *a, const struct override *v, struct image *image)
{
	struct place place = {.btf = a->btf, .type_id = a->type_id};
	_cleanup_(freep) char *error = NULL;
	int r;

	r = place_walk(&place, v->path, &error);
	if (r == -EINVAL)
		return override_refuse(a, v, "Fields", "%s", error);
	if (r < 0)
		return r;
	if (btf_is_operator(a->btf, place.type_id))
		r = write_operator(a, v, &place, image);
	else
		r = override_write(a, v, "Fields", &place, image->bytes, image->size);
	if (r <= 0)
		return r;
	return override_remember(a, a->map, &place, false, v->path);
}

/* First what holds for whichever map is chosen, then what was written for this very one. */
static bool applies(const struct attempt *a, const struct override *v, bool specific)
{
	return specific ? v->map && streq(v->map, bpf_map__name(a->map)) : !v->map;
}

static bool is_program_of(struct bpf_object *object, const struct bpf_program *wanted)
{
	struct bpf_program *p;

	for (p = NULL; (p = bpf_object__next_program(object, p));)
		if (p == wanted)
			return true;
	return false;
}

/* A damaged file has bytes where a relocation should put a program: no pointer at all, and not to be followed. */
static int check_operators(struct attempt *a, const struct image *image)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct bpf_program *p = image_operator(a, image, i);

		if (!p || is_program_of(a->object, p))
			continue;
		return verdict_refused(
			a->outcome, 0,
			"object \"%s\": member \"%s\" of map \"%s\" is set, but not to a "
			"struct_ops program of the object: clear it in [Fields] (\"%s=\"), or "
			"build the object again",
			a->file->path, btf__name_by_offset(a->btf, btf_members(t)[i].name_off),
			bpf_map__name(a->map),
			btf__name_by_offset(a->btf, btf_members(t)[i].name_off));
	}
	return 0;
}

static int refuse_reuse(struct attempt *a, const struct bpf_program *p, const char *one,
			const char *other)
{
	const char *name = bpf_program__name(p);

	for (size_t i = a->policy->n_fields; i-- > 0;) {
		const struct override *v = &a->policy->fields[i];

		if (!streq(v->value, name) || !(streq(v->path, one) || streq(v->path, other)))
			continue;
		return override_refuse(
			a, v, "Fields",
			"program \"%s\" is the operator of member \"%s\" already, and a "
			"program can serve one member only",
			name, streq(v->path, one) ? other : one);
	}
	return verdict_refused(
		a->outcome, 0,
		"object \"%s\": program \"%s\" is the operator of both \"%s\" and \"%s\", but "
		"a program can serve one member only: correct the object",
		a->file->path, name, one, other);
}

/* libbpf ties a program to one member; its "invalid reuse of prog" is foretold here, with a line number. */
static int check_reuse(struct attempt *a, const struct image *image)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	const struct btf_member *m = btf_members(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct bpf_program *p = image_operator(a, image, i);

		for (uint32_t k = 0; p && k < i; k++)
			if (image_operator(a, image, k) == p)
				return refuse_reuse(a, p,
						    btf__name_by_offset(a->btf, m[k].name_off),
						    btf__name_by_offset(a->btf, m[i].name_off));
	}
	return 0;
}

/* A program that nothing references makes libbpf refuse the whole object, so unused candidates stay out. */
static void select_programs(struct attempt *a, const struct image *image)
{
	uint32_t n_members = btf_vlen(btf_resolve(a->btf, a->type_id));
	struct bpf_program *p;

	for (p = NULL; (p = bpf_object__next_program(a->object, p));)
		if (is_struct_ops_program(p))
			bpf_program__set_autoload(p, false);
	for (uint32_t i = 0; i < n_members; i++) {
		p = image_operator(a, image, i);
		if (p)
			bpf_program__set_autoload(p, true);
	}
}

int attempt_override_fields(struct attempt *a)
{
	struct image image;
	int r;

	image.bytes = bpf_map__initial_value(a->map, &image.size);
	for (int specific = 0; specific <= 1; specific++) {
		for (size_t i = 0; i < a->policy->n_fields; i++) {
			if (!applies(a, &a->policy->fields[i], specific))
				continue;
			r = override_settle(a, write_field(a, &a->policy->fields[i], &image));
			if (r < 0)
				return r;
		}
	}
	r = check_operators(a, &image);
	if (r < 0)
		return r;
	r = override_settle(a, check_reuse(a, &image));
	if (r < 0)
		return r;
	select_programs(a, &image);
	return 0;
}
