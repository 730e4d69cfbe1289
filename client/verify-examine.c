/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One policy: the daemon's own check, then a kernel's types against the object's, then (--load) the verifier. */
#include "client/policy-image.h"
#include "client/verify.h"
#include "common/sentence.h"
#include "daemon/core/strv.h"
#include "inspect/compare.h"

/* Why libbpf will refuse the member. */
static const char *refusal_text(enum fate fate)
{
	switch (fate) {
	case FATE_MISSING:
		return "it is set, but that kernel has no such member: clear it (an empty value "
		       "for "
		       "an operator, 0 for a number, in [Fields]), or use an object for that "
		       "kernel";
	case FATE_OTHER_SIZE:
		return "it has another size there: the object was written for another kernel";
	case FATE_OTHER_KIND:
		return "it is of another kind there: the object was written for another kernel";
	case FATE_BITFIELD:
		return "it is a bitfield, which libbpf cannot set";
	case FATE_NO_PROGRAM:
		return "it is a pointer that is set, but not to a struct_ops program of the object";
	case FATE_OTHER_MEMBER:
		return "its program is another member of the map already, and a program can serve "
		       "one only";
	default:
		return "libbpf refuses it";
	}
}

/* The last line of the policy that sets the member; NULL: the object does. */
static const struct override *override_of(const struct policy *p, const struct ops_map *map,
					  const char *member)
{
	const struct override *found = NULL;
	size_t length = strlen(member);

	for (size_t i = 0; i < p->n_fields; i++) {
		const struct override *v = &p->fields[i];

		if (strncmp(v->path, member, length) == 0 && strchr(".[", v->path[length]) &&
		    (!v->map || streq(v->map, map->name)))
			found = v;
	}
	return found;
}

static int judge_member(const struct verified *item, const struct inspection *in,
			const struct ops_map *map, const struct ops_member *m,
			struct messages *refusals)
{
	const struct override *v = override_of(item->policy, map, m->name);

	if (v)
		return messages_add(refusals,
				    "%s:%u: member \"%s\" of map \"%s\" (%s, kernel %s): %s",
				    v->file, v->line, m->name, map->name, map->kernel_type,
				    in->kernel, refusal_text(m->fate));
	return messages_add(refusals, "member \"%s\" of map \"%s\" (%s, kernel %s): %s", m->name,
			    map->name, map->kernel_type, in->kernel, refusal_text(m->fate));
}

static int judge_missing_type(const struct inspection *in, const struct ops_map *map,
			      struct messages *refusals)
{
	_cleanup_(freep) char *needs = kernel_type_needs_text(map->kernel_type);

	if (!needs)
		return -ENOMEM;
	if (kernel_type_needs(map->kernel_type).built_in)
		return messages_add(refusals,
				    "map \"%s\": kernel %s was built without struct_ops type "
				    "\"%s\"%s: use another kernel, or an alternative in Map=",
				    map->name, in->kernel, map->kernel_type, needs);
	return messages_add(refusals,
			    "map \"%s\": kernel %s has no struct_ops type \"%s\"%s; a module "
			    "may bring it, or it takes another kernel",
			    map->name, in->kernel, map->kernel_type, needs);
}

/* What that kernel will not have of one map. */
static int judge_map(const struct verified *item, const struct inspection *in,
		     const struct ops_map *map, struct messages *refusals)
{
	int r = 0;

	if (map->presence == PRESENCE_MISSING)
		return judge_missing_type(in, map, refusals);
	for (size_t i = 0; r == 0 && i < map->n_members; i++)
		if (fate_is_refusal(map->members[i].fate))
			r = judge_member(item, in, map, &map->members[i], refusals);
	return r;
}

static int note_dropped(const struct inspection *in, const struct ops_map *map,
			struct verified *item)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < map->n_members; i++)
		if (map->members[i].fate == FATE_DROPPED)
			r = messages_add(
				&item->notes,
				"member \"%s\" of map \"%s\" is zero and will be left out: "
				"kernel %s has none of that name",
				map->members[i].name, map->name, in->kernel);
	return r;
}

static int note_alternative(struct verified *item, const struct messages *refusals)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < refusals->n; i++)
		r = messages_add(&item->notes, "alternative passed over: %s", refusals->items[i]);
	return r;
}

/* One map that is taken is enough; if there is none, all that was said against each is a problem. */
static int judge_maps(const struct kernel_findings *findings, const struct inspection *in,
		      struct verified *item)
{
	_cleanup_(messages_done) struct messages all = MESSAGES_NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < findings->n_images; i++) {
		const struct ops_map *map = policy_image_map(in, findings->images[i].map);
		size_t before = all.n;

		if (!map)
			continue;
		r = judge_map(item, in, map, &all);
		if (r == 0 && all.n == before) {
			r = note_dropped(in, map, item);
			return r < 0 ? r : note_alternative(item, &all);
		}
	}
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = verified_add_problem(item, all.items[i]);
	return r;
}

static int compare(const struct verify *v, const struct outcome *o,
		   const struct kernel_findings *findings, struct verified *item)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(freep) char *error = NULL;
	int r;

	r = inspection_read(o->object_file, &in, &error);
	if (r == -ENOMEM || (r < 0 && !error))
		return -ENOMEM;
	if (r < 0)
		return verified_add_problem(item, error);
	r = policy_image_apply(findings, in);
	if (r == 0)
		r = inspection_compare(in, v->types);
	return r < 0 ? r : judge_maps(findings, in, item);
}

static int take_notes(const struct outcome *o, struct verified *item)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->notes.n; i++)
		r = messages_add(&item->notes, "%s", o->notes.items[i]);
	return r;
}

static int examine(const struct verify *v, const struct kernel_job *job, struct verified *item)
{
	_cleanup_(kernel_findings_done) struct kernel_findings findings = KERNEL_FINDINGS_NULL;
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	int r;

	r = kernel_examine(job, &o, &findings);
	for (size_t i = 0; r == 0 && i < findings.problems.n; i++)
		r = verified_add_problem(item, findings.problems.items[i]);
	if (r == 0)
		r = take_notes(&o, item);
	return r == 0 && v->types && findings.n_images > 0 ? compare(v, &o, &findings, item) : r;
}

static int load(const struct kernel_job *job, struct verified *item)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	int r = kernel_verify(job, &o);

	if (r < 0 || o.verdict == VERDICT_FITS)
		return r;
	return verified_add_problem(item, or_empty(o.detail));
}

/* A template is never loaded itself: what is checked is an instance for a device that there is not. */
static int instance_of(const struct policy *template, struct policy **ret)
{
	static char name[] = "device", devpath[] = "/devices/0000:0000:0000.0000";
	const struct hid_device device = {.name = name, .devpath = devpath};

	return policy_instance(template, &device, ret);
}

int verify_examine(const struct verify *v, struct verified *item)
{
	_cleanup_(policy_freep) struct policy *instance = NULL;
	struct kernel_job job = {.policy = item->policy, .object_path = v->config.object_path};
	int r = 0;

	if (item->policy->is_template) {
		r = instance_of(item->policy, &instance);
		job.policy = instance;
	}
	if (r == 0)
		r = examine(v, &job, item);
	/* What is known already needs no second sentence, and in other words at that. */
	if (r == 0 && v->load && item->n_problems == 0)
		r = load(&job, item);
	return r;
}
