/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service manager's fd store: what is in it, what fits, and the datagrams that change it. */
#include <systemd/sd-daemon.h>

#include "daemon/service/keeper-internal.h"

/*
 * When the daemon starts again the service manager passes all names in one environment variable, and the kernel takes
 * no string of more than 128 KiB there: the start would fail. This leaves room for the names of sockets.
 */
#define FDNAMES_MAX (120U * 1024)

void fdname_format(char buffer[FDNAME_SIZE], enum kept_kind kind, uint32_t id, const char *name)
{
	snprintf(buffer, FDNAME_SIZE, "%s.%u.%s", kept_kind_to_string(kind), id, name);
}

int fdname_parse(const char *text, enum kept_kind *ret_kind, uint32_t *ret_id,
		 const char **ret_name)
{
	char again[FDNAME_SIZE], word[8];
	enum kept_kind kind;
	uint32_t id;
	int at = 0;

	if (sscanf(text, "%7[a-z].%u.%n", word, &id, &at) != 2 || at == 0)
		return -EINVAL;
	kind = kept_kind_from_string(word);
	if ((int)kind < 0 || id == 0 || !policy_name_is_valid(text + at))
		return -EINVAL;
	/* sscanf() also takes "link.+07.x". */
	fdname_format(again, kind, id, text + at);
	if (!streq(again, text))
		return -EINVAL;
	*ret_kind = kind;
	*ret_id = id;
	*ret_name = text + at;
	return 0;
}

static size_t number_from(const char *variable)
{
	const char *text = getenv(variable);
	unsigned long number;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	number = strtoul(text, &end, 10);
	return *end == '\0' ? number : 0;
}

size_t fdstore_offered(void)
{
	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	return number_from(getenv("FDSTORE") ? "FDSTORE" : "STRUCTOPSD_FDSTORE");
}

static size_t size_of_name(const char *fdname)
{
	return strlen(fdname) + 1; /* and a colon */
}

void fdstore_count(struct keeper *k, const char *fdname)
{
	k->n_stored++;
	k->names_size += size_of_name(fdname);
}

void fdstore_remove(struct keeper *k, const char *fdname)
{
	(void)sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", fdname);
	k->n_stored--;
	k->names_size -= size_of_name(fdname);
}

/*
 * A map polls as an error from the start: unless told not to, the service manager would drop it at once. A link polls
 * as hung up when it is detached, and may well be dropped then.
 */
static int send_fd(struct keeper *k, const char *fdname, enum kept_kind kind, int fd)
{
	char text[FDNAME_SIZE + 32];
	int r;

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s%s", fdname,
		 kind == KEPT_LINK ? "" : "\nFDPOLL=0");
	r = sd_pid_notify_with_fds(0, false, text, &fd, 1);
	if (r <= 0)
		return r < 0 ? r : -ENOTCONN;
	fdstore_count(k, fdname);
	return 0;
}

static bool is_stored(const struct kept *e, enum kept_kind kind, uint32_t id)
{
	return id == 0 || (e->where == KEEPER_FDSTORE && e->ids[kind] == id);
}

static bool fits(const struct keeper *k, const struct kept *e, const uint32_t ids[_KEPT_KIND_MAX])
{
	size_t n = k->n_stored, size = k->names_size;
	char fdname[FDNAME_SIZE];

	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++) {
		if (is_stored(e, kind, ids[kind]))
			continue;
		fdname_format(fdname, kind, ids[kind], e->name);
		size += size_of_name(fdname);
		n++;
	}
	return n <= k->fdstore_max && size <= FDNAMES_MAX;
}

static int send_new(struct keeper *k, const struct kept *e, const struct kernel_handles *h,
		    const uint32_t ids[_KEPT_KIND_MAX], enum kept_kind *ret_failed)
{
	struct kernel_handles copy = *h;
	char fdname[FDNAME_SIZE];
	int r;

	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++) {
		if (is_stored(e, kind, ids[kind]))
			continue;
		fdname_format(fdname, kind, ids[kind], e->name);
		r = send_fd(k, fdname, kind, *kept_fd(&copy, kind));
		if (r < 0) {
			*ret_failed = kind;
			return r;
		}
	}
	return 0;
}

static void take_back(struct keeper *k, const struct kept *e, const uint32_t ids[_KEPT_KIND_MAX],
		      enum kept_kind failed)
{
	char fdname[FDNAME_SIZE];

	for (enum kept_kind kind = 0; kind < failed; kind++) {
		if (is_stored(e, kind, ids[kind]))
			continue;
		fdname_format(fdname, kind, ids[kind], e->name);
		fdstore_remove(k, fdname);
	}
}

void fdstore_remove_others(struct keeper *k, const struct kept *e,
			   const uint32_t ids[_KEPT_KIND_MAX])
{
	char fdname[FDNAME_SIZE];

	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++) {
		if (e->where != KEEPER_FDSTORE || e->ids[kind] == 0 ||
		    (ids && e->ids[kind] == ids[kind]))
			continue;
		fdname_format(fdname, kind, e->ids[kind], e->name);
		fdstore_remove(k, fdname);
	}
}

int fdstore_put(struct keeper *k, const struct kept *e, const struct kernel_handles *h,
		const uint32_t ids[_KEPT_KIND_MAX])
{
	enum kept_kind failed;
	int r;

	if (!fits(k, e, ids))
		return -ENOSPC;
	r = send_new(k, e, h, ids, &failed);
	if (r < 0) {
		take_back(k, e, ids, failed);
		return r;
	}
	fdstore_remove_others(k, e, ids);
	return 0;
}
