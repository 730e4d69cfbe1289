/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/kernel-btf.h"

#include <bpf/bpf.h>
#include <sys/utsname.h>

#include "common/sentence.h"

#define MODULE_NAME_MAX 64

struct live_btf {
	struct btf *vmlinux;
	struct module_btf {
		uint32_t id;
		struct btf *btf; /* NULL: this is the id of vmlinux */
		char name[MODULE_NAME_MAX];
	} * modules;
	size_t n_modules;
};

int live_btf_new(struct live_btf **ret, char **ret_error)
{
	_cleanup_(live_btf_freep) struct live_btf *b = calloc(1, sizeof(*b));
	struct utsname u;
	int r;

	if (!b)
		return -ENOMEM;
	b->vmlinux = btf__load_vmlinux_btf();
	if (!b->vmlinux) {
		r = -errno;
		uname(&u);
		return sentence_error(
			ret_error, r,
			"the BTF of this kernel (%s) cannot be read: %s. Without it nobody "
			"can tell what a map's value means; the kernel's build needs "
			"CONFIG_DEBUG_INFO_BTF=y",
			u.release, strerror(-r));
	}
	*ret = TAKE_PTR(b);
	return 0;
}

struct live_btf *live_btf_free(struct live_btf *b)
{
	if (!b)
		return NULL;
	/* Those of modules continue that of vmlinux. */
	for (size_t i = 0; i < b->n_modules; i++)
		btf__free(b->modules[i].btf);
	free(b->modules);
	btf__free(b->vmlinux);
	free(b);
	return NULL;
}

static int read_module(struct live_btf *b, uint32_t id, struct module_btf *ret)
{
	_cleanup_(closep) int fd = bpf_btf_get_fd_by_id(id);
	struct module_btf m = {.id = id};
	struct bpf_btf_info info = {
		.name = (uint64_t)(uintptr_t)m.name,
		.name_len = sizeof(m.name),
	};
	uint32_t size = sizeof(info);

	if (fd < 0 || bpf_btf_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (!streq(m.name, "vmlinux")) {
		m.btf = btf__load_from_kernel_by_id_split(id, b->vmlinux);
		if (!m.btf)
			return -errno;
	}
	*ret = m;
	return 0;
}

static struct module_btf *find(struct live_btf *b, uint32_t id)
{
	for (size_t i = 0; i < b->n_modules; i++)
		if (b->modules[i].id == id)
			return &b->modules[i];
	return NULL;
}

static int add_module(struct live_btf *b, uint32_t id)
{
	struct module_btf *grown = reallocarray(b->modules, b->n_modules + 1, sizeof(*grown));
	int r;

	if (!grown)
		return -ENOMEM;
	b->modules = grown;
	r = read_module(b, id, &grown[b->n_modules]);
	if (r == 0)
		b->n_modules++;
	return r;
}

int live_btf_get(struct live_btf *b, uint32_t id, const struct btf **ret, const char **ret_module)
{
	const struct module_btf *m = NULL;
	int r;

	if (id != 0) {
		r = find(b, id) ? 0 : add_module(b, id);
		if (r < 0)
			return r;
		m = find(b, id);
	}
	*ret = m && m->btf ? m->btf : b->vmlinux;
	*ret_module = m && m->btf ? m->name : NULL;
	return 0;
}
