/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/map-value.h"

#include <bpf/bpf.h>

int map_info(int map_fd, struct bpf_map_info *ret)
{
	uint32_t size = sizeof(*ret);

	*ret = (struct bpf_map_info){0};
	return bpf_map_get_info_by_fd(map_fd, ret, &size) < 0 ? -errno : 0;
}

int map_value(int map_fd, const struct bpf_map_info *info, char **ret)
{
	_cleanup_(freep) char *value = calloc(1, (size_t)info->value_size + 1);
	uint32_t zero = 0;

	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &zero, value) < 0)
		return -errno;
	*ret = TAKE_PTR(value);
	return 0;
}

int map_head(int map_fd, const struct bpf_map_info *info, struct map_head *ret)
{
	_cleanup_(freep) char *value = NULL;
	int r;

	if (info->type != BPF_MAP_TYPE_STRUCT_OPS || info->value_size < sizeof(*ret))
		return -EINVAL;
	r = map_value(map_fd, info, &value);
	if (r < 0)
		return r;
	memcpy(ret, value, sizeof(*ret));
	return 0;
}
