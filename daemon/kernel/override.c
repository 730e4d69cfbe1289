/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/override.h"

#include <stdarg.h>

#include "common/sentence.h"
#include "daemon/kernel/verdict.h"

int override_refuse(struct attempt *a, const struct override *v, const char *section,
		    const char *format, ...)
{
	_cleanup_(freep) char *problem = NULL;
	va_list args;

	va_start(args, format);
	problem = sentence_va(format, args);
	va_end(args);
	if (!problem)
		return -ENOMEM;
	return verdict_refused(a->outcome, 0, "%s:%u: [%s%s%s] %s: %s", v->file, v->line, section,
			       v->map ? " " : "", or_empty(v->map), v->path, problem);
}

int override_settle(struct attempt *a, int result)
{
	if (result != -EBADMSG || !a->mistakes)
		return result;
	return messages_add(a->mistakes, "%s", a->outcome->detail);
}

int override_write(struct attempt *a, const struct override *v, const char *section,
		   const struct place *p, void *image, size_t image_size)
{
	_cleanup_(btf_value_done) struct btf_value value = {0};
	_cleanup_(freep) char *error = NULL;
	size_t size = place_size(p);
	int r;

	r = btf_value_init(&value, p, &a->enumerators, &error);
	if (r == -EINVAL)
		return override_refuse(a, v, section, "%s", error);
	if (r < 0)
		return r;
	if (*v->value == '\0' && v->op == OVERRIDE_SET)
		return 0;
	/* The object's BTF is only text from a file: it may lie about sizes. */
	if (p->offset > image_size || size > image_size - p->offset)
		return override_refuse(a, v, section,
				       "the object's BTF puts it beyond the end of its data");
	r = value_parse(&value.type, v->op, v->value, (char *)image + p->offset, &error);
	if (r == -EINVAL || r == -ERANGE)
		return override_refuse(a, v, section, "%s", error);
	return r < 0 ? r : 1;
}

static const char *global_prefix(bool is_global)
{
	return is_global ? "Globals." : "";
}

int override_remember(struct attempt *a, struct bpf_map *map, const struct place *p, bool is_global,
		      const char *path)
{
	_cleanup_(freep) char *member = sentence("%s%s", global_prefix(is_global), path);
	struct override_target *targets;
	int r;

	if (!member)
		return -ENOMEM;
	for (size_t i = 0; i < a->outcome->n_fields; i++)
		if (streq(a->outcome->fields[i].member, member))
			return 0;
	targets = reallocarray(a->targets, a->n_targets + 1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	a->targets = targets;
	/* The wanted value is filled in when all overrides are written: more may follow for the same member. */
	r = outcome_add_field(a->outcome, member, "", NULL);
	if (r < 0)
		return r;
	a->targets[a->n_targets++] =
		(struct override_target){.map = map, .place = *p, .is_global = is_global};
	return 0;
}
