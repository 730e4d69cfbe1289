/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/kernel-btf.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/btf.h>

#include "daemon/kernel/map-value.h"

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"
#define WINDOW_SIZE (64U * 1024)
#define NAME_SIZE_MAX 128

/*
 * Raw BTF, read through a window. A module's continues the numbering of its base: type ids where the base ends,
 * string offsets too.
 */
struct raw_btf {
	struct raw_btf *base; /* borrowed; NULL: vmlinux itself */
	int fd;               /* -EBADF: all of it is in the window */
	char *window;
	size_t window_start, window_size;
	struct btf_header header;
	uint32_t first_id;
};

static void raw_btf_done(struct raw_btf *b)
{
	b->fd = safe_close(b->fd);
	free(b->window);
	b->window = NULL;
}

/* size bytes at offset (of the whole), or as many as there are; NULL: none. Valid until the next call. */
static const char *raw_btf_at(struct raw_btf *b, size_t offset, size_t size)
{
	if (offset >= b->window_start && offset + size <= b->window_start + b->window_size)
		return b->window + (offset - b->window_start);
	if (b->fd >= 0) {
		ssize_t n = pread(b->fd, b->window, WINDOW_SIZE, (off_t)offset);

		b->window_start = offset;
		b->window_size = n > 0 ? (size_t)n : 0;
		if (size <= b->window_size)
			return b->window;
	}
	return NULL;
}

static int raw_btf_read_header(struct raw_btf *b)
{
	const char *bytes = raw_btf_at(b, 0, sizeof(b->header));

	if (!bytes)
		return -EBADMSG;
	memcpy(&b->header, bytes, sizeof(b->header));
	return b->header.magic == BTF_MAGIC ? 0 : -EBADMSG;
}

static int raw_btf_open_vmlinux(struct raw_btf *b)
{
	*b = (struct raw_btf){.fd = open(VMLINUX_BTF, O_RDONLY | O_CLOEXEC), .first_id = 1};
	if (b->fd < 0)
		return -errno;
	b->window = malloc(WINDOW_SIZE);
	if (!b->window)
		return -ENOMEM;
	return raw_btf_read_header(b);
}

/* How many bytes a record has behind its struct btf_type. -EBADMSG: a kind newer than this program. */
static int record_extra(const struct btf_type *t)
{
	uint32_t n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int)(n * sizeof(struct btf_member));
	case BTF_KIND_DATASEC:
		return (int)(n * sizeof(struct btf_var_secinfo));
	case BTF_KIND_ENUM:
		return (int)(n * sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return (int)(n * sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return (int)(n * sizeof(struct btf_param));
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -EBADMSG;
	}
}

/*
 * Walks to the record of a type: 0 with it and the offset of what follows. With id UINT32_MAX it walks to the end:
 * -ENOENT and *ret_next_id.
 */
static int raw_btf_walk(struct raw_btf *b, uint32_t wanted, struct btf_type *ret,
			size_t *ret_offset, uint32_t *ret_next_id)
{
	size_t offset = (size_t)b->header.hdr_len + b->header.type_off;
	size_t end = offset + b->header.type_len;
	uint32_t id = b->first_id;
	struct btf_type t;

	for (; offset < end; id++) {
		const char *bytes = raw_btf_at(b, offset, sizeof(t));
		int extra;

		if (!bytes)
			return -EBADMSG;
		memcpy(&t, bytes, sizeof(t));
		offset += sizeof(t);
		if (id == wanted) {
			*ret = t;
			*ret_offset = offset;
			return 0;
		}
		extra = record_extra(&t);
		if (extra < 0)
			return extra;
		offset += (size_t)extra;
	}
	*ret_next_id = id;
	return -ENOENT;
}

static int raw_btf_name(struct raw_btf *b, uint32_t offset, char **ret)
{
	const char *bytes;
	size_t available;

	if (b->base && offset < b->base->header.str_len)
		return raw_btf_name(b->base, offset, ret);
	if (b->base)
		offset -= b->base->header.str_len;
	if (offset >= b->header.str_len)
		return -EBADMSG;
	available = MIN(b->header.str_len - offset, (uint32_t)NAME_SIZE_MAX);
	bytes = raw_btf_at(b, (size_t)b->header.hdr_len + b->header.str_off + offset, available);
	if (!bytes)
		return -EBADMSG;
	*ret = strndup(bytes, available);
	return *ret ? 0 : -ENOMEM;
}

/* A struct's record and a copy of its members (the window moves on while their names are read). */
static int raw_btf_struct(struct raw_btf *b, uint32_t id, struct btf_type *ret,
			  struct btf_member **ret_members)
{
	_cleanup_(freep) struct btf_member *members = NULL;
	uint32_t next_id;
	const char *bytes;
	size_t offset, size;
	struct btf_type t;
	int r;

	if (b->base && id < b->first_id)
		return raw_btf_struct(b->base, id, ret, ret_members);
	r = raw_btf_walk(b, id, &t, &offset, &next_id);
	if (r < 0)
		return r;
	if (BTF_INFO_KIND(t.info) != BTF_KIND_STRUCT)
		return -EBADMSG;
	size = BTF_INFO_VLEN(t.info) * sizeof(*members);
	bytes = raw_btf_at(b, offset, size);
	members = malloc(size + 1);
	if (!members)
		return -ENOMEM;
	if (!bytes)
		return -EBADMSG;
	memcpy(members, bytes, size);
	*ret = t;
	*ret_members = TAKE_PTR(members);
	return 0;
}

/* With kind_flag the upper 8 bits are the width of a bitfield. */
static size_t member_offset(const struct btf_type *t, const struct btf_member *m)
{
	return (BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset) / 8;
}

/* struct bpf_struct_ops_T { common; struct T data; }: the layout of T, as offsets in the whole. */
static int kernel_layout_fill(struct kernel_layout *l, struct raw_btf *b, uint32_t value_type_id)
{
	_cleanup_(freep) struct btf_member *outer = NULL, *inner = NULL;
	struct btf_type value, data;
	size_t start;
	int r;

	r = raw_btf_struct(b, value_type_id, &value, &outer);
	if (r < 0)
		return r;
	if (BTF_INFO_VLEN(value.info) != 2)
		return -EBADMSG;
	start = member_offset(&value, &outer[1]);
	r = raw_btf_struct(b, outer[1].type, &data, &inner);
	if (r < 0)
		return r;
	l->members = calloc(BTF_INFO_VLEN(data.info) + 1, sizeof(*l->members));
	if (!l->members)
		return -ENOMEM;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(data.info); i++) {
		r = raw_btf_name(b, inner[i].name_off, &l->members[i].name);
		if (r < 0)
			return r;
		l->members[i].offset = start + member_offset(&data, &inner[i]);
		l->n_members++;
	}
	return 0;
}

static int fill_layout(struct raw_btf *b, uint32_t value_type_id, void *userdata)
{
	return kernel_layout_fill(userdata, b, value_type_id);
}

/* Of the same two structs only the inner one's name. */
static int read_type_name(struct raw_btf *b, uint32_t value_type_id, void *userdata)
{
	_cleanup_(freep) struct btf_member *outer = NULL, *inner = NULL;
	struct btf_type value, data;
	int r;

	r = raw_btf_struct(b, value_type_id, &value, &outer);
	if (r < 0)
		return r;
	if (BTF_INFO_VLEN(value.info) != 2)
		return -EBADMSG;
	r = raw_btf_struct(b, outer[1].type, &data, &inner);
	return r < 0 ? r : raw_btf_name(b, data.name_off, userdata);
}

/* A BTF object of the kernel as bytes; *ret_is_vmlinux instead where it is vmlinux. */
static int read_btf_object(uint32_t btf_id, struct raw_btf *ret, bool *ret_is_vmlinux)
{
	_cleanup_(closep) int fd = bpf_btf_get_fd_by_id(btf_id);
	_cleanup_(freep) char *bytes = NULL;
	struct bpf_btf_info info = {0};
	uint32_t length = sizeof(info);
	char name[64] = "";

	if (fd < 0)
		return -errno;
	info.name = (uintptr_t)name;
	info.name_len = sizeof(name);
	if (bpf_btf_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	*ret_is_vmlinux = streq(name, "vmlinux");
	if (*ret_is_vmlinux)
		return 0;
	bytes = malloc(info.btf_size);
	if (!bytes)
		return -ENOMEM;
	ret->window_size = info.btf_size;
	info = (struct bpf_btf_info){.btf = (uintptr_t)bytes, .btf_size = info.btf_size};
	length = sizeof(info);
	if (bpf_btf_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	ret->window = TAKE_PTR(bytes);
	return raw_btf_read_header(ret);
}

/* What is looked for in a value type and the BTF that has it. 0, -errno. */
typedef int (*value_visitor_t)(struct raw_btf *b, uint32_t value_type_id, void *userdata);

static int visit_in_module(struct raw_btf *vmlinux, const struct bpf_map_info *info,
			   value_visitor_t visit, void *userdata)
{
	_cleanup_(raw_btf_done) struct raw_btf module = {.base = vmlinux, .fd = -EBADF};
	struct btf_type t;
	bool is_vmlinux;
	size_t offset;
	int r;

	r = read_btf_object(info->btf_vmlinux_id, &module, &is_vmlinux);
	if (r < 0)
		return r;
	if (is_vmlinux)
		return visit(vmlinux, info->btf_vmlinux_value_type_id, userdata);
	r = raw_btf_walk(vmlinux, UINT32_MAX, &t, &offset, &module.first_id);
	if (r != -ENOENT)
		return r < 0 ? r : -EBADMSG;
	return visit(&module, info->btf_vmlinux_value_type_id, userdata);
}

static int visit_value_type(const struct bpf_map_info *info, value_visitor_t visit, void *userdata)
{
	_cleanup_(raw_btf_done) struct raw_btf vmlinux = {.fd = -EBADF};
	int r;

	if (info->type != BPF_MAP_TYPE_STRUCT_OPS || info->btf_vmlinux_value_type_id == 0)
		return -EINVAL;
	r = raw_btf_open_vmlinux(&vmlinux);
	if (r < 0)
		return r;
	/* Kernels before 6.9 do not tell the BTF object and have no struct_ops in modules. */
	if (info->btf_vmlinux_id == 0)
		return visit(&vmlinux, info->btf_vmlinux_value_type_id, userdata);
	return visit_in_module(&vmlinux, info, visit, userdata);
}

int kernel_layout_new(int map_fd, struct kernel_layout **ret)
{
	_cleanup_(kernel_layout_freep) struct kernel_layout *l = calloc(1, sizeof(*l));
	struct bpf_map_info info;
	int r;

	if (!l)
		return -ENOMEM;
	r = map_info(map_fd, &info);
	if (r < 0)
		return r;
	l->value_size = info.value_size;
	r = visit_value_type(&info, fill_layout, l);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

int kernel_type_of_map(int map_fd, char **ret)
{
	struct bpf_map_info info;
	int r;

	r = map_info(map_fd, &info);
	return r < 0 ? r : visit_value_type(&info, read_type_name, ret);
}

struct kernel_layout *kernel_layout_free(struct kernel_layout *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; l->members && i < l->n_members; i++)
		free(l->members[i].name);
	free(l->members);
	free(l);
	return NULL;
}

int kernel_layout_find(const struct kernel_layout *l, const char *member, size_t *ret_offset)
{
	for (size_t i = 0; i < l->n_members; i++) {
		if (!streq(l->members[i].name, member))
			continue;
		*ret_offset = l->members[i].offset;
		return 0;
	}
	return -ENOENT;
}
