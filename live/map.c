/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/map.h"

#include <bpf/bpf.h>
#include <ctype.h>

#include "common/sentence.h"
#include "live/objects.h"

#define STATE_PREFIX "BPF_STRUCT_OPS_STATE_"
#define VALUE_MAX 65536 /* bytes; the largest type there is has less than 2 KiB */

static struct span value_part(const struct live_map *m, size_t offset, size_t size)
{
	if (offset > m->size || size > m->size - offset)
		return (struct span){0};
	return (struct span){m->value + offset, size};
}

/* Until 6.8 count and state were members of the value itself; since then they are in a struct of its own. */
static const struct btf_type *common_part(const struct btf *btf, const struct btf_type *value)
{
	const struct btf_member *first = btf_members(value);

	return btf_name_is(btf, first->name_off, "common") ? btf_type_resolve(btf, first->type)
							   : value;
}

static char *state_word(const char *state)
{
	size_t prefix = strlen(STATE_PREFIX);
	char *word = strdup(strncmp(state, STATE_PREFIX, prefix) == 0 ? state + prefix : state);

	for (char *c = word; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return word;
}

static int decode_common(struct live_map *m)
{
	const struct btf_type *common = m->common;

	for (uint32_t i = 0; i < btf_vlen(common); i++) {
		const struct btf_member *member = &btf_members(common)[i];
		size_t offset = btf_member_bit_offset(common, i) / 8;
		size_t size = btf_type_size(m->btf, member->type);
		struct span s = value_part(m, offset, size);

		if (s.bytes && size == sizeof(m->references) &&
		    btf_name_is(m->btf, member->name_off, "refcnt"))
			memcpy(&m->references, s.bytes, size);
		if (btf_name_is(m->btf, member->name_off, "state")) {
			_cleanup_(freep) char *text = btf_value_text(m->btf, member->type, s);

			free(m->state);
			m->state = text ? state_word(text) : NULL;
			if (!m->state)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Where programs stand the kernel shows their ids. */
static void decode_operator(struct live_map *m, struct live_member *member)
{
	struct span s = value_part(m, member->offset, member->size);
	uint64_t slot = 0;

	if (s.bytes && s.size == sizeof(slot))
		memcpy(&slot, s.bytes, sizeof(slot));
	member->program_id = (uint32_t)slot;
}

static char *member_value(const struct live_map *m, const struct live_member *member)
{
	struct span s = value_part(m, member->offset, member->size);

	if (member->kind == TYPE_OPERATOR)
		return strdup("");
	if (member->bits == 0)
		return btf_value_text(m->btf, member->type_id, s);
	return btf_bits_text(m->btf, member->type_id, value_part(m, 0, m->size), member->bit_offset,
			     member->bits);
}

static int decode_member(struct live_map *m, const struct btf_type *data, uint32_t i)
{
	const struct btf_member *member = &btf_members(data)[i];
	size_t bit_offset = m->data_offset * 8 + btf_member_bit_offset(data, i);
	struct live_member *ret = &m->members[m->n_members++];

	*ret = (struct live_member){
		.name = btf_name_copy(m->btf, member->name_off),
		.type = btf_type_name(m->btf, member->type),
		.kind = btf_type_kind(m->btf, member->type),
		.type_id = member->type,
		.offset = bit_offset / 8,
		.size = btf_type_size(m->btf, member->type),
		.bit_offset = bit_offset,
		.bits = btf_member_bitfield_size(data, i),
	};
	if (ret->kind == TYPE_OPERATOR)
		decode_operator(m, ret);
	ret->value = member_value(m, ret);
	return ret->name && ret->type && ret->value ? 0 : -ENOMEM;
}

int live_map_decode(struct live_map *m, const struct btf *btf, uint32_t value_type_id)
{
	const struct btf_type *value = btf_type_resolve(btf, value_type_id), *data;
	uint32_t last;
	int r;

	if (!value || !btf_is_struct(value) || btf_vlen(value) < 2)
		return -EBADMSG;
	last = btf_vlen(value) - 1U;
	m->btf = btf;
	m->data_type_id = btf_members(value)[last].type;
	m->data_offset = btf_member_bit_offset(value, last) / 8;
	data = btf_type_resolve(btf, m->data_type_id);
	m->common = common_part(btf, value);
	if (!data || !btf_is_struct(data) || !m->common || !btf_is_struct(m->common))
		return -EBADMSG;
	m->type = btf_name_copy(btf, data->name_off);
	m->members = calloc(btf_vlen(data) + 1, sizeof(*m->members));
	if (!m->type || !m->members)
		return -ENOMEM;
	r = decode_common(m);
	for (uint32_t i = 0; r == 0 && i < btf_vlen(data); i++)
		r = decode_member(m, data, i);
	return r < 0 ? r : m->state ? 0 : -EBADMSG;
}

static int cannot_read(char **ret_error, int error, uint32_t id)
{
	switch (error) {
	case -EPERM:
		return sentence_error(
			ret_error, error,
			"map %u cannot be read: the kernel gives maps by their ids only to "
			"those with CAP_SYS_ADMIN. Run it as root",
			id);
	case -ENOENT:
		return sentence_error(
			ret_error, error,
			"there is no map %u (any more); \"bpftool map\" lists what there is", id);
	default:
		return sentence_error(ret_error, error, "map %u cannot be read: %s", id,
				      strerror(-error));
	}
}

static int open_map(uint32_t id, int *ret_fd, struct bpf_map_info *ret_info, char **ret_error)
{
	/* Its content is the kernel's; nobody writes to it through this. */
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, options, .open_flags = BPF_F_RDONLY);
	_cleanup_(closep) int fd = bpf_map_get_fd_by_id_opts(id, &options);
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	if (fd < 0 || bpf_map_get_info_by_fd(fd, &info, &size) < 0)
		return cannot_read(ret_error, -errno, id);
	if (info.type != BPF_MAP_TYPE_STRUCT_OPS)
		return sentence_error(ret_error, -EMEDIUMTYPE,
				      "map %u (\"%.*s\") is no struct_ops map", id,
				      (int)sizeof(info.name), info.name);
	*ret_fd = TAKE_FD(fd);
	*ret_info = info;
	return 0;
}

static void name_programs(struct live_map *m)
{
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].program_id != 0)
			m->members[i].program = live_program_name(m->members[i].program_id);
}

static int fill(struct live_map *m, struct live_btf *b, int fd, const struct bpf_map_info *info)
{
	const struct btf *btf;
	const char *module;
	uint32_t zero = 0;
	int r;

	if (info->value_size > VALUE_MAX)
		return -EBADMSG;
	m->id = info->id;
	m->name = name_copy(info->name);
	m->size = info->value_size;
	m->value = calloc(1, m->size + 1);
	if (!m->name || !m->value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &zero, m->value) < 0)
		return -errno;
	r = live_btf_get(b, info->btf_vmlinux_id, &btf, &module);
	if (r < 0)
		return r;
	if (module && !(m->module = name_copy(module)))
		return -ENOMEM;
	r = live_map_decode(m, btf, info->btf_vmlinux_value_type_id);
	if (r == 0)
		name_programs(m);
	return r;
}

int live_map_read(struct live_btf *b, uint32_t id, struct live_map **ret, char **ret_error)
{
	_cleanup_(live_map_freep) struct live_map *m = calloc(1, sizeof(*m));
	_cleanup_(closep) int fd = -EBADF;
	struct bpf_map_info info;
	int r;

	if (!m)
		return -ENOMEM;
	r = open_map(id, &fd, &info, ret_error);
	if (r < 0)
		return r;
	r = fill(m, b, fd, &info);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return cannot_read(ret_error, r, id);
	*ret = TAKE_PTR(m);
	return 0;
}

struct live_map *live_map_free(struct live_map *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n_members; i++) {
		free(m->members[i].name);
		free(m->members[i].type);
		free(m->members[i].value);
		free(m->members[i].program);
	}
	free(m->members);
	free(m->value);
	free(m->state);
	free(m->module);
	free(m->type);
	free(m->name);
	free(m);
	return NULL;
}

int live_map_refresh(struct live_map *m)
{
	_cleanup_(freep) char *error = NULL;
	_cleanup_(closep) int fd = -EBADF;
	struct bpf_map_info info;
	uint32_t zero = 0;
	int r;

	r = open_map(m->id, &fd, &info, &error);
	if (r < 0)
		return r;
	if (bpf_map_lookup_elem(fd, &zero, m->value) < 0)
		return -errno;
	return decode_common(m);
}

bool live_map_is_empty(const struct live_map *m)
{
	return streq(m->state, "init");
}

bool live_map_is_in_use(const struct live_map *m)
{
	return streq(m->state, "inuse");
}

const struct live_member *live_map_member(const struct live_map *m, const char *name)
{
	for (size_t i = 0; i < m->n_members; i++)
		if (streq(m->members[i].name, name))
			return &m->members[i];
	return NULL;
}
