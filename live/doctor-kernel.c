/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this kernel can: told by its BTF rather than by its version, which distributions do not keep to. */
#include "common/sentence.h"
#include "inspect/kernel-types.h"
#include "live/doctor.h"
#include "live/root.h"
#include "live/scx.h"

#define BTF_FOLDER "/sys/kernel/btf"

static bool has_member(const struct btf *btf, const char *of, const char *member)
{
	int id = btf__find_by_name_kind(btf, of, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (uint32_t i = 0; t && i < btf_vlen(t); i++)
		if (btf_name_is(btf, btf_members(t)[i].name_off, member))
			return true;
	return false;
}

static void add_types(struct findings *f, const struct kernel_type *types, size_t n)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *s = open_memstream(&text, &size);

	for (size_t i = 0; s && i < n; i++) {
		fprintf(s, "%s%s", i > 0 ? ", " : "", types[i].name);
		if (types[i].module)
			fprintf(s, " (module %s)", types[i].module);
	}
	if (!s || fclose(s) != 0) {
		f->failed = true;
		return;
	}
	findings_add(f, SEVERITY_OK, "types", "struct_ops types: %s", text);
}

static void check_types(struct findings *f, const struct kernel_type *types, size_t n)
{
	if (n > 0) {
		add_types(f, types, n);
		return;
	}
	findings_add(f, SEVERITY_ERROR, "types", "this kernel has no struct_ops types at all");
	findings_remedy(f, "a kernel built with CONFIG_BPF_SYSCALL=y, CONFIG_BPF_JIT=y and "
			   "CONFIG_DEBUG_INFO_BTF=y, 5.6 or newer");
}

static void check_link_features(struct findings *f, const struct btf *btf)
{
	if (!has_member(btf, "bpf_struct_ops_link", "map")) {
		findings_add(
			f, SEVERITY_WARNING, "links",
			"this kernel has no links for struct_ops: what is attached has no owner, "
			"outlives the daemon, and only objects with a section .struct_ops can be "
			"used");
		findings_remedy(f, "Linux 6.4 or newer");
		return;
	}
	findings_add(f, SEVERITY_OK, "links", "attachments have links");
	if (has_member(btf, "bpf_struct_ops_link", "wait_hup")) {
		findings_add(f, SEVERITY_OK, "polling", "a link tells at once when it is detached");
	} else {
		findings_add(f, SEVERITY_NOTE, "polling",
			     "links do not tell when they are detached: the daemon looks every few "
			     "seconds, and a detachment is noticed that much later");
		findings_remedy(f, "Linux 6.11 or newer");
	}
	if (has_member(btf, "bpf_struct_ops", "update")) {
		findings_add(
			f, SEVERITY_OK, "live-update",
			"a changed policy of type tcp_congestion_ops is updated in place; others "
			"are swapped");
	} else {
		findings_add(f, SEVERITY_NOTE, "live-update",
			     "nothing can be updated in place: a changed policy is swapped");
		findings_remedy(f, "Linux 6.4 or newer");
	}
}

static bool has_type(const struct kernel_type *types, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(types[i].name, name))
			return true;
	return false;
}

/* The kernel refuses every scheduler then. */
static void check_isolated_cpus(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(freep) char *cpus = NULL;

	if (root_read(host->root, "/sys/devices/system/cpu/isolated", &cpus) < 0 || !*cpus)
		return;
	findings_add(f, SEVERITY_WARNING, "isolated-cpus",
		     "CPUs %s are isolated (isolcpus=): the kernel attaches no sched_ext scheduler",
		     cpus);
	findings_remedy(
		f, "boot without isolcpus=, or with isolcpus=nohz,… instead of domain isolation");
}

static void check_sched_ext(const struct doctor_host *host, struct findings *f, bool has_sched_ext)
{
	_cleanup_(scx_status_done) struct scx_status s = {0};

	if (scx_status_read(host->root, &s) < 0) {
		f->failed = true;
		return;
	}
	if (!has_sched_ext || !s.state) {
		findings_add(f, SEVERITY_NOTE, "sched-ext", "this kernel has no sched_ext");
		findings_remedy(
			f, "for schedulers: Linux 6.12 or newer with CONFIG_SCHED_CLASS_EXT=y");
		return;
	}
	if (s.scheduler)
		findings_add(f, SEVERITY_OK, "sched-ext", "sched_ext is %s: \"%s\" runs", s.state,
			     s.scheduler);
	else
		findings_add(f, SEVERITY_OK, "sched-ext", "sched_ext is there, %s", s.state);
	check_isolated_cpus(host, f);
}

static void check_hid(const struct doctor_host *host, struct findings *f, bool has_hid)
{
	_cleanup_(root_names_freep) char **devices = NULL;
	size_t n = 0;

	if (!has_hid) {
		findings_add(f, SEVERITY_NOTE, "hid-bpf", "this kernel has no HID-BPF");
		findings_remedy(
			f, "for fixes of input devices: Linux 6.11 or newer with CONFIG_HID_BPF=y");
		return;
	}
	root_list(host->root, "/sys/bus/hid/devices", "", &devices, &n);
	findings_add(f, SEVERITY_OK, "hid-bpf", "HID-BPF is there, and %zu HID device%s", n,
		     n == 1 ? "" : "s");
}

static void check_types_of(const struct doctor_host *host, struct findings *f,
			   struct kernel_types *kernel)
{
	const struct kernel_type *types;
	size_t n;

	if (kernel_types_all(kernel, &types, &n) < 0) {
		f->failed = true;
		return;
	}
	check_types(f, types, n);
	check_link_features(f, kernel_types_btf(kernel));
	check_sched_ext(host, f, has_type(types, n, "sched_ext_ops"));
	check_hid(host, f, has_type(types, n, "hid_bpf_ops"));
}

/* A kernel without BTF, or with one that cannot be read: nothing else can be told of it. */
static void no_btf(const struct doctor_host *host, struct findings *f, const char *why)
{
	bool is_there = root_has(host->root, BTF_FOLDER "/vmlinux");

	if (is_there)
		findings_add(f, SEVERITY_ERROR, "btf", "the kernel's BTF cannot be read: %s", why);
	else
		findings_add(f, SEVERITY_ERROR, "btf",
			     "this kernel does not describe itself: there is no " BTF_FOLDER
			     "/vmlinux, and without BTF no object can be loaded");
	findings_remedy(f, is_there ? "look at the permissions of " BTF_FOLDER "/vmlinux"
				    : "a kernel built with CONFIG_DEBUG_INFO_BTF=y");
}

void doctor_check_kernel(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(kernel_types_freep) struct kernel_types *kernel = NULL;
	_cleanup_(freep) char *release = NULL, *error = NULL, *folder = NULL;

	if (root_read(host->root, "/proc/sys/kernel/osrelease", &release) < 0) {
		findings_add(f, SEVERITY_ERROR, "kernel",
			     "/proc is not mounted, or cannot be read");
		findings_remedy(f, "mount -t proc proc /proc");
	} else {
		findings_add(f, SEVERITY_OK, "kernel", "Linux %s", release);
	}
	folder = sentence("%s" BTF_FOLDER, host->root);
	if (!folder) {
		f->failed = true;
		return;
	}
	if (kernel_types_of_folder(folder, release ?: "?", &kernel, &error) < 0) {
		no_btf(host, f, error ?: "out of memory");
		return;
	}
	findings_add(f, SEVERITY_OK, "btf", "the kernel describes itself (BTF)");
	check_types_of(host, f, kernel);
}
