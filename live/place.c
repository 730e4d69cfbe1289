/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands at a path within a member: "limits.max[2]". */
#include "live/map.h"

struct place {
	uint32_t type_id;
	size_t offset;
};

static int enter_member(const struct btf *btf, struct place *p, const char *name, size_t length)
{
	const struct btf_type *t = btf_type_resolve(btf, p->type_id);

	if (!t || !btf_is_composite(t))
		return -ENOENT;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *own = or_empty(btf__name_by_offset(btf, m->name_off));

		if (strlen(own) != length || strncmp(own, name, length) != 0)
			continue;
		/* No policy can set a bitfield. */
		if (btf_member_bitfield_size(t, i) > 0)
			return -ENOENT;
		p->offset += btf_member_bit_offset(t, i) / 8;
		p->type_id = m->type;
		return 0;
	}
	return -ENOENT;
}

static int enter_element(const struct btf *btf, struct place *p, const char **path)
{
	const struct btf_type *t = btf_type_resolve(btf, p->type_id);
	unsigned long index;
	char *end;

	index = strtoul(*path + 1, &end, 10);
	if (!t || !btf_is_array(t) || *end != ']' || index >= btf_array(t)->nelems)
		return -ENOENT;
	p->type_id = btf_array(t)->type;
	p->offset += index * btf_type_size(btf, p->type_id);
	*path = end + 1;
	return 0;
}

static int walk(const struct btf *btf, struct place *p, const char *path)
{
	int r = 0;

	while (r == 0 && *path) {
		size_t length;

		if (*path == '[') {
			r = enter_element(btf, p, &path);
			continue;
		}
		path += *path == '.';
		length = strcspn(path, ".[");
		r = enter_member(btf, p, path, length);
		path += length;
	}
	return r;
}

static int taken(char *text, char **ret)
{
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int live_map_value_at(const struct live_map *m, const char *path, char **ret)
{
	const struct live_member *member = live_map_member(m, path);
	struct place p = {.type_id = m->data_type_id, .offset = m->data_offset};
	struct span s;
	size_t size;
	int r;

	if (member)
		return taken(strdup(or_empty(member->kind == TYPE_OPERATOR ? member->program
									   : member->value)),
			     ret);
	r = walk(m->btf, &p, path);
	if (r < 0)
		return r;
	size = btf_type_size(m->btf, p.type_id);
	if (p.offset > m->size || size > m->size - p.offset)
		return -ENOENT;
	s = (struct span){m->value + p.offset, size};
	return taken(btf_value_text(m->btf, p.type_id, s), ret);
}
