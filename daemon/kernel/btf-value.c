/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/btf-value.h"

#include "common/nearest.h"
#include "common/sentence.h"

const char *btf_enumerator(const struct btf *btf, const struct btf_type *t, size_t i, uint64_t *ret)
{
	if (btf_is_enum64(t)) {
		const struct btf_enum64 *e = &btf_enum64(t)[i];

		*ret = btf_enum64_value(e);
		return or_empty(btf__name_by_offset(btf, e->name_off));
	}
	/* Negative ones are sign-extended; without the flag the same 32 bits are a large number. */
	*ret = btf_kflag(t) ? (uint64_t)(int64_t)btf_enum(t)[i].val
			    : (uint64_t)(uint32_t)btf_enum(t)[i].val;
	return or_empty(btf__name_by_offset(btf, btf_enum(t)[i].name_off));
}

static bool enum_find(const struct btf *btf, const struct btf_type *t, const char *word,
		      uint64_t *ret)
{
	uint64_t number;

	for (size_t i = 0; i < btf_vlen(t); i++) {
		if (!streq(btf_enumerator(btf, t, i, &number), word))
			continue;
		*ret = number;
		return true;
	}
	return false;
}

static bool any_enum_find(const struct btf *btf, const char *word, uint64_t *ret)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_any_enum(t) && enum_find(btf, t, word, ret))
			return true;
	}
	return false;
}

const struct btf *enumerators_kernel(struct enumerators *e)
{
	if (!e->kernel_tried) {
		e->kernel_tried = true;
		e->kernel = btf__load_vmlinux_btf();
	}
	return e->kernel;
}

static int find_enumerator(void *userdata, const char *word, uint64_t *ret)
{
	struct btf_value *v = userdata;
	const struct btf *kernel;

	if (v->own_enum && enum_find(v->btf, v->own_enum, word, ret))
		return 0;
	if (!v->enumerators)
		return -ENOENT;
	if (any_enum_find(v->enumerators->object, word, ret))
		return 0;
	kernel = enumerators_kernel(v->enumerators);
	return kernel && any_enum_find(kernel, word, ret) ? 0 : -ENOENT;
}

static void suggest_enum(const struct btf *btf, const struct btf_type *t, struct nearest *nearest)
{
	uint64_t number;

	for (size_t i = 0; i < btf_vlen(t); i++)
		nearest_offer(nearest, btf_enumerator(btf, t, i, &number));
}

/* Not the kernel's: among its thousands of names one is always near. */
static void suggest_enumerators(void *userdata, void *nearest)
{
	struct btf_value *v = userdata;

	if (v->own_enum) {
		suggest_enum(v->btf, v->own_enum, nearest);
		return;
	}
	for (uint32_t id = 1; v->enumerators && id < btf__type_cnt(v->enumerators->object); id++) {
		const struct btf_type *t = btf__type_by_id(v->enumerators->object, id);

		if (btf_is_any_enum(t))
			suggest_enum(v->enumerators->object, t, nearest);
	}
}

static const char *name_number(void *userdata, uint64_t number)
{
	struct btf_value *v = userdata;
	uint64_t candidate;

	for (size_t i = 0; v->own_enum && i < btf_vlen(v->own_enum); i++) {
		const char *name = btf_enumerator(v->btf, v->own_enum, i, &candidate);

		if (candidate == number)
			return name;
	}
	return NULL;
}

/* clang marks char like any signed byte, so only its name tells text from numbers. */
static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return btf_is_int(t) && t->size == 1 &&
	       ((btf_int_encoding(t) & BTF_INT_CHAR) ||
		streq(or_empty(btf__name_by_offset(btf, t->name_off)), "char"));
}

static bool is_power_of_two_size(size_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* Why a type can have no value, or NULL. */
static const char *describe_scalar(struct btf_value *v, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		if (btf_int_offset(t) != 0 || btf_int_bits(t) != t->size * 8)
			return "which is a bitfield: libbpf and the kernel refuse to set those";
		if (!is_power_of_two_size(t->size))
			return "wider than any number that a policy can give";
		v->type.kind = btf_int_encoding(t) & BTF_INT_BOOL ? VALUE_BOOL : VALUE_INT;
		v->type.is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		v->type.kind = VALUE_ENUM;
		v->type.is_signed = btf_kflag(t);
		v->own_enum = t;
		break;
	case BTF_KIND_PTR:
		return "an address in the kernel: no text can give that";
	case BTF_KIND_FLOAT:
		return "a floating-point number: BPF programs cannot compute with those";
	case BTF_KIND_STRUCT:
		return "not a single value: name one of its members, as in member.inner";
	case BTF_KIND_UNION:
		return "whose bytes have several meanings: name the member meant, as in "
		       "member.inner";
	case BTF_KIND_ARRAY:
		return "rows of arrays: name one row, as in member[0]";
	default:
		return "a type without values";
	}
	v->type.size = t->size;
	return NULL;
}

static const char *describe(struct btf_value *v, const struct place *p)
{
	const struct btf_type *t = btf_resolve(p->btf, p->type_id);
	const struct btf_type *element;

	if (!t)
		return "which its BTF does not explain";
	if (p->is_bitfield)
		return "a bitfield: libbpf and the kernel refuse to set those";
	if (!btf_is_array(t))
		return describe_scalar(v, t);
	if (btf_array(t)->nelems == 0)
		return "an array without a fixed length";
	element = btf_resolve(p->btf, btf_array(t)->type);
	if (!element)
		return "which its BTF does not explain";
	if (is_char(p->btf, element)) {
		v->type.kind = VALUE_TEXT;
		v->type.size = btf_array(t)->nelems;
		return NULL;
	}
	v->type.n_elements = btf_array(t)->nelems;
	return describe_scalar(v, element);
}

int btf_value_init(struct btf_value *v, const struct place *p, struct enumerators *enumerators,
		   char **ret_error)
{
	const char *problem;
	char *error;

	*v = (struct btf_value){.btf = p->btf, .enumerators = enumerators};
	problem = describe(v, p);
	/* value_parse() speaks of one element of an array, but of a text as a whole. */
	if (!problem && v->type.n_elements > 0)
		v->name = btf_type_text(p->btf, btf_array(btf_resolve(p->btf, p->type_id))->type);
	else
		v->name = btf_type_text(p->btf, p->type_id);
	if (!v->name)
		return -ENOMEM;
	if (problem) {
		error = sentence("cannot be set: it is %s, %s", v->name, problem);
		btf_value_done(v);
		if (!error)
			return -ENOMEM;
		*ret_error = error;
		return -EINVAL;
	}
	v->type.name = v->name;
	v->type.enumerator = find_enumerator;
	v->type.suggest = suggest_enumerators;
	v->type.name_of = name_number;
	v->type.userdata = v;
	return 0;
}

void btf_value_done(struct btf_value *v)
{
	free(v->name);
	*v = (struct btf_value){0};
}

void enumerators_done(struct enumerators *e)
{
	btf__free(e->kernel);
	*e = (struct enumerators){0};
}
