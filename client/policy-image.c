/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/policy-image.h"

struct ops_map *policy_image_map(const struct inspection *in, const char *name)
{
	for (size_t i = 0; i < in->n_maps; i++)
		if (streq(in->maps[i].name, name))
			return &in->maps[i];
	return NULL;
}

static size_t find_program(const struct inspection *in, const char *name)
{
	for (size_t i = 0; i < in->n_programs; i++)
		if (streq(in->programs[i].name, name))
			return i;
	return NO_PROGRAM;
}

static size_t program_of_member(const struct kernel_image *image, const struct inspection *in,
				const char *member)
{
	for (size_t i = 0; i < image->n_operators; i++)
		if (streq(image->operators[i].member, member))
			return find_program(in, image->operators[i].program);
	return NO_PROGRAM;
}

static void apply(const struct kernel_image *image, const struct inspection *in,
		  struct ops_map *map)
{
	memcpy(map->image, image->bytes, MIN(map->size, image->size));
	for (size_t i = 0; i < map->n_members; i++)
		if (map->members[i].kind == TYPE_OPERATOR)
			map->members[i].program = program_of_member(image, in,
								    map->members[i].name);
}

static struct global *find_global(const struct inspection *in, const char *name)
{
	for (size_t i = 0; i < in->n_globals; i++)
		if (streq(in->globals[i].name, name))
			return &in->globals[i];
	return NULL;
}

static int apply_global(const struct kernel_global *set, const struct inspection *in)
{
	struct global *g = find_global(in, set->name);
	char *value;

	if (!g || g->size != set->size)
		return 0;
	value = btf_value_text(in->btf, g->type_id, (struct span){set->bytes, set->size});
	if (!value)
		return -ENOMEM;
	free(g->value);
	g->value = value;
	return 0;
}

int policy_image_apply(const struct kernel_findings *findings, struct inspection *in)
{
	for (size_t i = 0; i < findings->n_images; i++) {
		struct ops_map *map = policy_image_map(in, findings->images[i].map);

		if (map)
			apply(&findings->images[i], in, map);
	}
	for (size_t i = 0; i < findings->n_globals; i++) {
		int r = apply_global(&findings->globals[i], in);

		if (r < 0)
			return r;
	}
	return inspection_programs_changed(in);
}
