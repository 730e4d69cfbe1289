/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each check of doctor against a host that is made of files: all well first, then one thing wrong. */
#include "live/doctor.h"
#include "tests/live/made-btf.h"
#include "tests/unit/scratch.h"

#define RUNTIME_DIR "/run/structopsd"
#define ALL_CAPABILITIES "000001ffffffffff"
/* Of the service's bounding set: BPF, PERFMON, SYS_ADMIN, SYS_PTRACE, NET_ADMIN. */
#define SERVICE_CAPABILITIES "000000c000281000"

static void write_btf(const struct scratch *s, unsigned features)
{
	struct btf *btf = made_btf(features);
	const void *bytes;
	uint32_t size;

	bytes = btf__raw_data(btf, &size);
	assert_non_null(bytes);
	scratch_write(s, "sys/kernel/btf/vmlinux", bytes, size);
	btf__free(btf);
}

static void write_capabilities(const struct scratch *s, const char *file, const char *effective,
			       const char *bounding)
{
	char text[128];

	snprintf(text, sizeof(text), "Name:\tx\nCapEff:\t%s\nCapBnd:\t%s\n", effective, bounding);
	scratch_text(s, file, text);
}

static int healthy_host(void **state)
{
	struct scratch *s;

	if (scratch_setup(state) != 0)
		return -1;
	s = *state;
	write_btf(s, MADE_ALL);
	scratch_text(s, "proc/sys/kernel/osrelease", "7.3.4\n");
	scratch_text(s, "proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
	scratch_text(s, "proc/sys/net/core/bpf_jit_enable", "1\n");
	scratch_text(s, "proc/sys/net/core/bpf_jit_harden", "0\n");
	scratch_text(s, "proc/self/mounts",
		     "proc /proc proc rw 0 0\nbpf /sys/fs/bpf bpf rw,nosuid 0 0\n");
	write_capabilities(s, "proc/self/status", ALL_CAPABILITIES, ALL_CAPABILITIES);
	write_capabilities(s, "proc/4711/status", SERVICE_CAPABILITIES, SERVICE_CAPABILITIES);
	scratch_text(s, "proc/4711/comm", "structopsd\n");
	scratch_text(s, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	scratch_text(s, "sys/kernel/sched_ext/state", "enabled\n");
	scratch_text(s, "sys/kernel/sched_ext/root/ops", "fair\n");
	scratch_text(s, "sys/devices/system/cpu/isolated", "\n");
	scratch_text(s, "sys/bus/hid/devices/0003:1209:0001.0001/x", "");
	scratch_folder(s, "run/systemd/system");
	scratch_text(s, "usr/lib/systemd/system/structopsd.service", "[Unit]\n");
	scratch_link(s, "etc/systemd/system/multi-user.target.wants/structopsd.service",
		     "/usr/lib/systemd/system/structopsd.service");
	scratch_text(s, "sys/fs/cgroup/system.slice/structopsd.service/cgroup.procs",
		     "4711\n4712\n");
	return 0;
}

static struct doctor_host host_of(const struct scratch *s)
{
	return (struct doctor_host){
		.root = s->path,
		.runtime_dir = RUNTIME_DIR,
		.daemon = DAEMON_ANSWERS,
		.daemon_pid = 4711,
	};
}

/* What the check says now; and that it says what to do wherever something is not well. */
static void assert_check(const struct doctor_host *host, const char *id, enum severity severity,
			 const char *part)
{
	_cleanup_(findings_done) struct findings f = {0};
	const struct finding *x;

	doctor_examine(host, &f);
	assert_false(f.failed);
	x = findings_find(&f, id);
	if (!x)
		fail_msg("there is no finding %s", id);
	if (x->severity != severity || !strstr(x->text, part))
		fail_msg("%s: %s: %s", id, severity_to_string(x->severity), x->text);
	if (severity >= SEVERITY_WARNING)
		assert_non_null(x->remedy);
}

static void assert_no_check(const struct doctor_host *host, const char *id)
{
	_cleanup_(findings_done) struct findings f = {0};

	doctor_examine(host, &f);
	assert_null(findings_find(&f, id));
}

static void a_healthy_host_has_nothing_but_ok(void **state)
{
	struct doctor_host host = host_of(*state);
	struct findings f = {0};

	doctor_examine(&host, &f);
	for (size_t i = 0; i < f.n; i++)
		if (f.items[i].severity != SEVERITY_OK || f.items[i].remedy)
			fail_msg("%s: %s", f.items[i].id, f.items[i].text);
	assert_int_equal(f.n, 17);
	findings_done(&f);
	assert_check(&host, "kernel", SEVERITY_OK, "7.3.4");
	assert_check(&host, "types", SEVERITY_OK, "tcp_congestion_ops, sched_ext_ops, hid_bpf_ops");
	assert_check(&host, "sched-ext", SEVERITY_OK, "\"fair\" runs");
	assert_check(&host, "hid-bpf", SEVERITY_OK, "1 HID device");
}

static void an_empty_host_is_no_reason_to_crash(void **state)
{
	struct doctor_host host = host_of(*state);

	host.root = "/nonexistent";
	host.daemon = DAEMON_SILENT;
	host.daemon_problem = "nobody listens";
	assert_check(&host, "kernel", SEVERITY_ERROR, "/proc");
	assert_check(&host, "btf", SEVERITY_ERROR, "/sys/kernel/btf/vmlinux");
	assert_check(&host, "jit", SEVERITY_ERROR, "does not compile");
	assert_no_check(&host, "types");
}

static void damaged_btf_is_said_to_be(void **state)
{
	struct doctor_host host = host_of(*state);

	scratch_text(*state, "sys/kernel/btf/vmlinux", "this is no BTF");
	assert_check(&host, "btf", SEVERITY_ERROR, "cannot be read");
}

static void features_are_told_by_btf(void **state)
{
	struct doctor_host host = host_of(*state);

	write_btf(*state, MADE_NO_TYPES);
	assert_check(&host, "types", SEVERITY_ERROR, "no struct_ops types");
	write_btf(*state, 0);
	assert_check(&host, "types", SEVERITY_OK, "tcp_congestion_ops");
	assert_check(&host, "links", SEVERITY_WARNING, "no links");
	assert_no_check(&host, "polling");
	assert_check(&host, "sched-ext", SEVERITY_NOTE, "no sched_ext");
	assert_check(&host, "hid-bpf", SEVERITY_NOTE, "no HID-BPF");
	write_btf(*state, MADE_LINKS);
	assert_check(&host, "links", SEVERITY_OK, "");
	assert_check(&host, "polling", SEVERITY_NOTE, "every few seconds");
	assert_check(&host, "live-update", SEVERITY_NOTE, "swapped");
}

static void isolated_cpus_matter_to_schedulers(void **state)
{
	struct doctor_host host = host_of(*state);

	scratch_text(*state, "sys/devices/system/cpu/isolated", "2-3\n");
	assert_check(&host, "isolated-cpus", SEVERITY_WARNING, "2-3");
	write_btf(*state, MADE_LINKS);
	assert_no_check(&host, "isolated-cpus");
}

static void the_jit_is_looked_at(void **state)
{
	struct doctor_host host = host_of(*state);

	scratch_text(*state, "proc/sys/net/core/bpf_jit_enable", "0\n");
	assert_check(&host, "jit", SEVERITY_ERROR, "interpreted");
	scratch_text(*state, "proc/sys/net/core/bpf_jit_enable", "2\n");
	assert_check(&host, "jit", SEVERITY_WARNING, "printed");
	assert_no_check(&host, "jit-harden");
	scratch_text(*state, "proc/sys/net/core/bpf_jit_harden", "2\n");
	assert_check(&host, "jit-harden", SEVERITY_NOTE, "blinded");
}

static void settings_are_looked_at(void **state)
{
	struct doctor_host host = host_of(*state);

	scratch_text(*state, "proc/self/mounts",
		     "bpf /sys/fs/bpf2 bpf rw 0 0\ntmpfs /sys/fs/bpf tmpfs rw 0 0\n");
	assert_check(&host, "bpffs", SEVERITY_WARNING, "no bpffs");
	scratch_text(*state, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_check(&host, "lockdown", SEVERITY_OK, "integrity");
	scratch_text(*state, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	assert_check(&host, "lockdown", SEVERITY_WARNING, "confidentiality");
	scratch_text(*state, "proc/sys/kernel/unprivileged_bpf_disabled", "0\n");
	assert_check(&host, "unprivileged-bpf", SEVERITY_NOTE, "can load");
	write_capabilities(*state, "proc/self/status", "0000000000000000", ALL_CAPABILITIES);
	assert_check(&host, "capabilities", SEVERITY_NOTE, "CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON");
}

static void lockdown_may_be_out_of_sight(void **state)
{
	struct doctor_host host = host_of(*state);
	_cleanup_(freep) char *lockdown = scratch_path(*state, "sys/kernel/security/lockdown");

	assert_int_equal(unlink(lockdown), 0);
	assert_check(&host, "lockdown", SEVERITY_NOTE, "not known");
	scratch_text(*state, "sys/kernel/security/lsm", "capability,bpf\n");
	assert_check(&host, "lockdown", SEVERITY_OK, "cannot be locked down");
}

static void the_unit_is_looked_at(void **state)
{
	const struct scratch *s = *state;
	struct doctor_host host = host_of(s);
	_cleanup_(freep) char *wants = NULL, *unit = NULL, *systemd = NULL;

	scratch_text(s, "sys/fs/cgroup/system.slice/structopsd.service/cgroup.procs", "");
	assert_check(&host, "unit", SEVERITY_ERROR, "does not run");
	wants = scratch_path(s, "etc/systemd/system/multi-user.target.wants/structopsd.service");
	assert_int_equal(unlink(wants), 0);
	assert_check(&host, "unit", SEVERITY_WARNING, "not enabled");
	scratch_link(s, "etc/systemd/system/structopsd.service", "/dev/null");
	assert_check(&host, "unit", SEVERITY_WARNING, "masked");
	unit = scratch_path(s, "etc/systemd/system/structopsd.service");
	assert_int_equal(unlink(unit), 0);
	free(unit);
	unit = scratch_path(s, "usr/lib/systemd/system/structopsd.service");
	assert_int_equal(unlink(unit), 0);
	assert_check(&host, "unit", SEVERITY_WARNING, "not installed");
	systemd = scratch_path(s, "run/systemd/system");
	assert_int_equal(rmdir(systemd), 0);
	assert_check(&host, "unit", SEVERITY_NOTE, "systemd does not run");
}

static void a_silent_daemon_that_runs_is_an_error(void **state)
{
	const struct scratch *s = *state;
	struct doctor_host host = host_of(s);

	host.daemon = DAEMON_SILENT;
	host.daemon_problem = "it did not answer";
	assert_check(&host, "daemon", SEVERITY_ERROR, "it did not answer");
	scratch_text(s, "sys/fs/cgroup/system.slice/structopsd.service/cgroup.procs", "");
	assert_check(&host, "daemon", SEVERITY_WARNING, "it did not answer");
	host.daemon = DAEMON_DENIES;
	assert_check(&host, "daemon", SEVERITY_NOTE, "it did not answer");
}

static void the_daemon_needs_capabilities(void **state)
{
	const struct scratch *s = *state;
	struct doctor_host host = host_of(s);

	write_capabilities(s, "proc/4711/status", "0000000000281000", "0000000000281000");
	assert_check(&host, "sandbox", SEVERITY_ERROR, "CAP_BPF");
	write_capabilities(s, "proc/4711/status", "000000c000081000", SERVICE_CAPABILITIES);
	assert_check(&host, "sandbox", SEVERITY_WARNING, "CAP_SYS_ADMIN");
	write_capabilities(s, "proc/4711/status", "000000c000280000", "000000c000280000");
	assert_check(&host, "sandbox", SEVERITY_NOTE, "CAP_NET_ADMIN");
	scratch_text(s, "proc/4711/status", "");
	assert_check(&host, "sandbox", SEVERITY_NOTE, "not known");
}

/* With a socket unit the peer is systemd, which has everything. */
static void the_peer_may_be_systemd(void **state)
{
	const struct scratch *s = *state;
	struct doctor_host host = host_of(s);

	host.daemon_pid = 1;
	scratch_text(s, "proc/1/comm", "systemd\n");
	write_capabilities(s, "proc/1/status", ALL_CAPABILITIES, ALL_CAPABILITIES);
	write_capabilities(s, "proc/4711/status", "0000000000281000", "0000000000281000");
	assert_check(&host, "sandbox", SEVERITY_ERROR, "process 4711");
}

static void what_no_daemon_looks_after_is_told(void **state)
{
	const struct scratch *s = *state;
	struct doctor_host host = host_of(s);

	host.daemon = DAEMON_SILENT;
	assert_check(&host, "pins", SEVERITY_OK, "no pinned attachment");
	assert_check(&host, "state-files", SEVERITY_OK, "no state file");
	for (const char *name = "abcdefg"; *name; name++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/fs/bpf/structopsd/%c/link", *name);
		scratch_text(s, path, "");
	}
	scratch_text(s, "run/structopsd/state/storage.state", "");
	scratch_text(s, "run/structopsd/state/other.newer", "");
	assert_check(&host, "pins", SEVERITY_WARNING, "a, b, c, d, e and 2 more");
	assert_check(&host, "state-files", SEVERITY_WARNING, "storage.state (in");
	host.daemon = DAEMON_ANSWERS;
	assert_no_check(&host, "pins");
	assert_no_check(&host, "state-files");
}

#define ON_A_HEALTHY_HOST(test) \
	cmocka_unit_test_setup_teardown(test, healthy_host, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_HEALTHY_HOST(a_healthy_host_has_nothing_but_ok),
		ON_A_HEALTHY_HOST(an_empty_host_is_no_reason_to_crash),
		ON_A_HEALTHY_HOST(damaged_btf_is_said_to_be),
		ON_A_HEALTHY_HOST(features_are_told_by_btf),
		ON_A_HEALTHY_HOST(isolated_cpus_matter_to_schedulers),
		ON_A_HEALTHY_HOST(the_jit_is_looked_at),
		ON_A_HEALTHY_HOST(settings_are_looked_at),
		ON_A_HEALTHY_HOST(lockdown_may_be_out_of_sight),
		ON_A_HEALTHY_HOST(the_unit_is_looked_at),
		ON_A_HEALTHY_HOST(a_silent_daemon_that_runs_is_an_error),
		ON_A_HEALTHY_HOST(the_daemon_needs_capabilities),
		ON_A_HEALTHY_HOST(the_peer_may_be_systemd),
		ON_A_HEALTHY_HOST(what_no_daemon_looks_after_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
