/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening the object and choosing the struct_ops map. */
#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/tcp-default.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

static bool is_struct_ops(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS;
}

/* libbpf builds the names of data maps from it; by default it would be an address. */
static char *object_name(const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	return strndup(base, strcspn(base, "."));
}

static int open_object(struct attempt *a)
{
	_cleanup_(freep) char *name = object_name(a->file->path);
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
	const char *said;
	int error;

	if (!name)
		return -ENOMEM;
	a->object = bpf_object__open_mem(a->file->bytes, a->file->size, &options);
	if (a->object)
		return 0;
	error = errno;
	if (error_is_passing(error))
		return verdict_busy(a->outcome, error, "object \"%s\" cannot be opened: %s",
				    a->file->path, strerror(error));
	said = capture_last_warning(&a->capture);
	return verdict_refused(a->outcome, error_is_libbpf(error) ? 0 : error,
			       "libbpf %s cannot open object \"%s\": %s", libbpf_version_string(),
			       a->file->path, said ? said : error_text(error));
}

/* "a, b, c": all struct_ops maps of the object. */
static char *struct_ops_names(struct attempt *a)
{
	_cleanup_(messages_done) struct messages names = MESSAGES_NULL;
	struct bpf_map *map;

	for (map = NULL; (map = bpf_object__next_map(a->object, map));)
		if (is_struct_ops(map) && messages_add(&names, "%s", bpf_map__name(map)) < 0)
			return NULL;
	return messages_join(&names, ", ");
}

static struct bpf_map *find_struct_ops(struct attempt *a, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(a->object, name);

	return map && is_struct_ops(map) ? map : NULL;
}

static int choose_only_map(struct attempt *a)
{
	_cleanup_(freep) char *names = NULL;
	struct bpf_map *map;
	size_t n = 0;

	for (map = NULL; (map = bpf_object__next_map(a->object, map));) {
		if (!is_struct_ops(map))
			continue;
		a->map = map;
		n++;
	}
	if (n == 1)
		return 0;
	a->map = NULL;
	if (n == 0)
		return verdict_refused(a->outcome, 0,
				       "object \"%s\" has no struct_ops map: nothing in it can be "
				       "attached by a policy. "
				       "Declare one in SEC(\".struct_ops.link\")",
				       a->file->path);
	names = struct_ops_names(a);
	if (!names)
		return -ENOMEM;
	return verdict_refused(a->outcome, 0,
			       "object \"%s\" has %zu struct_ops maps: name the one to attach in "
			       "[Object] Map=, one of %s",
			       a->file->path, n, names);
}

/* where: what names the map, such as "[Object] Map=". */
static int refuse_unknown_map(struct attempt *a, const char *where, const char *name)
{
	_cleanup_(freep) char *names = struct_ops_names(a);
	struct nearest nearest = NEAREST(name);
	struct bpf_map *map;

	if (!names)
		return -ENOMEM;
	for (map = NULL; (map = bpf_object__next_map(a->object, map));)
		if (is_struct_ops(map))
			nearest_offer(&nearest, bpf_map__name(map));
	return verdict_refused(
		a->outcome, ENOENT,
		"%s \"%s\": object \"%s\" has no such struct_ops map" NEAREST_FORMAT "; it has %s",
		where, name, a->file->path, NEAREST_ARGS(nearest), *names ? names : "none at all");
}

/* All names of Map= are checked, so that a misspelt second one does not lie in wait. */
static int choose_named_map(struct attempt *a)
{
	for (char **name = a->policy->maps; *name; name++)
		if (!find_struct_ops(a, *name))
			return refuse_unknown_map(a, "[Object] Map=", *name);
	a->map = find_struct_ops(a, a->wanted_map);
	return 0;
}

static bool is_in_map_setting(const struct attempt *a, const char *name)
{
	if (!a->policy->maps)
		return streq(name, bpf_map__name(a->map));
	for (char **m = a->policy->maps; *m; m++)
		if (streq(*m, name))
			return true;
	return false;
}

/* A [Fields MAP] that can never apply would be a setting that is silently ignored. */
static int check_field_sections(struct attempt *a)
{
	for (size_t i = 0; i < a->policy->n_fields; i++) {
		const struct override *f = &a->policy->fields[i];
		_cleanup_(freep) char *where = NULL;

		if (!f->map || (find_struct_ops(a, f->map) && is_in_map_setting(a, f->map)))
			continue;
		where = sentence("%s:%u: [Fields %s]", f->file, f->line, f->map);
		if (!where)
			return -ENOMEM;
		if (!find_struct_ops(a, f->map))
			return refuse_unknown_map(a, where, f->map);
		return verdict_refused(a->outcome, 0,
				       "%s: the object has map \"%s\", but this policy attaches "
				       "%s: add it to [Object] Map= "
				       "or remove the section",
				       where, f->map,
				       a->policy->maps ? "only those of Map=" : "another one");
	}
	return 0;
}

static int note_no_link(struct attempt *a)
{
	return messages_add(&a->outcome->notes,
			    "%s takes no link in any kernel, so map \"%s\" is attached without "
			    "one: no event tells of its end, and it stays attached when the "
			    "daemon dies",
			    a->outcome->type, bpf_map__name(a->map));
}

static int note_plain_map(struct attempt *a)
{
	static const char with_link[] = "the flag was turned on before the load";
	static const char without[] = "this kernel has no link for it, so it is attached without "
				      "one: no event tells of its end, "
				      "and it stays attached when the daemon dies";

	return messages_add(
		&a->outcome->notes,
		"map \"%s\" is in a \".struct_ops\" section, so it was not made for links: %s",
		bpf_map__name(a->map), a->linkless ? without : with_link);
}

/* Only the chosen map is made; "?.struct_ops" sections and plain ".struct_ops" ones are turned on. */
static int select_map(struct attempt *a)
{
	uint32_t flags = bpf_map__map_flags(a->map);
	struct bpf_map *map;

	for (map = NULL; (map = bpf_object__next_map(a->object, map));)
		if (is_struct_ops(map))
			bpf_map__set_autocreate(map, map == a->map);
	if (type_traits(a->outcome->type)->no_link) {
		a->linkless = true;
		bpf_map__set_map_flags(a->map, flags & ~BPF_F_LINK);
		return note_no_link(a);
	}
	a->plain = !(flags & BPF_F_LINK);
	if (a->plain && !a->linkless)
		bpf_map__set_map_flags(a->map, flags | BPF_F_LINK);
	return a->plain ? note_plain_map(a) : 0;
}

char *attempt_kernel_type(const struct attempt *a)
{
	const struct btf_type *t = btf__type_by_id(a->btf, a->type_id);
	const char *name = t ? or_empty(btf__name_by_offset(a->btf, t->name_off)) : "";
	size_t length = strlen(name);

	/* As libbpf cuts it: at the last "___" that stands between other characters. */
	for (size_t i = length > 4 ? length - 4 : 0; i > 0; i--)
		if (strncmp(name + i, "___", 3) == 0 && name[i - 1] != '_' && name[i + 3] != '_')
			return strndup(name, i);
	return strdup(name);
}

static int note_choice(struct attempt *a)
{
	free(a->outcome->map);
	free(a->outcome->type);
	a->outcome->map = strdup(bpf_map__name(a->map));
	a->outcome->type = attempt_kernel_type(a);
	return a->outcome->map && a->outcome->type ? 0 : -ENOMEM;
}

/* What no policy can attach, whatever else it says. */
static int check_type(struct attempt *a)
{
	const struct type_traits *traits = type_traits(a->outcome->type);

	if (traits->refused)
		return verdict_refused(a->outcome, 0,
				       "map \"%s\" of object \"%s\" is of struct_ops type \"%s\", "
				       "which no policy can attach: %s",
				       a->outcome->map, a->file->path, a->outcome->type,
				       traits->refused);
	return tcp_default_check(a);
}

int attempt_prepare_type(struct attempt *a)
{
	const struct type_traits *traits = type_traits(a->outcome->type);

	return traits->prepare ? traits->prepare(a) : 0;
}

int attempt_open(struct attempt *a)
{
	int r;

	r = open_object(a);
	if (r < 0)
		return r;
	r = a->wanted_map ? choose_named_map(a) : choose_only_map(a);
	if (r < 0)
		return r;
	a->btf = bpf_object__btf(a->object);
	a->type_id = bpf_map__btf_value_type_id(a->map);
	a->enumerators.object = a->btf;
	r = note_choice(a);
	if (r < 0)
		return r;
	r = check_type(a);
	if (r < 0)
		return r;
	r = check_field_sections(a);
	if (r < 0)
		return r;
	return select_map(a);
}

void attempt_done(struct attempt *a)
{
	bpf_object__close(a->object);
	for (size_t i = 0; i < a->n_programs; i++)
		free(a->programs[i].log);
	free(a->programs);
	free(a->targets);
	enumerators_done(&a->enumerators);
	capture_done(&a->capture);
	*a = (struct attempt){0};
}
