/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the image of the map tells: the name that its subsystem knows, what only one attachment can have. */
#include "common/sentence.h"
#include "daemon/core/utf8.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/types.h"

/* Subsystems with names keep them in a char array called "name" or "id". */
static const char *const name_members[] = {"name", "id"};

/* 1 with the text (the caller's); 0: there is no such member, or it holds no text; -ENOMEM. */
static int read_name(const struct attempt *a, const char *member, char **ret)
{
	struct place place = {.btf = a->btf, .type_id = a->type_id};
	_cleanup_(btf_value_done) struct btf_value value = {0};
	_cleanup_(freep) char *error = NULL;
	const char *image;
	size_t size, length;

	if (place_walk(&place, member, &error) < 0 ||
	    btf_value_init(&value, &place, NULL, &error) < 0 || value.type.kind != VALUE_TEXT)
		return 0;
	image = bpf_map__initial_value(a->map, &size);
	if (place.offset > size || value.type.size > size - place.offset)
		return 0;
	length = strnlen(image + place.offset, value.type.size);
	/* Such a name the kernel will refuse anyway. */
	if (length == 0 || utf8_valid_length(image + place.offset, length) < length)
		return 0;
	/* It may reach to the end of the image: no NUL is looked for. */
	*ret = sentence("%.*s", (int)length, image + place.offset);
	return *ret ? 1 : -ENOMEM;
}

static int find_name(struct attempt *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(name_members); i++) {
		int r = read_name(a, name_members[i], &a->outcome->ops_name);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		a->name_member = name_members[i];
		return 0;
	}
	return 0;
}

bool attempt_member(const struct attempt *a, const char *member, void *ret, size_t size)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	struct place place = {.btf = a->btf, .type_id = a->type_id};
	_cleanup_(freep) char *error = NULL;
	size_t loaded_size;
	const char *image;

	/* Once loaded, the size that libbpf tells is that of the kernel's struct, but the image is the object's. */
	if (place_walk(&place, member, &error) < 0 || place_size(&place) != size ||
	    place.offset > t->size || size > t->size - place.offset)
		return false;
	image = bpf_map__initial_value(a->map, &loaded_size);
	memcpy(ret, image + place.offset, size);
	return true;
}

int attempt_note_name(struct attempt *a)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	struct outcome *o = a->outcome;
	int r;

	r = find_name(a);
	if (r < 0)
		return r;
	if (traits->place)
		o->slot = traits->place(a);
	else if (o->ops_name)
		o->slot = sentence("%s %s", o->type, o->ops_name);
	else
		return 0;
	return o->slot ? 0 : -ENOMEM;
}
