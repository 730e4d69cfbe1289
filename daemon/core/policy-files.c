/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy-files.h"
#include "common/sentence.h"
#include "daemon/core/read-file.h"
#include "daemon/core/strv.h"

#define DROPIN_FOLDER_SUFFIX POLICY_SUFFIX ".d"
#define DROPIN_SUFFIX ".conf"

/* A file that was seen in a folder. */
struct candidate {
	char *name;
	size_t rank; /* of its folder: 0 wins */
	char *path;
};

struct candidates {
	struct candidate *items;
	size_t n;
};

static void candidates_done(struct candidates *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->items[i].name);
		free(c->items[i].path);
	}
	free(c->items);
	*c = (struct candidates){0};
}

static int candidates_add(struct candidates *c, const char *folder, size_t rank, const char *name)
{
	struct candidate *item = reallocarray(c->items, c->n + 1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	c->items = item;
	item += c->n++;
	*item = (struct candidate){.name = strdup(name), .rank = rank};
	item->path = sentence("%s/%s", folder, name);
	return item->name && item->path ? 0 : -ENOMEM;
}

/* 1: read; 0: it is not there or cannot be read, which messages has then; -ENOMEM. */
static int candidates_add_folder(struct candidates *c, const char *folder, size_t rank,
				 const char *suffix, struct messages *messages)
{
	_cleanup_(strv_freep) char **names = NULL;
	int r = read_folder(folder, suffix, &names);

	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -ENOMEM)
		return messages_add(messages, "%s: the folder cannot be read: %s", folder,
				    strerror(-r));
	for (size_t i = 0; r >= 0 && names && names[i]; i++)
		r = candidates_add(c, folder, rank, names[i]);
	return r < 0 ? r : 1;
}

static int compare_candidates(const void *va, const void *vb)
{
	const struct candidate *a = va, *b = vb;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

/* In the order of the names; of those with one name the first folder's is left. */
static void candidates_settle(struct candidates *c)
{
	size_t n_kept = 0;

	if (c->n == 0)
		return;
	qsort(c->items, c->n, sizeof(*c->items), compare_candidates);
	for (size_t i = 0; i < c->n; i++) {
		if (n_kept > 0 && streq(c->items[n_kept - 1].name, c->items[i].name)) {
			free(c->items[i].name);
			free(c->items[i].path);
		} else {
			c->items[n_kept++] = c->items[i];
		}
	}
	c->n = n_kept;
}

/* Reads a file to the end of set->sources. 0; 1: it masks; -ENOMEM. What else is wrong goes to set->errors. */
static int add_source(struct policy_file_set *set, const char *path)
{
	struct policy_source *longer, source = {0};
	int r;

	longer = reallocarray(set->sources, set->n_sources + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	set->sources = longer;
	r = read_file(path, &source.text, &source.length, &set->errors);
	if (r != 0)
		return r == -ENOMEM || r > 0 ? r : 0;
	source.path = strdup(path);
	if (!source.path) {
		free(source.text);
		return -ENOMEM;
	}
	longer[set->n_sources++] = source;
	return 0;
}

static int add_dropins(struct policy_file_set *set, char *const *folders)
{
	_cleanup_(candidates_done) struct candidates dropins = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && folders && folders[i]; i++) {
		_cleanup_(freep) char *folder = sentence("%s/%s" DROPIN_FOLDER_SUFFIX, folders[i],
							 set->name);

		if (!folder)
			return -ENOMEM;
		r = candidates_add_folder(&dropins, folder, i, DROPIN_SUFFIX, &set->errors);
	}
	candidates_settle(&dropins);
	for (size_t i = 0; r >= 0 && i < dropins.n; i++)
		r = add_source(set, dropins.items[i].path);
	return MIN(r, 0);
}

static void policy_file_set_done(struct policy_file_set *set)
{
	free(set->name);
	for (size_t i = 0; i < set->n_sources; i++) {
		free(set->sources[i].path);
		free(set->sources[i].text);
	}
	free(set->sources);
	messages_done(&set->errors);
	*set = (struct policy_file_set){0};
}

static char *name_without(const char *file, const char *suffix)
{
	return strndup(file, strlen(file) - strlen(suffix));
}

static int read_set(const struct candidate *file, char *const *folders, struct policy_file_set *ret)
{
	_cleanup_(policy_file_set_done) struct policy_file_set set = {
		.name = name_without(file->name, POLICY_SUFFIX),
	};
	int r;

	if (!set.name)
		return -ENOMEM;
	r = add_source(&set, file->path);
	if (r < 0)
		return r;
	set.masked = r > 0;
	/* Without the file itself its drop-ins mean nothing. */
	if (set.n_sources > 0) {
		r = add_dropins(&set, folders);
		if (r < 0)
			return r;
	}
	*ret = set;
	set = (struct policy_file_set){0};
	return 0;
}

/* Takes out, with a warning, what has a name that no policy can have. */
static int drop_invalid_names(struct candidates *c, const char *suffix, struct messages *warnings)
{
	size_t n_kept = 0;
	int r = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct candidate item = c->items[i];
		_cleanup_(freep) char *name = name_without(item.name, suffix);

		if (!name)
			r = -ENOMEM;
		if (!name || policy_name_is_valid(name)) {
			c->items[n_kept++] = item;
			continue;
		}
		if (r >= 0)
			r = messages_add(
				warnings,
				"%s: ignored, \"%s\" cannot be the name of a policy, expected "
				"at most %d letters, digits and _.@-",
				item.path, name, POLICY_NAME_MAX);
		free(item.name);
		free(item.path);
	}
	c->n = n_kept;
	return r;
}

static int warn_of_dropin_folders(char *const *folders, struct messages *warnings)
{
	_cleanup_(candidates_done) struct candidates dropins = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && folders && folders[i]; i++)
		r = candidates_add_folder(&dropins, folders[i], i, DROPIN_FOLDER_SUFFIX, warnings);
	return r < 0 ? r : drop_invalid_names(&dropins, DROPIN_FOLDER_SUFFIX, warnings);
}

/*
 * The policy files of all folders. *ret_usable has the folders that could be read: one that cannot is a warning,
 * once, and must not be an error of each policy whose drop-ins are looked for in it.
 */
static int find_files(char *const *folders, struct candidates *ret_files, char ***ret_usable,
		      struct messages *warnings)
{
	_cleanup_(candidates_done) struct candidates files = {0};
	_cleanup_(strv_freep) char **usable = NULL;
	int r = 0;

	for (size_t i = 0; r >= 0 && folders[i]; i++) {
		r = candidates_add_folder(&files, folders[i], i, POLICY_SUFFIX, warnings);
		if (r > 0)
			r = strv_append(&usable, folders[i], strlen(folders[i]));
	}
	if (r >= 0)
		r = drop_invalid_names(&files, POLICY_SUFFIX, warnings);
	if (r >= 0)
		r = warn_of_dropin_folders(usable, warnings);
	if (r < 0)
		return r;
	candidates_settle(&files);
	*ret_files = files;
	files = (struct candidates){0};
	*ret_usable = TAKE_PTR(usable);
	return 0;
}

int policy_collection_read(char *const *folders, struct policy_collection *ret)
{
	_cleanup_(policy_collection_done) struct policy_collection collection = {0};
	_cleanup_(candidates_done) struct candidates files = {0};
	_cleanup_(strv_freep) char **usable = NULL;
	int r;

	r = find_files(folders, &files, &usable, &collection.warnings);
	if (r < 0)
		return r;
	collection.sets = calloc(files.n + 1, sizeof(*collection.sets));
	if (!collection.sets)
		return -ENOMEM;
	for (size_t i = 0; i < files.n; i++) {
		r = read_set(&files.items[i], usable, &collection.sets[i]);
		if (r < 0)
			return r;
		collection.n++;
	}
	*ret = collection;
	collection = (struct policy_collection){0};
	return 0;
}

static bool is_policy_file_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(POLICY_SUFFIX);
	char policy[POLICY_NAME_MAX + 1];

	if (length <= suffix || length - suffix >= sizeof(policy) ||
	    !streq(name + length - suffix, POLICY_SUFFIX))
		return false;
	memcpy(policy, name, length - suffix);
	policy[length - suffix] = '\0';
	return policy_name_is_valid(policy);
}

/* The set of a file that can be none: its name stands for it. */
static int refuse_file(const char *name, const char *path, struct policy_file_set *ret)
{
	_cleanup_(policy_file_set_done) struct policy_file_set set = {.name = strdup(name)};

	if (!set.name || messages_add(&set.errors,
				      "%s: a policy file is named NAME" POLICY_SUFFIX
				      ", NAME of at most %d letters, digits and _.@-",
				      path, POLICY_NAME_MAX) < 0)
		return -ENOMEM;
	*ret = set;
	set = (struct policy_file_set){0};
	return 0;
}

static int read_one(const char *path, struct policy_file_set *ret)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *name = strdup(slash ? slash + 1 : path), *whole = strdup(path);
	_cleanup_(freep) char *folder = slash ? strndup(path, (size_t)MAX(slash - path, 1))
					      : strdup(".");
	struct candidate file = {.name = name, .path = whole};
	char *const folders[] = {folder, NULL};

	if (!name || !whole || !folder)
		return -ENOMEM;
	return is_policy_file_name(name) ? read_set(&file, folders, ret)
					 : refuse_file(name, path, ret);
}

int policy_collection_read_file(const char *path, struct policy_collection *ret)
{
	_cleanup_(policy_collection_done) struct policy_collection collection = {0};
	int r;

	collection.sets = calloc(1, sizeof(*collection.sets));
	if (!collection.sets)
		return -ENOMEM;
	r = read_one(path, collection.sets);
	if (r < 0)
		return r;
	collection.n = 1;
	*ret = collection;
	collection = (struct policy_collection){0};
	return 0;
}

void policy_collection_done(struct policy_collection *c)
{
	for (size_t i = 0; i < c->n; i++)
		policy_file_set_done(&c->sets[i]);
	free(c->sets);
	messages_done(&c->warnings);
	*c = (struct policy_collection){0};
}
