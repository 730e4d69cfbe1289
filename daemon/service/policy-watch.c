/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/policy-watch.h"

#include <dirent.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/core/policy-files.h"
#include "daemon/service/clock.h"

#define FOLDER_EVENTS                                                                       \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF)

/* As many as the kernel follows (ELOOP). */
#define LINKS_MAX 40

/* A folder that is watched: all of it, or for one name in it. */
struct place {
	struct policy_watch *watch;
	sd_event_source *source;
	char *folder;
	char *name; /* NULL: whatever happens there */
};

struct policy_watch {
	sd_event *event;
	char *const *folders;
	usec_t settle;
	void (*changed)(void *userdata);
	void *userdata;
	struct place **places;
	size_t n_places;
	sd_event_source *timer;
	usec_t give_up; /* CLOCK_MONOTONIC: not quiet until then is quiet enough; 0: nothing has happened */
	uint64_t digest;
};

/* What the policies say, as one number: events come for much that changes nothing. */

static uint64_t digest_add(uint64_t digest, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		digest = (digest ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return digest;
}

static uint64_t digest_text(uint64_t digest, const char *text)
{
	return digest_add(digest, or_empty(text), strlen(or_empty(text)) + 1);
}

static uint64_t digest_set(uint64_t digest, const struct policy_file_set *set)
{
	digest = digest_text(digest, set->name);
	digest = digest_text(digest, set->masked ? "masked" : "");
	for (size_t i = 0; i < set->n_sources; i++) {
		digest = digest_text(digest, set->sources[i].path);
		digest = digest_add(digest, set->sources[i].text, set->sources[i].length);
	}
	for (size_t i = 0; i < set->errors.n; i++)
		digest = digest_text(digest, set->errors.items[i]);
	return digest;
}

static int digest_policies(char *const *folders, uint64_t *ret)
{
	struct policy_collection policies = {0};
	uint64_t digest = UINT64_C(0xcbf29ce484222325);
	int r = policy_collection_read(folders, &policies);

	if (r < 0)
		return r;
	for (size_t i = 0; i < policies.n; i++)
		digest = digest_set(digest, &policies.sets[i]);
	for (size_t i = 0; i < policies.warnings.n; i++)
		digest = digest_text(digest, policies.warnings.items[i]);
	policy_collection_done(&policies);
	*ret = digest;
	return 0;
}

/* The watches. */

static struct place *place_free(struct place *p)
{
	if (!p)
		return NULL;
	sd_event_source_disable_unref(p->source);
	free(p->folder);
	free(p->name);
	free(p);
	return NULL;
}
DEFINE_CLEANUP(struct place *, place_free)

static void forget_places(struct policy_watch *w)
{
	for (size_t i = 0; i < w->n_places; i++)
		place_free(w->places[i]);
	free(w->places);
	w->places = NULL;
	w->n_places = 0;
}

static bool is_watched(const struct policy_watch *w, const char *folder, const char *name)
{
	for (size_t i = 0; i < w->n_places; i++)
		if (streq(w->places[i]->folder, folder) && streq_null(w->places[i]->name, name))
			return true;
	return false;
}

static int on_event(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
	const struct place *place = userdata;
	struct policy_watch *w = place->watch;
	usec_t now = clock_now(CLOCK_MONOTONIC);

	if (place->name && e->len > 0 && !streq(e->name, place->name))
		return 0;
	if (w->give_up == 0)
		w->give_up = now + WATCH_PATIENCE * w->settle;
	if (now >= w->give_up) /* it is the timer's turn: to set it anew would put it off */
		return 0;
	(void)sd_event_source_set_time(w->timer, MIN(now + w->settle, w->give_up));
	return sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

/* 0 also where the folder is gone again: then its parent's watch tells. */
static int watch_folder(struct policy_watch *w, const char *folder, const char *name)
{
	_cleanup_(place_freep) struct place *p = NULL;
	struct place **larger;
	int r;

	if (is_watched(w, folder, name))
		return 0;
	larger = reallocarray(w->places, w->n_places + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	w->places = larger;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->watch = w;
	p->folder = strdup(folder);
	p->name = name ? strdup(name) : NULL;
	if (!p->folder || (name && !p->name))
		return -ENOMEM;
	r = sd_event_add_inotify(w->event, &p->source, folder, FOLDER_EVENTS | IN_ONLYDIR, on_event,
				 p);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	w->places[w->n_places++] = TAKE_PTR(p);
	return 0;
}

/* Puts the target of the link at path (in folder) before rest. 0; -errno. */
static int follow_link(const char *path, char **folder, char **rest)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	char *longer;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	longer = sentence("%s/%s", target, *rest);
	if (!longer)
		return -ENOMEM;
	free(*rest);
	*rest = longer;
	if (*target == '/')
		**folder = '\0';
	return 0;
}

/* One component further: 1: *folder is where it leads, or the same with *rest changed; 0: there is nothing. */
static int step(struct policy_watch *w, char **folder, char **rest, unsigned *links)
{
	_cleanup_(freep) char *component = NULL, *path = NULL, *remaining = NULL;
	size_t n = strcspn(*rest, "/");
	struct stat st;
	int r;

	component = strndup(*rest, n);
	remaining = strdup(*rest + n + strspn(*rest + n, "/"));
	path = component ? sentence("%s/%s", *folder, component) : NULL;
	if (!path || !remaining)
		return -ENOMEM;
	free(*rest);
	*rest = TAKE_PTR(remaining);
	if (streq(component, "."))
		return 1;
	if (lstat(path, &st) < 0)
		return watch_folder(w, **folder ? *folder : "/", component);
	if (S_ISLNK(st.st_mode)) {
		r = watch_folder(w, **folder ? *folder : "/", component);
		if (r < 0 || ++*links > LINKS_MAX)
			return r < 0 ? r : 0;
		r = follow_link(path, folder, rest);
		return r == -ENOMEM ? r : r == 0;
	}
	free(*folder);
	*folder = TAKE_PTR(path);
	return 1;
}

/*
 * Watches every link on the way to path, and, where the way ends early, for what is missing. *ret is where it leads
 * (the caller's), NULL: nowhere.
 */
static int watch_way(struct policy_watch *w, const char *path, char **ret)
{
	_cleanup_(freep) char *folder = strdup("");
	_cleanup_(freep) char *rest = strdup(path + strspn(path, "/"));
	unsigned links = 0;
	int r = 1;

	if (!folder || !rest)
		return -ENOMEM;
	while (r > 0 && *rest) {
		memmove(rest, rest + strspn(rest, "/"), strlen(rest + strspn(rest, "/")) + 1);
		if (*rest)
			r = step(w, &folder, &rest, &links);
	}
	if (r < 0)
		return r;
	*ret = r > 0 ? TAKE_PTR(folder) : NULL;
	return 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && streq(name + n - m, suffix);
}

static int watch_tree(struct policy_watch *w, const char *path, bool dropins);

static int watch_entry(struct policy_watch *w, const char *folder, const char *name, bool dropins)
{
	_cleanup_(freep) char *path = sentence("%s/%s", folder, name);
	_cleanup_(freep) char *end = NULL;

	if (!path)
		return -ENOMEM;
	if (!dropins && has_suffix(name, POLICY_SUFFIX ".d"))
		return watch_tree(w, path, true);
	if (has_suffix(name, dropins ? ".conf" : POLICY_SUFFIX))
		return watch_way(w, path, &end);
	return 0;
}

/* A folder of policies, or (dropins) of one policy's drop-ins. */
static int watch_tree(struct policy_watch *w, const char *path, bool dropins)
{
	_cleanup_(freep) char *folder = NULL;
	DIR *entries;
	int r;

	r = watch_way(w, path, &folder);
	if (r < 0 || !folder)
		return r;
	r = watch_folder(w, *folder ? folder : "/", NULL);
	if (r < 0)
		return r;
	entries = opendir(folder);
	if (!entries)
		return errno == ENOMEM ? -ENOMEM : 0; /* reading the policies says why */
	for (struct dirent *e; r >= 0 && (e = readdir(entries));)
		if (e->d_name[0] != '.')
			r = watch_entry(w, folder, e->d_name, dropins);
	closedir(entries);
	return r;
}

static int watch_all(struct policy_watch *w)
{
	int r = 0;

	forget_places(w);
	for (size_t i = 0; r >= 0 && w->folders[i]; i++)
		r = watch_tree(w, w->folders[i], false);
	return r;
}

/* Watches first, then reads: what changes in between is an event already. */
static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct policy_watch *w = userdata;
	uint64_t digest;
	int r;

	w->give_up = 0;
	r = watch_all(w);
	if (r < 0)
		log_error_errno(r, "cannot watch all policy folders any more "
				   "(fs.inotify.max_user_watches?); reload by hand after a change");
	r = digest_policies(w->folders, &digest);
	if (r < 0)
		return log_error_errno(r, "cannot read the policies after a change");
	if (digest == w->digest)
		return 0;
	w->digest = digest;
	w->changed(w->userdata);
	return 0;
}

int policy_watch_new(sd_event *event, char *const *folders, usec_t settle,
		     void (*changed)(void *userdata), void *userdata, struct policy_watch **ret)
{
	_cleanup_(policy_watch_freep) struct policy_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->event = sd_event_ref(event);
	w->folders = folders;
	w->settle = settle;
	w->changed = changed;
	w->userdata = userdata;
	r = sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_settled, w);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = watch_all(w);
	if (r >= 0)
		r = digest_policies(folders, &w->digest);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

struct policy_watch *policy_watch_free(struct policy_watch *w)
{
	if (!w)
		return NULL;
	forget_places(w);
	sd_event_source_disable_unref(w->timer);
	sd_event_unref(w->event);
	free(w);
	return NULL;
}
