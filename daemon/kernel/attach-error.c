/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel did not take a loaded map: why, and who is in the way. */
#include "daemon/kernel/attach.h"
#include "daemon/kernel/holder.h"
#include "daemon/kernel/kernel-btf.h"
#include "daemon/kernel/verdict.h"

/*
 * Subsystems with names keep them in a char array called "name" or "id". The text is taken from the image that was
 * loaded: a map without a link is empty again after the kernel has refused it.
 */
static int find_key(struct attempt *a, struct holder_key *ret)
{
	static const char *const members[] = {"name", "id"};
	_cleanup_(kernel_layout_freep) struct kernel_layout *layout = NULL;
	const char *image = bpf_map__initial_value(a->map, NULL);
	int r;

	*ret = (struct holder_key){0};
	r = kernel_layout_new(bpf_map__fd(a->map), &layout);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct place place = {.btf = a->btf, .type_id = a->type_id};
		_cleanup_(btf_value_done) struct btf_value value = {0};
		_cleanup_(freep) char *error = NULL;

		if (place_walk(&place, members[i], &error) < 0 ||
		    btf_value_init(&value, &place, NULL, &error) < 0 ||
		    value.type.kind != VALUE_TEXT ||
		    kernel_layout_find(layout, members[i], &ret->offset) < 0)
			continue;
		ret->text = image + place.offset;
		ret->size = value.type.size;
		return 0;
	}
	return 0;
}

/* EEXIST is about a name; EBUSY is about the one place that a type has, whatever the names are. */
static int find_holder(struct attempt *a, int error, struct holder_key *key, struct holder *ret)
{
	int r = find_key(a, key);

	if (r < 0)
		return r;
	if (error == -EBUSY)
		key->text = NULL;
	return holder_find(bpf_map__fd(a->map), key, ret);
}

bool attach_taken_by_other(struct attempt *a, int error, const struct kernel_handles *old)
{
	struct holder_key key;
	struct holder holder;
	uint32_t old_map_id;
	int r;

	if (error != -EEXIST && error != -EBUSY)
		return false;
	r = find_holder(a, error, &key, &holder);
	if (r < 0 || kernel_state(old, &old_map_id) != 1)
		return false;
	/* Nobody visible has that name: a module has, or the type keeps no names and old is in the way. */
	if (r == 0)
		return key.text;
	return holder.map_id != old_map_id;
}

static int explain_taken(struct attempt *a, int error)
{
	_cleanup_(freep) char *who = NULL;
	struct holder_key key = {0};
	struct holder holder;
	int found;

	found = find_holder(a, error, &key, &holder);
	if (found > 0)
		who = holder_text(&holder);
	else if (found == 0)
		who = strdup("the kernel itself or a module: no struct_ops map has it");
	else
		who = strdup("somebody (who cannot be found out without CAP_SYS_ADMIN)");
	if (!who)
		return -ENOMEM;
	if (error == -EBUSY)
		return verdict_busy(a->outcome, error,
				    "%s is busy: it takes one attachment at a time, and the place "
				    "is taken by %s",
				    a->outcome->type, who);
	return verdict_busy(
		a->outcome, error,
		"the name \"%.*s\" is taken by %s; give this policy another one (name = … "
		"in [Fields]) or take the other off",
		(int)key.size, or_empty(key.text), who);
}

int attach_explain(struct attempt *a, int error)
{
	const struct outcome *o = a->outcome;

	switch (-error) {
	case EEXIST:
	case EBUSY:
		return explain_taken(a, error);
	case EINVAL:
		return verdict_refused(a->outcome, error,
				       "the kernel refuses the values of map \"%s\" (%s): a "
				       "required operator is missing, a "
				       "name is empty or has other characters than A-Z a-z 0-9 _ . "
				       ", or a member has a value "
				       "that the type does not allow",
				       o->map, o->type);
	case EOPNOTSUPP:
		a->links_refused = true;
		return verdict_refused(
			a->outcome, error,
			"%s takes no link in this kernel: put the map \"%s\" into a plain "
			"\".struct_ops\" section of its object, then it is attached without one",
			o->type, o->map);
	case KERNEL_ENOTSUPP:
		return verdict_refused(
			a->outcome, error,
			"map \"%s\" sets a member of %s that this kernel does not support", o->map,
			o->type);
	case EPERM:
	case EACCES:
		return verdict_refused(
			a->outcome, error,
			"attaching map \"%s\" (%s) is not permitted: the type wants a "
			"capability that the daemon lacks, or a security module forbids it",
			o->map, o->type);
	default:
		return verdict_by_error(a->outcome, error, "map \"%s\" (%s) cannot be attached: %s",
					o->map, o->type, error_text(error));
	}
}
