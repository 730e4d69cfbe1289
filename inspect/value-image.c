/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/value-image.h"

static bool reaches_kernel(const struct ops_member *m)
{
	return m->fate == FATE_SAME || m->fate == FATE_MOVED;
}

static const struct ops_member *own_member(const struct ops_map *map, const char *name)
{
	for (size_t i = 0; i < map->n_members; i++)
		if (reaches_kernel(&map->members[i]) && streq(map->members[i].name, name))
			return &map->members[i];
	return NULL;
}

static int part_init(struct value_part *p, const struct ops_map *map, const struct kernel_type *t,
		     uint32_t index, struct value_image *v)
{
	const struct btf_member *raw = &btf_members(t->data)[index];
	enum type_kind kind = btf_type_kind(t->btf, raw->type);
	const struct ops_member *m;

	p->member = btf_name_copy(t->btf, raw->name_off);
	if (!p->member)
		return -ENOMEM;
	p->offset = t->data_offset + btf_member_bit_offset(t->data, index) / 8;
	p->size = btf_type_size(t->btf, raw->type);
	/* A struct whose members reach beyond it is no kernel's, but a file may have one. */
	p->offset = MIN(p->offset, v->size);
	p->size = MIN(p->size, v->size - p->offset);
	m = own_member(map, p->member);
	p->program = m ? m->program : NO_PROGRAM;
	if (m && p->program == NO_PROGRAM)
		memcpy(v->bytes + p->offset, map->image + m->offset, MIN(p->size, m->size));
	p->meaning = kind == TYPE_OPERATOR
			     ? strdup("")
			     : btf_value_text(t->btf, raw->type,
					      (struct span){v->bytes + p->offset, p->size});
	return p->meaning ? 0 : -ENOMEM;
}

static int compare_parts(const void *a, const void *b)
{
	const struct value_part *p = a, *q = b;

	return p->offset < q->offset ? -1 : p->offset > q->offset;
}

static int fill(struct value_image *v, const struct ops_map *map, const struct kernel_type *t)
{
	int r = 0;

	v->data_offset = t->data_offset;
	v->size = t->value_size;
	v->bytes = calloc(1, v->size + 1);
	v->parts = calloc(btf_vlen(t->data) + 1U, sizeof(*v->parts));
	if (!v->bytes || !v->parts)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < btf_vlen(t->data); i++)
		r = part_init(&v->parts[v->n_parts++], map, t, i, v);
	qsort(v->parts, v->n_parts, sizeof(*v->parts), compare_parts);
	return r;
}

int value_image_new(const struct inspection *in, const struct ops_map *map, struct kernel_types *k,
		    struct value_image **ret)
{
	_cleanup_(value_image_freep) struct value_image *v = NULL;
	const struct kernel_type *t;
	int r;

	r = kernel_types_find(k, map->kernel_type, &t);
	if (r < 0)
		return r;
	if (ops_map_is_refused(map))
		return -EINVAL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r = fill(v, map, t);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(v);
	return 0;
}

struct value_image *value_image_free(struct value_image *v)
{
	if (!v)
		return NULL;
	for (size_t i = 0; v->parts && i < v->n_parts; i++) {
		free(v->parts[i].member);
		free(v->parts[i].meaning);
	}
	free(v->parts);
	free(v->bytes);
	free(v);
	return NULL;
}
