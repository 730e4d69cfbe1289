/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy-overrides.h"

static void override_done(struct override *o)
{
	free(o->map);
	free(o->path);
	free(o->value);
}

static int override_copy(const struct override *o, struct override *ret)
{
	struct override copy = {
		.map = o->map ? strdup(o->map) : NULL,
		.path = strdup(o->path),
		.op = o->op,
		.value = strdup(o->value),
		.file = o->file,
		.line = o->line,
	};

	if ((o->map && !copy.map) || !copy.path || !copy.value) {
		override_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

static bool same_target(const struct override *a, const struct override *b)
{
	return streq_null(a->map, b->map) && streq(a->path, b->path);
}

static void drop_target(struct override *list, size_t *n, const struct override *target)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (same_target(&list[i], target))
			override_done(&list[i]);
		else
			list[n_kept++] = list[i];
	*n = n_kept;
}

/* Behind the last, but what is for every map goes before the first that is for one. */
static size_t place_for(const struct override *list, size_t n, const struct override *new)
{
	size_t place = n;

	while (!new->map && place > 0 && list[place - 1].map)
		place--;
	return place;
}

int overrides_add(struct override **list, size_t *n, const struct override *new)
{
	struct override *longer, copy;
	size_t place;

	if (*n >= POLICY_OVERRIDES_MAX)
		return -E2BIG;
	longer = reallocarray(*list, *n + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	if (override_copy(new, &copy) < 0)
		return -ENOMEM;

	if (new->op == OVERRIDE_SET)
		drop_target(longer, n, new);
	place = place_for(longer, *n, new);
	memmove(&longer[place + 1], &longer[place], (*n - place) * sizeof(*longer));
	longer[place] = copy;
	(*n)++;
	return 0;
}

int overrides_copy(const struct override *list, size_t n, struct override **ret)
{
	struct override *copy = calloc(n + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (override_copy(&list[i], &copy[i]) < 0) {
			overrides_free(copy, i);
			return -ENOMEM;
		}
	*ret = copy;
	return 0;
}

void overrides_free(struct override *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		override_done(&list[i]);
	free(list);
}

static bool override_equal(const struct override *a, const struct override *b)
{
	return same_target(a, b) && a->op == b->op && streq(a->value, b->value);
}

bool overrides_equal(const struct override *a, size_t n_a, const struct override *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!override_equal(&a[i], &b[i]))
			return false;
	return true;
}
