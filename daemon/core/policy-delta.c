/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy-delta.h"

#include "common/sentence.h"
#include "daemon/core/read-file.h"
#include "daemon/core/strv.h"

#define DROPINS_SUFFIX POLICY_SUFFIX ".d"
#define DROPIN_SUFFIX ".conf"

static const char *const delta_kind_table[] = {
	[DELTA_MASKED] = "masked",         [DELTA_OVERRIDDEN] = "overridden",
	[DELTA_EQUIVALENT] = "equivalent", [DELTA_EXTENDED] = "extended",
	[DELTA_UNUSED] = "unused",
};
_Static_assert(ARRAY_SIZE(delta_kind_table) == _DELTA_KIND_MAX, "every kind has a word");
DEFINE_STRING_TABLE(delta_kind, enum delta_kind)

/* A policy file or a drop-in that was seen in a folder. */
struct seen {
	char *policy;
	char *dropin; /* its name; "" of the policy file, which so comes first */
	size_t rank;  /* of its folder: 0 wins */
	char *path;
};

struct all_seen {
	struct seen *items;
	size_t n;
};

static void all_seen_done(struct all_seen *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].policy);
		free(s->items[i].dropin);
		free(s->items[i].path);
	}
	free(s->items);
}

static int add_seen(struct all_seen *s, const char *policy, const char *dropin, size_t rank,
		    const char *folder, const char *file)
{
	struct seen *longer = reallocarray(s->items, s->n + 1, sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	s->items = longer;
	longer[s->n] = (struct seen){
		.policy = strdup(policy),
		.dropin = strdup(dropin),
		.rank = rank,
		.path = sentence("%s/%s", folder, file),
	};
	s->n++;
	return longer[s->n - 1].policy && longer[s->n - 1].dropin && longer[s->n - 1].path
		       ? 0
		       : -ENOMEM;
}

/* The names in a folder; one that is not there has none, one that cannot be read is a warning. 0 or -ENOMEM. */
static int list(const char *folder, const char *suffix, char ***ret, struct messages *warnings)
{
	int r = read_folder(folder, suffix, ret);

	if (r >= 0 || r == -ENOENT)
		return 0;
	if (r == -ENOMEM)
		return r;
	return messages_add(warnings, "%s: the folder cannot be read: %s", folder, strerror(-r));
}

static int see_dropins(struct all_seen *s, const char *policy, size_t rank, const char *folder,
		       struct messages *warnings)
{
	_cleanup_(strv_freep) char **names = NULL;
	int r = list(folder, DROPIN_SUFFIX, &names, warnings);

	for (size_t i = 0; r >= 0 && names && names[i]; i++)
		r = add_seen(s, policy, names[i], rank, folder, names[i]);
	return r;
}

static int see_policies(struct all_seen *s, size_t rank, const char *folder,
			struct messages *warnings)
{
	_cleanup_(strv_freep) char **names = NULL;
	int r = list(folder, POLICY_SUFFIX, &names, warnings);

	for (size_t i = 0; r >= 0 && names && names[i]; i++) {
		_cleanup_(freep) char *policy = strndup(names[i],
							strlen(names[i]) - strlen(POLICY_SUFFIX));

		r = policy ? add_seen(s, policy, "", rank, folder, names[i]) : -ENOMEM;
	}
	return r;
}

static int see_folder(struct all_seen *s, size_t rank, const char *folder,
		      struct messages *warnings)
{
	_cleanup_(strv_freep) char **names = NULL;
	int r = see_policies(s, rank, folder, warnings);

	if (r >= 0)
		r = read_folder(folder, DROPINS_SUFFIX, &names);
	for (size_t i = 0; r >= 0 && names && names[i]; i++) {
		_cleanup_(freep) char *policy = strndup(names[i],
							strlen(names[i]) - strlen(DROPINS_SUFFIX));
		_cleanup_(freep) char *path = sentence("%s/%s", folder, names[i]);

		r = policy && path ? see_dropins(s, policy, rank, path, warnings) : -ENOMEM;
	}
	return r == -ENOMEM ? r : 0; /* of all else see_policies() has warned */
}

static int compare_seen(const void *va, const void *vb)
{
	const struct seen *a = va, *b = vb;
	int order = strcmp(a->policy, b->policy);

	if (order == 0)
		order = strcmp(a->dropin, b->dropin);
	return order != 0 ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

static int add(struct deltas *d, enum delta_kind kind, const char *policy, const char *by,
	       const char *path)
{
	struct delta *longer = reallocarray(d->items, d->n + 1, sizeof(*longer));
	struct delta *new;

	if (!longer)
		return -ENOMEM;
	d->items = longer;
	new = &longer[d->n++];
	*new = (struct delta){
		.kind = kind,
		.policy = strdup(policy),
		.by = by ? strdup(by) : NULL,
		.path = path ? strdup(path) : NULL,
	};
	return new->policy && (!by || new->by) && (!path || new->path) ? 0 : -ENOMEM;
}

/* What a file that wins says; text NULL: it masks, or cannot be read. */
struct winner {
	const struct seen *seen;
	char *text;
	size_t length;
	bool masks;
};

static int read_winner(const struct seen *seen, struct winner *ret, struct messages *warnings)
{
	int r = read_file(seen->path, &ret->text, &ret->length, warnings);

	ret->seen = seen;
	ret->masks = r == 1;
	return r == -ENOMEM ? r : 0;
}

static int add_loser(struct deltas *d, const struct winner *w, const struct seen *loser)
{
	_cleanup_(messages_done) struct messages unread = MESSAGES_NULL;
	_cleanup_(freep) char *text = NULL;
	enum delta_kind kind = DELTA_OVERRIDDEN;
	size_t length = 0;

	if (w->masks)
		kind = DELTA_MASKED;
	else if (read_file(loser->path, &text, &length, &unread) == 0 && w->text &&
		 length == w->length && memcmp(text, w->text, length) == 0)
		kind = DELTA_EQUIVALENT;
	return add(d, kind, loser->policy, w->seen->path, loser->path);
}

/* The files of one name, the winner first. policy: the winner of the policy's own; NULL: there is none that counts. */
static int judge_name(struct deltas *d, const struct winner *w, size_t n, const struct seen *policy)
{
	const char *name = w->seen->policy;
	int r = 0;

	if (w->masks && n == 1)
		r = add(d, DELTA_MASKED, name, w->seen->path, NULL);
	for (size_t i = 1; r >= 0 && i < n; i++)
		r = add_loser(d, w, &w->seen[i]);
	if (r < 0 || w->masks || w->seen->dropin[0] == '\0')
		return r;
	if (policy)
		return add(d, DELTA_EXTENDED, name, w->seen->path, policy->path);
	return add(d, DELTA_UNUSED, name, NULL, w->seen->path);
}

static size_t count_of_name(const struct all_seen *s, size_t first)
{
	size_t n = 1;

	while (first + n < s->n && streq(s->items[first].policy, s->items[first + n].policy) &&
	       streq(s->items[first].dropin, s->items[first + n].dropin))
		n++;
	return n;
}

static int judge(struct deltas *d, const struct all_seen *s)
{
	const struct seen *policy = NULL;
	size_t n;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->n; i += n) {
		const struct seen *first = &s->items[i];
		struct winner w = {0};

		n = count_of_name(s, i);
		if (policy && !streq(policy->policy, first->policy))
			policy = NULL;
		r = read_winner(first, &w, &d->warnings);
		if (r >= 0)
			r = judge_name(d, &w, n, policy);
		if (first->dropin[0] == '\0' && !w.masks)
			policy = first;
		free(w.text);
	}
	return r;
}

int policy_deltas_read(char *const *folders, struct deltas *ret)
{
	_cleanup_(policy_deltas_done) struct deltas d = {0};
	_cleanup_(all_seen_done) struct all_seen s = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && folders[i]; i++)
		r = see_folder(&s, i, folders[i], &d.warnings);
	if (s.n > 0)
		qsort(s.items, s.n, sizeof(*s.items), compare_seen);
	if (r >= 0)
		r = judge(&d, &s);
	if (r < 0)
		return r;
	*ret = d;
	d = (struct deltas){0};
	return 0;
}

void policy_deltas_done(struct deltas *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].policy);
		free(d->items[i].by);
		free(d->items[i].path);
	}
	free(d->items);
	messages_done(&d->warnings);
	*d = (struct deltas){0};
}
