/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/keeper.h"

#include "common/log.h"
#include "common/protocol.h"
#include "common/sentence.h"
#include "daemon/core/pin-name.h"
#include "daemon/service/keeper-internal.h"

static const char *const kept_kind_table[] = {
	[KEPT_LINK] = "link",
	[KEPT_MAP] = "map",
	[KEPT_RECORD] = "record",
	[KEPT_DUMP] = "dump",
};
_Static_assert(ARRAY_SIZE(kept_kind_table) == _KEPT_KIND_MAX, "every kind has a word");
DEFINE_STRING_TABLE(kept_kind, enum kept_kind)

int *kept_fd(struct kernel_handles *h, enum kept_kind kind)
{
	int *const fds[] = {
		[KEPT_LINK] = &h->link_fd,
		[KEPT_MAP] = &h->map_fd,
		[KEPT_RECORD] = &h->record_fd,
		[KEPT_DUMP] = &h->dump_fd,
	};

	return fds[kind];
}

/* The list of names. */

static size_t position_of(const struct keeper *k, const char *name)
{
	size_t low = 0, high = k->n_kept;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(k->kept[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct kept *find_entry(const struct keeper *k, const char *name)
{
	size_t i = position_of(k, name);

	return i < k->n_kept && streq(k->kept[i].name, name) ? &k->kept[i] : NULL;
}

struct kept *keeper_entry(struct keeper *k, const char *name)
{
	struct kept *larger, *e = find_entry(k, name);
	size_t i = position_of(k, name);
	char *copy;

	if (e)
		return e;
	larger = reallocarray(k->kept, k->n_kept + 1, sizeof(*larger));
	if (!larger)
		return NULL;
	k->kept = larger;
	copy = strdup(name);
	if (!copy)
		return NULL;
	memmove(&larger[i + 1], &larger[i], (k->n_kept - i) * sizeof(*larger));
	larger[i] = (struct kept){.name = copy};
	k->n_kept++;
	return &larger[i];
}

static void remove_entry(struct keeper *k, struct kept *e)
{
	size_t i = (size_t)(e - k->kept);

	free(e->name);
	k->n_kept--;
	memmove(e, e + 1, (k->n_kept - i) * sizeof(*e));
}

/* Life. */

/*
 * Two daemons, with runtime directories of their own, have pins of their own; the next one of the same directory finds
 * them however that is written.
 */
static char *pins_folder(const char *runtime_dir)
{
	_cleanup_(freep) char *real = realpath(runtime_dir, NULL), *escaped = NULL;
	const char *dir = real ? real : runtime_dir;

	if (streq(dir, PROTOCOL_RUNTIME_DIR))
		return strdup(KEEPER_PINS);
	escaped = pin_name_escape(dir);
	return escaped ? sentence(KEEPER_PINS "%s", escaped) : NULL;
}

int keeper_new(enum keep_links mode, const char *runtime_dir, struct keeper **ret)
{
	_cleanup_(keeper_freep) struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->mode = mode;
	k->fdstore_max = fdstore_offered();
	k->folder = pins_folder(runtime_dir);
	if (!k->folder)
		return -ENOMEM;
	*ret = TAKE_PTR(k);
	return 0;
}

struct keeper *keeper_free(struct keeper *k)
{
	if (!k)
		return NULL;
	for (size_t i = 0; i < k->n_kept; i++)
		free(k->kept[i].name);
	free(k->kept);
	for (size_t i = 0; i < k->n_received; i++) {
		safe_close(k->received[i].fd);
		free(k->received[i].fdname);
	}
	free(k->received);
	free(k->folder);
	free(k);
	return NULL;
}

/* Keeping. */

void keeper_list_ids(const struct kernel_handles *h, uint32_t ret[_KEPT_KIND_MAX])
{
	struct kernel_handles copy = *h;

	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++) {
		int fd = *kept_fd(&copy, kind);

		ret[kind] = fd >= 0 ? kernel_object_id(fd) : 0;
	}
}

static void remove_pins(struct keeper *k, const char *name)
{
	_cleanup_(freep) char *error = NULL;

	if (kernel_unpin(k->folder, name, &error) < 0)
		log_warning("%s: its pins stay behind: %s", name, or_empty(error));
}

/* It is kept elsewhere now, or nowhere. */
static void move_to(struct keeper *k, struct kept *e, enum keeper_where where)
{
	if (e->where == KEEPER_FDSTORE && where != KEEPER_FDSTORE)
		fdstore_remove_others(k, e, NULL);
	else if (e->where == KEEPER_PINNED && where != KEEPER_PINNED)
		remove_pins(k, e->name);
	e->where = where;
}

static const char *why_not_stored(int error)
{
	switch (error) {
	case -ENOTCONN:
		return "the service manager offers no fd store (FileDescriptorStoreMax=)";
	case -ENOSPC:
		return "the fd store is full (FileDescriptorStoreMax=, and 120 KiB of names)";
	default:
		return strerror(-error);
	}
}

/* 0; -errno with a sentence. */
static int keep_in_fdstore(struct keeper *k, struct kept *e, const struct kernel_handles *h,
			   const uint32_t ids[_KEPT_KIND_MAX], char **ret_error)
{
	int r = k->fdstore_max > 0 ? fdstore_put(k, e, h, ids) : -ENOTCONN;

	if (r == 0)
		move_to(k, e, KEEPER_FDSTORE);
	return r < 0 ? sentence_error(ret_error, r, "%s", why_not_stored(r)) : 0;
}

/* Where it fails, pins that there are stay: they are of a former form, but better than none. */
static int keep_as_pins(struct keeper *k, struct kept *e, const struct kernel_handles *h,
			const uint32_t ids[_KEPT_KIND_MAX], char **ret_error)
{
	int r;

	if (e->where == KEEPER_PINNED && memcmp(e->ids, ids, sizeof(e->ids)) == 0)
		return 0;
	r = kernel_pin(h, k->folder, e->name, ret_error);
	if (r == 0)
		move_to(k, e, KEEPER_PINNED);
	return r;
}

/* Neither way works: what is stored already and still right stays, such as the link of an update. */
static void keep_what_is_right(struct keeper *k, struct kept *e, const uint32_t ids[_KEPT_KIND_MAX])
{
	if (e->where == KEEPER_PINNED)
		return;
	fdstore_remove_others(k, e, ids);
	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++)
		if (e->ids[kind] != ids[kind])
			e->ids[kind] = 0;
	if (e->ids[KEPT_LINK] == 0 && e->ids[KEPT_MAP] == 0)
		keeper_remove(k, e->name);
}

/* The first one is said aloud; where one cannot be kept, others mostly cannot either. */
static void complain(struct keeper *k, const char *name, const char *why)
{
	log_full(k->complained ? LOG_DEBUG : LOG_WARNING, &(struct log_fields){.policy = name},
		 "cannot be kept over the end of the daemon: %s", why);
	k->complained = true;
}

static int keep(struct keeper *k, struct kept *e, const struct kernel_handles *h,
		const uint32_t ids[_KEPT_KIND_MAX])
{
	_cleanup_(freep) char *error = NULL;
	int r = -EOPNOTSUPP;

	if (k->mode == KEEP_LINKS_FDSTORE || (k->mode == KEEP_LINKS_AUTO && k->fdstore_max > 0))
		r = keep_in_fdstore(k, e, h, ids, &error);
	if (r < 0 && k->mode != KEEP_LINKS_FDSTORE) {
		free(error);
		error = NULL;
		r = keep_as_pins(k, e, h, ids, &error);
	}
	if (r < 0)
		complain(k, e->name, or_empty(error));
	else
		memcpy(e->ids, ids, sizeof(e->ids));
	return r;
}

void keeper_store(struct keeper *k, const char *name, const struct kernel_handles *h)
{
	uint32_t ids[_KEPT_KIND_MAX];
	struct kept *e;

	if (k->mode == KEEP_LINKS_NO) {
		keeper_remove(k, name);
		return;
	}
	e = keeper_entry(k, name);
	if (!e) {
		(void)log_oom();
		return;
	}
	keeper_list_ids(h, ids);
	if (keep(k, e, h, ids) < 0)
		keep_what_is_right(k, e, ids);
}

void keeper_remove(struct keeper *k, const char *name)
{
	struct kept *e = find_entry(k, name);

	if (!e)
		return;
	move_to(k, e, KEEPER_NOWHERE);
	remove_entry(k, e);
}

enum keeper_where keeper_where(const struct keeper *k, const char *name)
{
	const struct kept *e = find_entry(k, name);

	return e ? e->where : KEEPER_NOWHERE;
}

char *keeper_describe(const struct keeper *k, const char *name)
{
	_cleanup_(freep) char *escaped = NULL;

	switch (keeper_where(k, name)) {
	case KEEPER_FDSTORE:
		return strdup("fd store of the service manager");
	case KEEPER_PINNED:
		escaped = pin_name_escape(name);
		return escaped ? sentence("pins in %s/%s", k->folder, escaped) : NULL;
	case KEEPER_NOWHERE:
		break;
	}
	return strdup(k->mode == KEEP_LINKS_NO ? "not kept (KeepLinks=no)" : "not kept");
}
