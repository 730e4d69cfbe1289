/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/attach.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <time.h>

#include "daemon/kernel/link.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

usec_t now_usec(void)
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

/* The map outlives the bpf_object that made it. */
static int dup_map(struct attempt *a, int *ret)
{
	*ret = fcntl(bpf_map__fd(a->map), F_DUPFD_CLOEXEC, 3);
	if (*ret >= 0)
		return 0;
	return verdict_by_error(a->outcome, errno, "no descriptor left for map \"%s\": %s",
				a->outcome->map, strerror(errno));
}

/* It is attached, says the kernel: is it still, and with our map? */
static int check_link(struct attempt *a, int link_fd)
{
	struct bpf_link_info info;
	int r;

	a->outcome->linkless = a->linkless;
	if (a->linkless) {
		a->outcome->verdict = VERDICT_ATTACHED;
		return 0;
	}
	r = link_info(link_fd, &info);

	if (r < 0)
		return verdict_by_error(a->outcome, r,
					"the new link of map \"%s\" cannot be examined: %s",
					a->outcome->map, strerror(-r));
	if (info.struct_ops.map_id == a->outcome->map_id) {
		a->outcome->link_id = info.id;
		a->outcome->verdict = VERDICT_ATTACHED;
		return 0;
	}
	r = verdict_refused(
		a->outcome, 0,
		"map \"%s\" (%s) was attached, but link %u is dead already: somebody detached "
		"it at once",
		a->outcome->map, a->outcome->type, info.id);
	a->outcome->verdict = VERDICT_DEAD;
	return r;
}

/* What is registered without a link would outlive the descriptors that are closed on failure. */
static void withdraw(struct attempt *a)
{
	const struct kernel_handles h = {.map_fd = bpf_map__fd(a->map), .link_fd = -EBADF};

	if (a->linkless)
		(void)kernel_detach(&h);
}

/* Takes over the descriptors of a link that exists. On failure it closes the link, so nothing stays behind. */
static int adopt_link(struct attempt *a, int link_fd, struct kernel_handles *ret)
{
	_cleanup_(closep) int link = link_fd, map = -EBADF;
	int r;

	r = check_link(a, link);
	if (r < 0)
		return r;
	r = dup_map(a, &map);
	if (r < 0) {
		withdraw(a);
		return r;
	}
	*ret = (struct kernel_handles){.map_fd = TAKE_FD(map), .link_fd = TAKE_FD(link)};
	return 0;
}

int attach_fresh(struct attempt *a, struct kernel_handles *ret)
{
	usec_t start = now_usec();
	int link_fd, r;

	r = note_map_id(a);
	if (r < 0)
		return r;
	r = attach_try(a, &link_fd);
	if (r < 0)
		return attach_explain(a, r);
	a->outcome->attach_usec = now_usec() - start;
	a->outcome->change = CHANGE_FRESH;
	return adopt_link(a, link_fd, ret);
}

/* The new one failed when the old one was off already: link the old map again. The failure stays the verdict. */
static int put_back(struct attempt *a, const struct kernel_handles *old, usec_t start,
		    struct kernel_handles *ret)
{
	struct outcome *o = a->outcome;
	int link_fd, r;

	r = kernel_relink(old->map_fd, &link_fd, &o->link_id);
	o->gap_usec = now_usec() - start;
	if (r == 0) {
		o->change = CHANGE_KEPT;
		*ret = (struct kernel_handles){.map_fd = -EBADF, .link_fd = link_fd};
		return -EBADMSG;
	}
	o->change = CHANGE_LOST;
	r = messages_add(
		&o->notes,
		"what was attached before could not be attached again: %s. Nothing is attached",
		error_text(r));
	return r < 0 ? r : -EBADMSG;
}

int attach_swapping(struct attempt *a, const struct kernel_handles *old, struct kernel_handles *ret)
{
	usec_t start = now_usec();
	int r;

	r = kernel_detach(old);
	if (r < 0)
		return verdict_by_error(a->outcome, r, "what is attached cannot be taken off: %s",
					error_text(r));
	r = attach_fresh(a, ret);
	if (r < 0)
		return r == -ENOMEM ? r : put_back(a, old, start, ret);
	a->outcome->gap_usec = now_usec() - start;
	a->outcome->change = CHANGE_SWAPPED;
	return 0;
}

/* BPF_LINK_UPDATE: the link stays, with another map. 0; -errno. */
static int try_update(struct attempt *a, const struct kernel_handles *old)
{
	if (a->linkless || old->link_fd < 0)
		return -EOPNOTSUPP;
	return bpf_link_update(old->link_fd, bpf_map__fd(a->map), NULL) < 0 ? -errno : 0;
}

/* Whether an update failed because the type or these two maps cannot do it, as opposed to this moment. */
static bool update_is_impossible(int error)
{
	return error == -EOPNOTSUPP || error == -EINVAL || error == -ENOLINK;
}

static int finish_update(struct attempt *a, const struct kernel_handles *old, usec_t start,
			 int map_fd, struct kernel_handles *ret)
{
	a->outcome->attach_usec = now_usec() - start;
	a->outcome->change = CHANGE_UPDATED;
	ret->map_fd = map_fd;
	return check_link(a, old->link_fd);
}

/* Both are attached now; the old one can go without a gap. */
static int finish_beside(struct attempt *a, int link_fd, const struct kernel_handles *old,
			 usec_t start, struct kernel_handles *ret)
{
	int r;

	a->outcome->attach_usec = now_usec() - start;
	r = adopt_link(a, link_fd, ret);
	if (r < 0)
		return r;
	a->outcome->change = CHANGE_SWAPPED;
	r = kernel_detach(old);
	if (r == 0)
		return 0;
	return messages_add(
		&a->outcome->notes,
		"what was attached before could not be taken off (%s): both are attached",
		error_text(r));
}

/*
 * The new map is attached beside the old one's link first. Where names decide (tcp_congestion_ops) that works for
 * another name; for the same one it fails with EEXIST and leaves the new map filled, which is just what
 * bpf_link_update() needs and what libbpf offers no other way to do.
 */
static int replace_beside(struct attempt *a, const struct kernel_handles *old,
			  struct kernel_handles *ret)
{
	_cleanup_(closep) int map_fd = -EBADF;
	usec_t start = now_usec();
	int link_fd, r, k;

	r = attach_try(a, &link_fd);
	if (r == 0)
		return finish_beside(a, link_fd, old, start, ret);
	if (r != -EEXIST && r != -EBUSY)
		return attach_explain(a, r);
	/* Before the update: after it nothing may fail any more. */
	k = dup_map(a, &map_fd);
	if (k < 0)
		return k;
	k = try_update(a, old);
	if (k == 0)
		return finish_update(a, old, start, TAKE_FD(map_fd), ret);
	if (!update_is_impossible(k))
		return attach_explain(a, k);
	if (attach_taken_by_other(a, r, old))
		return attach_explain(a, r);
	return attach_swapping(a, old, ret);
}

int attach_replacing(struct attempt *a, const struct kernel_handles *old,
		     struct kernel_handles *ret)
{
	int r;

	*ret = KERNEL_HANDLES_NULL;
	a->outcome->change = CHANGE_KEPT;
	r = note_map_id(a);
	if (r < 0)
		return r;
	/* A foreign hand may have taken the old link off meanwhile; then swapping is attaching. */
	if (!type_traits(a->outcome->type)->side_by_side || kernel_state(old, NULL) != 1)
		return attach_swapping(a, old, ret);
	return replace_beside(a, old, ret);
}
