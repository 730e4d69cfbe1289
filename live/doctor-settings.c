/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the administrator, the distribution or the boot loader has chosen: sysctls, mounts, lockdown, this user. */
#include <bpf/libbpf.h>
#include <linux/capability.h>

#include "live/doctor.h"
#include "live/root.h"

#define BPFFS "/sys/fs/bpf"
#define SECURITYFS "/sys/kernel/security"
#define LOCKDOWN SECURITYFS "/lockdown"
#define JIT_ENABLE "/proc/sys/net/core/bpf_jit_enable"
#define JIT_HARDEN "/proc/sys/net/core/bpf_jit_harden"

static bool is_bpffs_line(const char *line)
{
	char device[64], place[256], type[64];

	return sscanf(line, "%63s %255s %63s", device, place, type) == 3 && streq(place, BPFFS) &&
	       streq(type, "bpf");
}

static void check_bpffs(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(freep) char *mounts = NULL;
	bool found = false;
	char *rest, *line;

	if (root_read(host->root, "/proc/self/mounts", &mounts) < 0)
		return;
	for (rest = mounts; !found && (line = strsep(&rest, "\n"));)
		found = is_bpffs_line(line);
	if (found) {
		findings_add(f, SEVERITY_OK, "bpffs", "bpffs is mounted on " BPFFS);
		return;
	}
	findings_add(f, SEVERITY_WARNING, "bpffs",
		     "no bpffs is mounted on " BPFFS
		     ": links cannot be pinned, and without the service "
		     "manager's fd store they end with the daemon");
	findings_remedy(f, "mount -t bpf bpf " BPFFS);
}

static void check_jit(const struct doctor_host *host, struct findings *f)
{
	long long value;
	int r = root_read_number(host->root, JIT_ENABLE, &value);

	if (r == -ENOENT) {
		findings_add(f, SEVERITY_ERROR, "jit",
			     "this kernel does not compile BPF programs (there is no " JIT_ENABLE
			     "), and struct_ops needs that");
		findings_remedy(f, "a kernel built with CONFIG_BPF_JIT=y");
	} else if (r < 0) {
		findings_add(f, SEVERITY_NOTE, "jit", JIT_ENABLE " cannot be read: %s",
			     strerror(-r));
	} else if (value == 0) {
		findings_add(f, SEVERITY_ERROR, "jit",
			     "BPF programs are interpreted: those that call kernel functions are "
			     "refused, as nearly all of struct_ops do");
		findings_remedy(f, "sysctl net.core.bpf_jit_enable=1");
	} else if (value == 2) {
		findings_add(f, SEVERITY_WARNING, "jit",
			     "BPF programs are compiled, and each is printed to the kernel's log");
		findings_remedy(f, "sysctl net.core.bpf_jit_enable=1");
	} else {
		findings_add(f, SEVERITY_OK, "jit", "BPF programs are compiled");
	}
}

/* 1 means those of unprivileged users only. Others than root may not read it. */
static void check_jit_harden(const struct doctor_host *host, struct findings *f)
{
	long long value;

	if (root_read_number(host->root, JIT_HARDEN, &value) < 0 || value != 2)
		return;
	findings_add(f, SEVERITY_NOTE, "jit-harden",
		     "constants in BPF programs are blinded for root, too: each call takes longer");
	findings_remedy(f, "sysctl net.core.bpf_jit_harden=1, if that is acceptable");
}

static void check_unprivileged(const struct doctor_host *host, struct findings *f)
{
	long long value;

	if (root_read_number(host->root, "/proc/sys/kernel/unprivileged_bpf_disabled", &value) < 0)
		return;
	if (value != 0) {
		findings_add(f, SEVERITY_OK, "unprivileged-bpf",
			     "users without privileges cannot load BPF programs");
		return;
	}
	findings_add(
		f, SEVERITY_NOTE, "unprivileged-bpf",
		"users without privileges can load BPF programs; structopsd does not need that");
	findings_remedy(f, "sysctl kernel.unprivileged_bpf_disabled=2");
}

/* Where securityfs is mounted there are files; where it is not, nothing can be told. */
static void no_lockdown_file(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(root_names_freep) char **names = NULL;
	size_t n = 0;

	if (root_list(host->root, SECURITYFS, "", &names, &n) == 0 && n > 0) {
		findings_add(f, SEVERITY_OK, "lockdown", "this kernel cannot be locked down");
		return;
	}
	findings_add(f, SEVERITY_NOTE, "lockdown",
		     "whether the kernel is locked down is not known: there is no " LOCKDOWN);
	findings_remedy(f, "mount -t securityfs securityfs " SECURITYFS);
}

/* "none [integrity] confidentiality" */
static void check_lockdown(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(freep) char *text = NULL;

	if (root_read(host->root, LOCKDOWN, &text) < 0) {
		no_lockdown_file(host, f);
	} else if (strstr(text, "[confidentiality]")) {
		findings_add(
			f, SEVERITY_WARNING, "lockdown",
			"the kernel is locked down (confidentiality): programs that read kernel "
			"memory by a helper are refused");
		findings_remedy(f, "lockdown=integrity, or objects that read by BTF alone");
	} else if (strstr(text, "[integrity]")) {
		findings_add(
			f, SEVERITY_OK, "lockdown",
			"the kernel is locked down (integrity), which does not concern struct_ops");
	} else {
		findings_add(f, SEVERITY_OK, "lockdown", "the kernel is not locked down");
	}
}

static bool has_capability(uint64_t set, int capability)
{
	return set & (UINT64_C(1) << capability);
}

static void check_capabilities(const struct doctor_host *host, struct findings *f)
{
	uint64_t set;

	if (doctor_read_capabilities(host, 0, "CapEff", &set) < 0)
		return;
	if (has_capability(set, CAP_SYS_ADMIN)) {
		findings_add(f, SEVERITY_OK, "capabilities",
			     "this user may ask the kernel everything");
		return;
	}
	findings_add(
		f, SEVERITY_NOTE, "capabilities",
		"this user lacks CAP_SYS_ADMIN%s%s: dump and top need it, and some files cannot be "
		"read",
		has_capability(set, CAP_BPF) ? "" : ", CAP_BPF",
		has_capability(set, CAP_PERFMON) ? "" : ", CAP_PERFMON");
	findings_remedy(f, "run it as root to be told more");
}

static void check_libbpf(struct findings *f)
{
	uint32_t major = libbpf_major_version(), minor = libbpf_minor_version();

	if (major > 1 || (major == 1 && minor >= 4)) {
		findings_add(f, SEVERITY_OK, "libbpf", "libbpf %s", libbpf_version_string());
		return;
	}
	findings_add(f, SEVERITY_ERROR, "libbpf",
		     "libbpf is %s, and 1.4 is the oldest that will do", libbpf_version_string());
	findings_remedy(f, "a newer package of libbpf");
}

void doctor_check_settings(const struct doctor_host *host, struct findings *f)
{
	check_libbpf(f);
	check_jit(host, f);
	check_jit_harden(host, f);
	check_bpffs(host, f);
	check_lockdown(host, f);
	check_unprivileged(host, f);
	check_capabilities(host, f);
}
