/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/btf-type.h"

#include "common/sentence.h"

/* The same bound as libbpf's own: no compiler nests deeper, a hostile object may go in circles. */
#define DEPTH_MAX 32

const struct btf_type *btf_type_resolve(const struct btf *btf, uint32_t id)
{
	int resolved = btf__resolve_type(btf, id);

	return resolved < 0 ? NULL : btf__type_by_id(btf, (uint32_t)resolved);
}

size_t btf_type_size(const struct btf *btf, uint32_t id)
{
	long long size = btf__resolve_size(btf, id);

	return size < 0 ? 0 : (size_t)size;
}

bool btf_type_is_operator(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type_resolve(btf, id);
	const struct btf_type *pointed = t && btf_is_ptr(t) ? btf_type_resolve(btf, t->type) : NULL;

	return pointed && btf_is_func_proto(pointed);
}

bool btf_name_is(const struct btf *btf, uint32_t offset, const char *name)
{
	const char *own = btf__name_by_offset(btf, offset);

	return own && streq(own, name);
}

char *name_copy(const char *name)
{
	char *copy = strndup(name, BTF_NAME_MAX);

	for (char *c = copy; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return copy;
}

char *btf_name_copy(const struct btf *btf, uint32_t offset)
{
	return name_copy(or_empty(btf__name_by_offset(btf, offset)));
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

char *btf_type_name(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = skip_qualifiers(btf, id);
	_cleanup_(freep) char *name = NULL;
	char dimensions[64] = "";
	size_t n = 0;

	while (t && btf_is_array(t) && n < sizeof(dimensions) - 16) {
		n += (size_t)snprintf(dimensions + n, sizeof(dimensions) - n, "[%u]",
				      btf_array(t)->nelems);
		id = btf_array(t)->type;
		t = skip_qualifiers(btf, id);
	}
	if (!t)
		return strdup("unknown type");
	if (btf_is_ptr(t))
		return sentence("%spointer%s", btf_type_is_operator(btf, id) ? "function " : "",
				dimensions);
	name = btf_name_copy(btf, t->name_off);
	if (!name)
		return NULL;
	return sentence("%s%s%s", kind_word(t), *name ? name : "(anonymous)", dimensions);
}

/* clang marks char like any signed byte, so only its name tells text from numbers. */
static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return t && btf_is_int(t) && t->size == 1 &&
	       ((btf_int_encoding(t) & BTF_INT_CHAR) || btf_name_is(btf, t->name_off, "char"));
}

static const char *const type_kind_table[] = {
	[TYPE_NUMBER] = "number", [TYPE_BOOL] = "bool",         [TYPE_ENUM] = "enum",
	[TYPE_TEXT] = "text",     [TYPE_ARRAY] = "array",       [TYPE_STRUCT] = "struct",
	[TYPE_UNION] = "union",   [TYPE_OPERATOR] = "operator", [TYPE_POINTER] = "pointer",
	[TYPE_OTHER] = "other",
};
DEFINE_STRING_TABLE(type_kind, enum type_kind)

enum type_kind btf_type_kind(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type_resolve(btf, id);

	if (!t)
		return TYPE_OTHER;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf_int_encoding(t) & BTF_INT_BOOL ? TYPE_BOOL : TYPE_NUMBER;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return TYPE_ENUM;
	case BTF_KIND_ARRAY:
		return is_char(btf, btf_type_resolve(btf, btf_array(t)->type)) ? TYPE_TEXT
									       : TYPE_ARRAY;
	case BTF_KIND_STRUCT:
		return TYPE_STRUCT;
	case BTF_KIND_UNION:
		return TYPE_UNION;
	case BTF_KIND_PTR:
		return btf_type_is_operator(btf, id) ? TYPE_OPERATOR : TYPE_POINTER;
	default:
		return TYPE_OTHER;
	}
}
