/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/attach.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>

#include "daemon/kernel/exit.h"
#include "daemon/kernel/link.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

/* How long an EBUSY that passes is waited for, all in all half a second. */
#define BUSY_TRIES 50
#define BUSY_PAUSE_USEC (10 * USEC_PER_MSEC)

usec_t monotonic_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

int attach_try(struct attempt *a, int *ret_link_fd)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(a->map);

	if (!link)
		return -errno;
	/* Without a real link libbpf gives the map's descriptor out as one. */
	*ret_link_fd = a->linkless ? -EBADF : bpf_link__fd(link);
	/* Now destroying frees memory only: the descriptor is ours. */
	bpf_link__disconnect(link);
	bpf_link__destroy(link);
	return 0;
}

static int note_map_id(struct attempt *a)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_map_get_info_by_fd(bpf_map__fd(a->map), &info, &size) < 0)
		return verdict_by_error(a->outcome, errno, "map \"%s\" cannot be examined: %s",
					a->outcome->map, strerror(errno));
	a->outcome->map_id = info.id;
	return 0;
}

static int dup_map(struct attempt *a, const struct bpf_map *map, int *ret)
{
	if (!map)
		return 0;
	*ret = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
	if (*ret >= 0)
		return 0;
	return verdict_by_error(a->outcome, errno, "no descriptor left for map \"%s\": %s",
				bpf_map__name(map), strerror(errno));
}

/* The maps outlive the bpf_object that made them. */
static int dup_maps(struct attempt *a, struct kernel_handles *h)
{
	int r;

	r = dup_map(a, a->map, &h->map_fd);
	if (r < 0)
		return r;
	r = dup_map(a, a->record_map, &h->record_fd);
	if (r < 0)
		return r;
	return dup_map(a, a->dump_map, &h->dump_fd);
}

/* It is attached, says the kernel: is it still, and with our map? */
static int check_link(struct attempt *a, int link_fd)
{
	struct bpf_link_info info;
	int r;

	a->outcome->linkless = a->linkless;
	if (a->linkless)
		return 0;
	r = link_info(link_fd, &info);
	if (r < 0)
		return verdict_by_error(a->outcome, r,
					"the new link of map \"%s\" cannot be examined: %s",
					a->outcome->map, strerror(-r));
	a->outcome->link_id = info.id;
	if (info.struct_ops.map_id == a->outcome->map_id)
		return 0;
	return verdict_dead(
		a->outcome, 0,
		"map \"%s\" (%s) was attached, but link %u is dead already: somebody detached "
		"it at once",
		a->outcome->map, a->outcome->type, info.id);
}

/* What link and map tell, and then what only the type knows. h is borrowed. */
static int check_attached(struct attempt *a, const struct kernel_handles *h)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	int r;

	r = check_link(a, h->link_fd);
	if (r < 0)
		return r;
	a->outcome->enable_seq = traits->enable_seq ? traits->enable_seq() : 0;
	r = traits->after_attach ? traits->after_attach(a, h) : 0;
	if (r == 0)
		a->outcome->verdict = VERDICT_ATTACHED;
	return r;
}

/* What it leaves is gone with its descriptors, so it is written down now. Its end is told without, too. */
static void keep_last_words(struct attempt *a, const struct kernel_handles *h)
{
	char *path;

	if (!a->end_file || a->outcome->verdict != VERDICT_DEAD)
		return;
	/* For the programs, which have streams. */
	(void)attempt_read_back(a);
	path = strdup(a->end_file);
	if (path && kernel_exit_dump(h, a->outcome, path) == 1)
		a->outcome->end_file = path;
	else
		free(path);
}

/* What failed after all must not stay: another process may have opened the link, and without one it outlives us. */
static int withdraw(struct attempt *a, const struct kernel_handles *h, int error)
{
	if (error == -EBADMSG)
		keep_last_words(a, h);
	(void)kernel_detach(h, NULL, NULL);
	return error;
}

/* Takes over the descriptors of a link that exists; on failure nothing stays behind. */
static int adopt_link(struct attempt *a, int link_fd, struct kernel_handles *ret)
{
	_cleanup_(kernel_handles_close) struct kernel_handles h = KERNEL_HANDLES_NULL;
	const struct kernel_handles unadopted = {.map_fd = bpf_map__fd(a->map), .link_fd = link_fd};
	int r;

	h.link_fd = link_fd;
	r = dup_maps(a, &h);
	if (r < 0)
		return withdraw(a, &unadopted, r);
	r = check_attached(a, &h);
	if (r < 0)
		return withdraw(a, &h, r);
	*ret = h;
	h = KERNEL_HANDLES_NULL;
	return 0;
}

/*
 * An EBUSY that passes by itself is waited for, a moment each time: a scheduler on its way out has told of its end
 * before its place is free. False: it is another error, or lasts.
 */
static bool wait_while_busy(const struct attempt *a, int error, unsigned *tries)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	_cleanup_(freep) char *name = NULL;

	if (error != -EBUSY || !traits->place_holder || ++*tries > BUSY_TRIES ||
	    traits->place_holder(a, &name) != 0)
		return false;
	usleep(BUSY_PAUSE_USEC);
	return true;
}

static int try_patiently(struct attempt *a, int *ret_link_fd)
{
	unsigned tries = 0;
	int r;

	do
		r = attach_try(a, ret_link_fd);
	while (wait_while_busy(a, r, &tries));
	return r;
}

int attach_fresh(struct attempt *a, struct kernel_handles *ret)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	usec_t start = monotonic_usec();
	int link_fd, r;

	r = note_map_id(a);
	if (r < 0)
		return r;
	a->enable_seq_before = traits->enable_seq ? traits->enable_seq() : 0;
	r = traits->before_attach ? traits->before_attach(a) : 0;
	if (r < 0)
		return r;
	r = try_patiently(a, &link_fd);
	if (r < 0)
		return attach_explain(a, r);
	a->outcome->attach_usec = monotonic_usec() - start;
	a->outcome->change = CHANGE_FRESH;
	return adopt_link(a, link_fd, ret);
}

/* Whether the old map's new link is more than a link. As kernel_alive(). */
static int runs_again(struct attempt *a, const struct kernel_handles *old, int link_fd,
		      char **ret_why)
{
	struct kernel_handles h = *old;
	struct outcome o;

	if (!a->before)
		return 1;
	/* A copy that owns nothing, of what concerns the check. */
	o = *a->before;
	o.link_id = a->outcome->link_id;
	o.enable_seq = a->outcome->enable_seq;
	h.link_fd = link_fd;
	return kernel_alive(&h, &o, ret_why);
}

/* Links the old map again, as if it had not run before. 1 with a link that is the caller's; 0 with *ret_why; -errno. */
static int link_again(struct attempt *a, const struct kernel_handles *old, int *ret_link_fd,
		      char **ret_why)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	_cleanup_(closep) int link_fd = -EBADF;
	unsigned tries = 0;
	int r;

	if (a->before)
		(void)exit_record_reset(old, a->before);
	do
		r = kernel_relink(old->map_fd, &link_fd, &a->outcome->link_id);
	while (wait_while_busy(a, r, &tries));
	if (r < 0)
		return r;
	a->outcome->enable_seq = traits->enable_seq ? traits->enable_seq() : 0;
	r = runs_again(a, old, link_fd, ret_why);
	if (r == 1)
		*ret_link_fd = TAKE_FD(link_fd);
	return r;
}

/* The new one failed when the old one was off already: link the old map again. The failure stays the verdict. */
static int put_back(struct attempt *a, const struct kernel_handles *old, usec_t start,
		    struct kernel_handles *ret)
{
	_cleanup_(freep) char *why = NULL;
	struct outcome *o = a->outcome;
	int link_fd, r;

	r = link_again(a, old, &link_fd, &why);
	o->gap_usec = monotonic_usec() - start;
	if (r == 1) {
		o->change = CHANGE_KEPT;
		*ret = KERNEL_HANDLES_NULL;
		ret->link_fd = link_fd;
		return -EBADMSG;
	}
	o->change = CHANGE_LOST;
	r = messages_add(
		&o->notes,
		"what was attached before could not be attached again: %s. Nothing is attached",
		r < 0 ? error_text(r) : or_empty(why));
	return r < 0 ? r : -EBADMSG;
}

/* What was put back would be lost with everything else if nothing could be reported: so at least this is. */
static int explain_no_memory(struct attempt *a)
{
	a->outcome->verdict = VERDICT_BUSY;
	a->outcome->error = ENOMEM;
	(void)verdict_busy(a->outcome, ENOMEM, "there was no memory left to make the change");
	return -EBADMSG;
}

/*
 * To detach takes a grace period of RCU, and a second one where one is under way already, as it mostly is after a load.
 * That one is waited for here, as long as there is no gap yet. Where there is no such call the gap is longer, no more.
 */
static void wait_for_grace_period(void)
{
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

int attach_swapping(struct attempt *a, const struct kernel_handles *old, struct kernel_handles *ret)
{
	usec_t start;
	int r;

	wait_for_grace_period();
	start = monotonic_usec();
	r = kernel_detach(old, NULL, NULL);
	if (r < 0)
		return verdict_by_error(a->outcome, r, "what is attached cannot be taken off: %s",
					error_text(r));
	r = attach_fresh(a, ret);
	if (r == -ENOMEM)
		r = explain_no_memory(a);
	if (r < 0)
		return put_back(a, old, start, ret);
	a->outcome->gap_usec = monotonic_usec() - start;
	a->outcome->change = CHANGE_SWAPPED;
	return 0;
}

/* BPF_LINK_UPDATE: the link stays, with another map, if it still has the one that it is thought to have. 0; -errno. */
static int update_link(int link_fd, int new_map_fd, int old_map_fd)
{
	LIBBPF_OPTS(bpf_link_update_opts, options, .flags = BPF_F_REPLACE,
		    .old_map_fd = (uint32_t)old_map_fd);

	return bpf_link_update(link_fd, new_map_fd, old_map_fd < 0 ? NULL : &options) < 0 ? -errno
											  : 0;
}

/*
 * Whether an update failed because the type or these two maps (TCP: of two names) cannot do it, as opposed to this
 * moment.
 */
static bool update_is_impossible(int error)
{
	return error == -EOPNOTSUPP || error == -EINVAL || error == -ENOLINK;
}

static int explain_update(struct attempt *a, const struct kernel_handles *old, int error)
{
	uint32_t map_id = 0, old_map_id = kernel_object_id(old->map_fd);
	const struct outcome *o = a->outcome;

	if (error == -EPERM && kernel_state(old, &map_id) == 1 && map_id != old_map_id)
		return verdict_busy(
			a->outcome, error,
			"what is attached is not the daemon's any more: its link has map %u, not "
			"%u, since another process replaced that with bpf_link_update. It was left "
			"alone; detach the policy and attach it again to have its own",
			map_id, old_map_id);
	return verdict_by_error(
		a->outcome, error,
		"map \"%s\" (%s) cannot take the place of the one that is attached: %s", o->map,
		o->type, error_text(error));
}

/*
 * What the link has now does not do. If it cannot even have its old map again, it is taken off, and that map gets
 * another one.
 */
static int update_back(struct attempt *a, const struct kernel_handles *old,
		       const struct kernel_handles *new, usec_t start, int error,
		       struct kernel_handles *ret)
{
	if (error == -ENOMEM)
		error = explain_no_memory(a);
	a->outcome->change = CHANGE_KEPT;
	if (update_link(new->link_fd, old->map_fd, new->map_fd) == 0)
		return error;
	(void)withdraw(a, new, error);
	return put_back(a, old, start, ret);
}

/* maps: of the new one, consumed. */
static int finish_update(struct attempt *a, const struct kernel_handles *old, usec_t start,
			 struct kernel_handles *maps, struct kernel_handles *ret)
{
	struct kernel_handles h = *maps;
	int r;

	a->outcome->attach_usec = monotonic_usec() - start;
	a->outcome->change = CHANGE_UPDATED;
	h.link_fd = old->link_fd;
	r = check_attached(a, &h);
	if (r < 0)
		return update_back(a, old, &h, start, r, ret);
	*ret = *maps;
	*maps = KERNEL_HANDLES_NULL;
	return 0;
}

/* The map is filled. 1: it cannot be done in this way, and nothing was changed. */
static int replace_by_update(struct attempt *a, const struct kernel_handles *old, usec_t start,
			     struct kernel_handles *ret)
{
	_cleanup_(kernel_handles_close) struct kernel_handles maps = KERNEL_HANDLES_NULL;
	int r;

	if (a->linkless || old->link_fd < 0)
		return 1;
	/* Before the update: after it nothing may fail any more. */
	r = dup_maps(a, &maps);
	if (r < 0)
		return r;
	r = update_link(old->link_fd, maps.map_fd, old->map_fd);
	if (r == 0)
		return finish_update(a, old, start, &maps, ret);
	return update_is_impossible(r) ? 1 : explain_update(a, old, r);
}

/* Both are attached now; the old one can go without a gap. */
static int finish_beside(struct attempt *a, int link_fd, const struct kernel_handles *old,
			 usec_t start, struct kernel_handles *ret)
{
	int r;

	a->outcome->attach_usec = monotonic_usec() - start;
	r = adopt_link(a, link_fd, ret);
	if (r < 0)
		return r;
	a->outcome->change = CHANGE_SWAPPED;
	r = kernel_detach(old, NULL, NULL);
	if (r == 0)
		return 0;
	return messages_add(
		&a->outcome->notes,
		"what was attached before could not be taken off (%s): it stays beside the new "
		"one until %s",
		error_text(r),
		old->link_fd < 0 ? "it is unregistered" : "nobody holds its link any more");
}

/*
 * Names decide whether the type bears both at a time (tcp_congestion_ops), or the type bears any number. An attempt
 * that the kernel refuses has filled the map at least, so what could not be tried before is tried now.
 */
static int replace_beside(struct attempt *a, const struct kernel_handles *old, bool filled,
			  usec_t start, struct kernel_handles *ret)
{
	int link_fd, r, k;

	r = attach_try(a, &link_fd);
	if (r == 0)
		return finish_beside(a, link_fd, old, start, ret);
	if (r != -EEXIST && r != -EBUSY)
		return attach_explain(a, r);
	k = filled ? 1 : replace_by_update(a, old, start, ret);
	if (k <= 0)
		return k;
	if (attach_taken_by_other(a, r, old))
		return attach_explain(a, r);
	return attach_swapping(a, old, ret);
}

int attach_replacing(struct attempt *a, const struct kernel_handles *old,
		     struct kernel_handles *ret)
{
	usec_t start = monotonic_usec();
	int r, filled;

	*ret = KERNEL_HANDLES_NULL;
	a->outcome->change = CHANGE_KEPT;
	r = note_map_id(a);
	if (r < 0)
		return r;
	/* A foreign hand may have taken the old link off meanwhile; then swapping is attaching. */
	if (kernel_state(old, NULL) != 1)
		return attach_swapping(a, old, ret);
	/* Also where no update is to follow: a value that the kernel refuses leaves the old one alone. */
	filled = a->linkless ? 0 : attach_fill(a);
	if (filled < 0)
		return filled;
	r = filled ? replace_by_update(a, old, start, ret) : 1;
	if (r <= 0)
		return r;
	if (!type_traits(a->outcome->type)->side_by_side)
		return attach_swapping(a, old, ret);
	return replace_beside(a, old, filled, start, ret);
}
