/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keeper's inside, for keeper.c, keeper-fdstore.c and keeper-collect.c only. */
#pragma once

#include "daemon/service/keeper.h"

enum kept_kind {
	KEPT_LINK,
	KEPT_MAP,
	KEPT_RECORD,
	KEPT_DUMP,
	_KEPT_KIND_MAX,
	_KEPT_KIND_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(kept_kind, enum kept_kind);

/* The descriptor of a kind. */
int *kept_fd(struct kernel_handles *h, enum kept_kind kind);

/* Something that is kept under a name. */
struct kept {
	char *name;
	enum keeper_where where;
	uint32_t ids[_KEPT_KIND_MAX]; /* of the kernel; 0: none of this kind */
};

/* A descriptor that the service manager passed. */
struct received {
	char *fdname;
	int fd;
	enum kept_kind kind;
	uint32_t id;
	const char *name; /* within fdname */
};

struct keeper {
	enum keep_links mode;
	char *folder;       /* of the pins */
	size_t fdstore_max; /* descriptors; 0: there is no fd store */
	size_t n_stored;    /* descriptors in it, as far as we know */
	size_t names_size;  /* bytes that their names take in $LISTEN_FDNAMES */
	bool complained;    /* something cannot be kept, and that was said */

	struct kept *kept; /* ordered by name */
	size_t n_kept;

	struct received *received;
	size_t n_received;
};

/* The entry of a name, made where there is none. NULL: out of memory. */
struct kept *keeper_entry(struct keeper *k, const char *name);

/* The kernel's ids of what there is of each kind; 0: nothing. */
void keeper_list_ids(const struct kernel_handles *h, uint32_t ret[_KEPT_KIND_MAX]);

/*
 * "KIND.ID.NAME": with the longest policy name well below the 255 bytes that the service manager takes. parse: 0 with
 * *ret_name within text; -EINVAL: format never writes this.
 */
#define FDNAME_SIZE 96
void fdname_format(char buffer[FDNAME_SIZE], enum kept_kind kind, uint32_t id, const char *name);
int fdname_parse(const char *text, enum kept_kind *ret_kind, uint32_t *ret_id,
		 const char **ret_name);

/* How many descriptors the service manager keeps for us; 0: none. From the environment. */
size_t fdstore_offered(void);
/* A descriptor of that name came out of the fd store, where it still is. */
void fdstore_count(struct keeper *k, const char *fdname);
void fdstore_remove(struct keeper *k, const char *fdname);
/* Out with all that is stored of an entry, but these ids (NULL: none). */
void fdstore_remove_others(struct keeper *k, const struct kept *e,
			   const uint32_t ids[_KEPT_KIND_MAX]);
/*
 * Stores what is not stored yet of these, then removes what is not among them. 0; -ENOSPC: they do not fit; other -errno.
 * On failure the store is as it was.
 */
int fdstore_put(struct keeper *k, const struct kept *e, const struct kernel_handles *h,
		const uint32_t ids[_KEPT_KIND_MAX]);
