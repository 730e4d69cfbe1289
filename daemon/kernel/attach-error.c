/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel did not take a loaded map: why, and who is in the way. */
#include <bpf/bpf.h>

#include "common/sentence.h"
#include "daemon/kernel/attach.h"
#include "daemon/kernel/causes.h"
#include "daemon/kernel/holder.h"
#include "daemon/kernel/kernel-btf.h"
#include "daemon/kernel/map-value.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

/* The wanted name; no text where the type has no names. */
static int find_key(struct attempt *a, struct holder_key *ret)
{
	_cleanup_(kernel_layout_freep) struct kernel_layout *layout = NULL;
	int r;

	*ret = (struct holder_key){0};
	r = kernel_layout_new(bpf_map__fd(a->map), &layout);
	if (r < 0)
		return r;
	if (!a->name_member || kernel_layout_find(layout, a->name_member, &ret->offset) < 0)
		return 0;
	ret->text = a->outcome->ops_name;
	/* With its NUL: the whole name, not the beginning of another. */
	ret->size = strlen(ret->text) + 1;
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

/* Whether what another map of the type would run has that name. */
static bool map_has_name(uint32_t map_id, const char *name)
{
	_cleanup_(kernel_layout_freep) struct kernel_layout *layout = NULL;
	_cleanup_(closep) int fd = bpf_map_get_fd_by_id(map_id);
	_cleanup_(freep) char *value = NULL;
	struct bpf_map_info info;
	size_t offset;

	return fd >= 0 && kernel_layout_new(fd, &layout) == 0 &&
	       kernel_layout_find(layout, "name", &offset) == 0 && map_info(fd, &info) == 0 &&
	       map_value(fd, &info, &value) == 0 && offset < info.value_size &&
	       streq(value + offset, name);
}

/*
 * Who has the place, by the name that the kernel tells: a link may be there long after what it stood for was thrown
 * out. The type may be another, as of the two forms of sched_ext.
 */
static const struct outcome_foreign *find_in_place(struct attempt *a, const char *name,
						   const struct outcome *attached)
{
	const struct type_traits *traits = type_traits(a->outcome->type);

	for (size_t i = 0; i < attached->n_foreign; i++) {
		const struct outcome_foreign *f = &attached->foreign[i];

		if (f->type && type_traits(f->type)->place == traits->place &&
		    map_has_name(f->map_id, name))
			return f;
	}
	return NULL;
}

static char *in_place_text(const struct outcome_foreign *f)
{
	_cleanup_(freep) char *holders = messages_join(&f->holders, ", ");

	if (!holders)
		return NULL;
	return sentence(": struct_ops %s %u (map \"%s\")%s%s", f->link_id ? "link" : "map",
			f->link_id ? f->link_id : f->map_id, f->map, *holders ? ", held by " : "",
			holders);
}

static int explain_place(struct attempt *a, int error, const char *name)
{
	_cleanup_(outcome_done) struct outcome attached = OUTCOME_NULL;
	const struct outcome_foreign *holder;
	_cleanup_(freep) char *who = NULL;

	if (kernel_survey(NULL, 0, &attached) == -ENOMEM)
		return -ENOMEM;
	holder = find_in_place(a, name, &attached);
	who = holder ? in_place_text(holder) : strdup(", attached by somebody who cannot be seen");
	if (!who)
		return -ENOMEM;
	a->outcome->holder_map_id = holder ? holder->map_id : 0;
	return verdict_taken(a->outcome, error,
			     "%s takes one attachment at a time, and \"%s\" has the place%s",
			     a->outcome->type, name, who);
}

/* 0: the type has no place of which the kernel tells who has it. */
static int explain_busy(struct attempt *a, int error)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	_cleanup_(freep) char *name = NULL;
	int r;

	r = error == -EBUSY && traits->place_holder ? traits->place_holder(a, &name) : 0;
	return r > 0 ? explain_place(a, error, name) : r;
}

static int explain_taken(struct attempt *a, int error)
{
	_cleanup_(freep) char *who = NULL;
	struct holder_key key = {0};
	struct holder holder;
	int found, r;

	r = explain_busy(a, error);
	if (r < 0)
		return r;
	found = find_holder(a, error, &key, &holder);
	a->outcome->holder_map_id = found > 0 ? holder.map_id : 0;
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
	const struct type_traits *traits = type_traits(a->outcome->type);
	const struct outcome *o = a->outcome;
	_cleanup_(freep) char *why = NULL;
	const struct cause *cause;
	int r;

	r = traits->explain ? traits->explain(a, error) : 0;
	if (r < 0)
		return r;
	if (error == -EEXIST || error == -EBUSY)
		return explain_taken(a, error);
	if (error == -EOPNOTSUPP)
		a->links_refused = true;
	cause = cause_of_error(error, o->type);
	if (!cause)
		return verdict_by_error(a->outcome, error, "map \"%s\" (%s) cannot be attached: %s",
					o->map, o->type, error_text(error));
	why = attempt_cause_sentence(a, cause, "");
	return why ? verdict_refused(a->outcome, error, "%s", why) : -ENOMEM;
}
