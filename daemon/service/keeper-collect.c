/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start: what the service manager passed and what is pinned, sorted by policy. */
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "daemon/core/strv.h"
#include "daemon/service/keeper-internal.h"

/* Receiving. */

static int take_socket(int fd, int *socket)
{
	if (*socket >= 0) {
		safe_close(fd);
		log_error("the service manager passed more than one socket, expected one "
			  "(structopsd.socket)");
		return -EINVAL;
	}
	*socket = fd;
	return 0;
}

/* name is consumed. */
static void take_descriptor(struct keeper *k, int fd, char *fdname)
{
	struct received *r = &k->received[k->n_received];

	if (fdname_parse(fdname, &r->kind, &r->id, &r->name) < 0) {
		log_warning(
			"the service manager passed a descriptor that is none of ours (\"%s\"); "
			"dropped",
			fdname);
		(void)sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", fdname);
		safe_close(fd);
		free(fdname);
		return;
	}
	r->fdname = fdname;
	r->fd = fd;
	k->n_received++;
	fdstore_count(k, fdname);
}

int keeper_receive(struct keeper *k, int *ret_socket)
{
	_cleanup_(closep) int socket = -EBADF;
	_cleanup_(freep) char **names = NULL;
	int n, r = 0;

	n = sd_listen_fds_with_names(true, &names);
	if (n < 0)
		return n;
	k->received = calloc((size_t)n + 1, sizeof(*k->received));
	if (!k->received)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0) {
			take_descriptor(k, fd, names[i]);
			continue;
		}
		free(names[i]);
		if (take_socket(fd, &socket) < 0)
			r = -EINVAL;
	}
	if (r < 0)
		return r;
	*ret_socket = TAKE_FD(socket);
	return 0;
}

/* Collecting. */

/* Closed here and removed there: with the last reference a link that nobody wants ends. */
static void drop_received(struct keeper *k, struct received *r)
{
	log_debug("%s: this is not the one that is adopted; dropped", r->fdname);
	fdstore_remove(k, r->fdname);
	r->fd = safe_close(r->fd);
}

static int compare_received(const void *a, const void *b)
{
	const struct received *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order == 0)
		order = (x->kind > y->kind) - (x->kind < y->kind);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

static bool is_living_link(const struct received *r)
{
	const struct kernel_handles h = {
		.link_fd = r->fd, .map_fd = -EBADF, .record_fd = -EBADF, .dump_fd = -EBADF};

	return r->kind == KEPT_LINK && kernel_state(&h, NULL) == 1;
}

/*
 * Of one kind and name there are two where the last daemon ended between storing the new one and removing the old one.
 * They come in the order of their ids.
 */
static void drop_doubles(struct keeper *k, struct received *r, size_t n)
{
	struct received *best = r;

	for (size_t i = 1; i < n; i++)
		if (is_living_link(&r[i]) || !is_living_link(best))
			best = &r[i];
	for (size_t i = 0; i < n; i++)
		if (&r[i] != best)
			drop_received(k, &r[i]);
}

static size_t count_same(const struct received *r, size_t n, bool with_kind)
{
	size_t i = 1;

	while (i < n && streq(r[i].name, r->name) && (!with_kind || r[i].kind == r->kind))
		i++;
	return i;
}

/* The descriptors of one name. 0 or -ENOMEM. */
static int collect_name(struct keeper *k, struct received *r, size_t n, struct keeper_find *ret)
{
	struct kept *e = keeper_entry(k, r->name);

	*ret = (struct keeper_find){.name = strdup(r->name), .handles = KERNEL_HANDLES_NULL};
	if (!e || !ret->name)
		return -ENOMEM;
	e->where = KEEPER_FDSTORE;
	for (size_t i = 0, same; i < n; i += same) {
		same = count_same(&r[i], n - i, true);
		drop_doubles(k, &r[i], same);
	}
	for (size_t i = 0; i < n; i++) {
		if (r[i].fd < 0)
			continue;
		e->ids[r[i].kind] = r[i].id;
		*kept_fd(&ret->handles, r[i].kind) = TAKE_FD(r[i].fd);
	}
	return 0;
}

struct finds {
	struct keeper_find *items;
	size_t n;
	size_t n_stored; /* the first ones: of the fd store */
};

static void finds_done(struct finds *f)
{
	keeper_finds_free(f->items, f->n);
}

/* Room for one more, and a place to write it. */
static struct keeper_find *finds_grow(struct finds *f)
{
	struct keeper_find *larger = reallocarray(f->items, f->n + 1, sizeof(*larger));

	if (!larger)
		return NULL;
	f->items = larger;
	larger[f->n] = (struct keeper_find){.handles = KERNEL_HANDLES_NULL};
	return &larger[f->n++];
}

static int collect_received(struct keeper *k, struct finds *finds)
{
	int r;

	if (k->n_received > 0)
		qsort(k->received, k->n_received, sizeof(*k->received), compare_received);
	for (size_t i = 0, same; i < k->n_received; i += same) {
		struct keeper_find *find = finds_grow(finds);

		same = count_same(&k->received[i], k->n_received - i, false);
		r = find ? collect_name(k, &k->received[i], same, find) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

static void log_notes(const char *name, const struct messages *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		log_full(LOG_WARNING, &(struct log_fields){.policy = name}, "%s", notes->items[i]);
}

/* Whether all of it was what its place is for. */
static bool look_at(struct keeper_find *find)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;

	find->facts.name = find->name;
	kernel_find_facts(&find->handles, &find->facts, &notes);
	log_notes(find->name, &notes);
	return notes.n == 0;
}

static int compare_to_name(const void *name, const void *find)
{
	return strcmp(name, ((const struct keeper_find *)find)->name);
}

/* Among those that the service manager passed, which come in the order of their names. */
static struct keeper_find *find_stored(const struct finds *finds, const char *name)
{
	return finds->n_stored ? bsearch(name, finds->items, finds->n_stored, sizeof(*finds->items),
					 compare_to_name)
			       : NULL;
}

static void close_pins(struct keeper *k, struct keeper_find *find)
{
	_cleanup_(freep) char *error = NULL;

	kernel_handles_close(&find->handles);
	if (kernel_unpin(k->folder, find->name, &error) < 0)
		log_warning("%s: its pins stay behind: %s", find->name, or_empty(error));
}

/* Kept in both ways, by daemons of different settings: what lives counts, in doubt what the service manager has. */
static void choose(struct keeper *k, struct keeper_find *stored, struct keeper_find *pinned)
{
	struct kept *e = keeper_entry(k, stored->name);

	if (stored->facts.alive || !pinned->facts.alive) {
		close_pins(k, pinned);
		return;
	}
	fdstore_remove_others(k, e, NULL);
	*e = (struct kept){.name = e->name, .where = KEEPER_PINNED};
	kernel_handles_close(&stored->handles);
	stored->handles = pinned->handles;
	stored->facts = pinned->facts;
	stored->facts.name = stored->name;
	pinned->handles = KERNEL_HANDLES_NULL;
}

/* What is pinned just as it should be need not be pinned again. ids: before it was looked at. */
static int add_pinned(struct keeper *k, struct keeper_find *find, bool is_right,
		      const uint32_t ids[_KEPT_KIND_MAX], struct finds *finds)
{
	struct kept *e = keeper_entry(k, find->name);
	char *name = strdup(find->name);
	struct keeper_find *place = e && name ? finds_grow(finds) : NULL;

	if (!place) {
		free(name);
		return -ENOMEM;
	}
	e->where = KEEPER_PINNED;
	if (is_right)
		memcpy(e->ids, ids, sizeof(e->ids));
	*place = *find;
	find->handles = KERNEL_HANDLES_NULL;
	place->name = name;
	place->facts.name = name;
	return 0;
}

static int collect_pins(struct keeper *k, const char *name, struct finds *finds)
{
	struct keeper_find *stored = find_stored(finds, name);
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	struct keeper_find find = {.name = (char *)name, .handles = KERNEL_HANDLES_NULL};
	uint32_t ids[_KEPT_KIND_MAX];
	bool is_right;
	int r = 0;

	if (kernel_pins_open(k->folder, name, &find.handles, &notes) < 0)
		return -ENOMEM;
	log_notes(name, &notes);
	keeper_list_ids(&find.handles, ids);
	is_right = look_at(&find) && notes.n == 0;
	if (stored)
		choose(k, stored, &find);
	else
		r = add_pinned(k, &find, is_right, ids, finds);
	kernel_handles_close(&find.handles);
	return r;
}

static int collect_all_pins(struct keeper *k, struct finds *finds)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_cleanup_(strv_freep) char **names = NULL;
	int r;

	r = kernel_pins_list(k->folder, &names, &notes);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		log_warning_errno(
			r, "%s: cannot be looked through; what is pinned there is not adopted",
			k->folder);
	log_notes(NULL, &notes);
	for (char **name = names; name && *name; name++) {
		r = collect_pins(k, *name, finds);
		if (r < 0)
			return r;
	}
	return 0;
}

int keeper_collect(struct keeper *k, struct keeper_find **ret, size_t *ret_n)
{
	_cleanup_(finds_done) struct finds finds = {0};
	int r;

	r = collect_received(k, &finds);
	finds.n_stored = finds.n;
	for (size_t i = 0; i < finds.n; i++)
		(void)look_at(&finds.items[i]);
	if (r >= 0)
		r = collect_all_pins(k, &finds);
	if (r < 0)
		return r;
	*ret = finds.items;
	*ret_n = finds.n;
	finds = (struct finds){0};
	return 0;
}

void keeper_finds_free(struct keeper_find *finds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		kernel_handles_close(&finds[i].handles);
		free(finds[i].name);
	}
	free(finds);
}
