/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/place.h"

#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/core/path.h"

/* The same bound as libbpf's own: no compiler nests deeper, a hostile object may go in circles. */
#define DEPTH_MAX 32

static const char *name_of(const struct btf *btf, uint32_t offset)
{
	return or_empty(btf__name_by_offset(btf, offset));
}

const struct btf_type *btf_resolve(const struct btf *btf, uint32_t type_id)
{
	int id = btf__resolve_type(btf, type_id);

	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

static const struct btf_type *skip_qualifiers(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int depth = 0; t && depth < DEPTH_MAX; depth++) {
		if (!btf_is_const(t) && !btf_is_volatile(t) && !btf_is_restrict(t) &&
		    !btf_is_type_tag(t))
			return t;
		t = btf__type_by_id(btf, t->type);
	}
	return NULL;
}

bool btf_is_operator(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *t = btf_resolve(btf, type_id);
	const struct btf_type *pointed = t && btf_is_ptr(t) ? btf_resolve(btf, t->type) : NULL;

	return pointed && btf_is_func_proto(pointed);
}

static const char *kind_word(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum ";
	default:
		return "";
	}
}

char *btf_type_text(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *t = skip_qualifiers(btf, type_id);
	char dimensions[64] = "";
	size_t n = 0;

	while (t && btf_is_array(t) && n < sizeof(dimensions) - 16) {
		n += (size_t)snprintf(dimensions + n, sizeof(dimensions) - n, "[%u]",
				      btf_array(t)->nelems);
		type_id = btf_array(t)->type;
		t = skip_qualifiers(btf, type_id);
	}
	if (!t)
		return strdup("an unknown type");
	if (btf_is_ptr(t))
		return sentence("a %spointer%s", btf_is_operator(btf, type_id) ? "function " : "",
				dimensions);
	return sentence("%s%s%s", kind_word(t),
			t->name_off ? name_of(btf, t->name_off) : "(anonymous)", dimensions);
}

size_t place_size(const struct place *p)
{
	long long size = btf__resolve_size(p->btf, p->type_id);

	return size < 0 ? 0 : (size_t)size;
}

/* As in C, the members of an anonymous struct or union are members of what it stands in. */
static bool find_member(const struct btf *btf, const struct btf_type *t, const char *name,
			struct place *p, struct nearest *nearest, int depth)
{
	const struct btf_member *m = btf_members(t);

	if (depth > DEPTH_MAX)
		return false;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *candidate = name_of(btf, m[i].name_off);
		const struct btf_type *inner = btf_resolve(btf, m[i].type);
		size_t start = p->offset;

		p->offset = start + btf_member_bit_offset(t, i) / 8;
		if (*candidate && streq(candidate, name)) {
			p->type_id = m[i].type;
			p->is_bitfield = btf_member_bitfield_size(t, i) != 0 ||
					 btf_member_bit_offset(t, i) % 8 != 0;
			return true;
		}
		if (!*candidate && inner && btf_is_composite(inner) &&
		    find_member(btf, inner, name, p, nearest, depth + 1))
			return true;
		p->offset = start;
		if (*candidate)
			nearest_offer(nearest, candidate);
	}
	return false;
}

static int walk_member(struct place *p, const char *name, char **ret_error)
{
	const struct btf_type *t = btf_resolve(p->btf, p->type_id);
	struct nearest nearest = NEAREST(name);
	_cleanup_(freep) char *type = NULL;
	char *error;

	if (t && btf_is_composite(t) && find_member(p->btf, t, name, p, &nearest, 0))
		return 0;
	type = btf_type_text(p->btf, p->type_id);
	if (!type)
		return -ENOMEM;
	if (!t || !btf_is_composite(t))
		error = sentence("%s has no members, so no \"%s\"", type, name);
	else
		error = sentence("%s has no member \"%s\"" NEAREST_FORMAT, type, name,
				 NEAREST_ARGS(nearest));
	if (!error)
		return -ENOMEM;
	*ret_error = error;
	return -EINVAL;
}

static int walk_index(struct place *p, size_t index, char **ret_error)
{
	const struct btf_type *t = btf_resolve(p->btf, p->type_id);
	struct place element = *p;
	_cleanup_(freep) char *type = NULL;
	size_t n = t && btf_is_array(t) ? btf_array(t)->nelems : 0;
	char *error;

	if (index < n) {
		element.type_id = btf_array(t)->type;
		element.offset += index * place_size(&element);
		*p = element;
		return 0;
	}
	type = btf_type_text(p->btf, p->type_id);
	if (!type)
		return -ENOMEM;
	if (n == 0)
		error = sentence("%s has no elements, so no [%zu]", type, index);
	else
		error = sentence("[%zu] is beyond the end of %s: its elements are 0 … %zu", index,
				 type, n - 1);
	if (!error)
		return -ENOMEM;
	*ret_error = error;
	return -EINVAL;
}

int place_walk(struct place *p, const char *path, char **ret_error)
{
	struct place place = *p;
	struct path_step step;
	int r;

	while ((r = path_next(&path, &step)) > 0) {
		if (step.is_index)
			r = walk_index(&place, step.index, ret_error);
		else
			r = walk_member(&place, step.name, ret_error);
		if (r < 0)
			return r;
	}
	if (r < 0) {
		*ret_error = strdup("not a member path, such as limits.max[2]");
		return *ret_error ? -EINVAL : -ENOMEM;
	}
	*p = place;
	return 0;
}
