/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/holder.h"

#include <bpf/bpf.h>

#include "common/sentence.h"
#include "daemon/kernel/holders.h"
#include "daemon/kernel/kernel.h"
#include "daemon/kernel/link.h"
#include "daemon/kernel/map-value.h"

#define HOLDERS_NAMED_MAX 3

/* The id of the live link of a map; 0: none. */
static uint32_t link_of_map(uint32_t map_id)
{
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		_cleanup_(closep) int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info;

		if (fd >= 0 && link_info(fd, &info) == 0 && info.type == BPF_LINK_TYPE_STRUCT_OPS &&
		    info.struct_ops.map_id == map_id)
			return id;
	}
	return 0;
}

static bool same_type(const struct bpf_map_info *a, const struct bpf_map_info *b)
{
	return a->type == b->type && a->btf_vmlinux_value_type_id == b->btf_vmlinux_value_type_id &&
	       a->btf_vmlinux_id == b->btf_vmlinux_id && a->value_size == b->value_size;
}

static bool has_name(const struct holder_key *key, const struct bpf_map_info *info,
		     const char *value)
{
	if (!key->text)
		return true;
	return key->offset + key->size <= info->value_size &&
	       strncmp(value + key->offset, key->text, key->size) == 0;
}

/* 1: this map is attached and has the name. */
static int holder_check(const struct bpf_map_info *mine, const struct holder_key *key,
			uint32_t map_id, struct holder *ret)
{
	_cleanup_(closep) int fd = bpf_map_get_fd_by_id(map_id);
	const struct kernel_handles unlinked = {.map_fd = fd, .link_fd = -EBADF};
	_cleanup_(freep) char *value = NULL;
	struct bpf_map_info info;
	int r;

	/* It may be gone by now: then it holds nothing. */
	if (fd < 0 || map_info(fd, &info) < 0 || !same_type(mine, &info) || info.id == mine->id)
		return 0;
	r = map_value(fd, &info, &value);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!has_name(key, &info, value))
		return 0;
	*ret = (struct holder){.map_id = map_id, .link_id = link_of_map(map_id)};
	memcpy(ret->map_name, info.name, sizeof(ret->map_name));
	return ret->link_id != 0 || kernel_state(&unlinked, NULL) == 1;
}

int holder_find(int map_fd, const struct holder_key *key, struct holder *ret)
{
	struct bpf_map_info info;
	struct holder found;
	uint32_t id = 0;
	int r;

	r = map_info(map_fd, &info);
	if (r < 0)
		return r;
	while (bpf_map_get_next_id(id, &id) == 0) {
		r = holder_check(&info, key, id, &found);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		*ret = found;
		return 1;
	}
	return errno == ENOENT ? 0 : -errno;
}

/* "bpftool[4711], pin /sys/fs/bpf/x"; NULL: out of memory. */
static char *link_holders(const struct holder *h)
{
	struct outcome_foreign wanted = {.map_id = h->map_id, .link_id = h->link_id};
	char *text = NULL;

	/* This process is a worker and holds what it was lent. */
	if (holders_find(&wanted, 1, HOLDERS_NAMED_MAX, 0) == 0)
		text = wanted.holders.n > 0 ? messages_join(&wanted.holders, ", ")
					    : strdup("a process or a pin in bpffs that cannot be "
						     "seen from here");
	messages_done(&wanted.holders);
	return text;
}

char *holder_text(const struct holder *h)
{
	_cleanup_(freep) char *holders = NULL;

	if (h->link_id == 0)
		return sentence("struct_ops map %u (\"%s\"), which is registered without a link: "
				"bpftool struct_ops unregister id %u",
				h->map_id, h->map_name, h->map_id);
	holders = link_holders(h);
	if (!holders)
		return NULL;
	return sentence("struct_ops link %u (map \"%s\"), held by %s", h->link_id, h->map_name,
			holders);
}
