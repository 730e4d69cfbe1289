/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon: is it installed, does it start at boot, does it run, and with the rights that it needs? */
#include <inttypes.h>
#include <linux/capability.h>

#include "common/sentence.h"
#include "live/doctor.h"
#include "live/root.h"

#define UNIT "structopsd.service"
#define UNIT_FOLDER "/etc/systemd/system"

int doctor_read_capabilities(const struct doctor_host *host, pid_t pid, const char *set,
			     uint64_t *ret)
{
	_cleanup_(freep) char *path = pid ? sentence("/proc/%d/status", (int)pid)
					  : strdup("/proc/self/status");
	_cleanup_(freep) char *text = NULL;
	const char *line;
	int r;

	if (!path)
		return -ENOMEM;
	r = root_read(host->root, path, &text);
	if (r < 0)
		return r;
	line = strstr(text, set);
	return line && sscanf(line + strlen(set), ": %" SCNx64, ret) == 1 ? 0 : -EBADMSG;
}

/* Where it is installed; NULL: nowhere. */
static char *find_unit(const char *root)
{
	static const char *const folders[] = {UNIT_FOLDER, "/run/systemd/system",
					      "/usr/local/lib/systemd/system",
					      "/usr/lib/systemd/system", "/lib/systemd/system"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_(freep) char *path = sentence("%s/" UNIT, folders[i]);

		if (path && root_has(root, path))
			return TAKE_PTR(path);
	}
	return NULL;
}

static bool is_masked(const char *root, const char *unit)
{
	_cleanup_(freep) char *target = root_link(root, unit);

	return target && streq(target, "/dev/null");
}

/* Some target wants it. */
static bool is_enabled(const char *root)
{
	_cleanup_(root_names_freep) char **wants = NULL;
	bool found = false;
	size_t n = 0;

	if (root_list(root, UNIT_FOLDER, ".wants", &wants, &n) < 0)
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		_cleanup_(freep) char *path = sentence(UNIT_FOLDER "/%s/" UNIT, wants[i]);

		found = path && root_has(root, path);
	}
	return found;
}

/* A process of the unit; 0: it has none. */
static pid_t unit_process(const char *root)
{
	static const char *const groups[] = {
		"/sys/fs/cgroup/system.slice/" UNIT "/cgroup.procs",
		"/sys/fs/cgroup/systemd/system.slice/" UNIT "/cgroup.procs",
	};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		_cleanup_(freep) char *text = NULL;

		if (root_read(root, groups[i], &text) == 0 && *text)
			return atoi(text);
	}
	return 0;
}

static void check_unit(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(freep) char *unit = find_unit(host->root);

	if (!root_has(host->root, "/run/systemd/system")) {
		findings_add(f, SEVERITY_NOTE, "unit",
			     "systemd does not run here: something else has to start structopsd");
	} else if (!unit) {
		findings_add(f, SEVERITY_WARNING, "unit",
			     UNIT " is not installed: nothing starts the daemon");
		findings_remedy(f, "install structopsd's package, or run meson install");
	} else if (is_masked(host->root, unit)) {
		findings_add(f, SEVERITY_WARNING, "unit", UNIT " is masked (%s)", unit);
		findings_remedy(f, "systemctl unmask " UNIT);
	} else if (!is_enabled(host->root)) {
		findings_add(f, SEVERITY_WARNING, "unit",
			     UNIT " is not enabled: the daemon does not start at boot");
		findings_remedy(f, "systemctl enable --now " UNIT);
	} else if (unit_process(host->root) == 0) {
		findings_add(f, SEVERITY_ERROR, "unit", UNIT " is enabled, and does not run");
		findings_remedy(f, "systemctl start " UNIT
				   "; journalctl -u structopsd says why it ended");
	} else {
		findings_add(f, SEVERITY_OK, "unit", UNIT " is enabled, and runs (%s)", unit);
	}
}

static void check_answer(const struct doctor_host *host, struct findings *f)
{
	bool runs = unit_process(host->root) != 0;

	switch (host->daemon) {
	case DAEMON_ANSWERS:
		findings_add(f, SEVERITY_OK, "daemon", "the daemon answers");
		break;
	case DAEMON_DENIES:
		findings_add(f, SEVERITY_NOTE, "daemon", "%s", or_empty(host->daemon_problem));
		findings_remedy(f, "run it as root, or as a member of ViewGroup=");
		break;
	case DAEMON_SILENT:
		findings_add(f, runs ? SEVERITY_ERROR : SEVERITY_WARNING, "daemon", "%s",
			     or_empty(host->daemon_problem));
		findings_remedy(f, runs ? "systemctl restart " UNIT " (what is attached stays)"
				   : root_has(host->root, "/run/systemd/system")
					   ? "systemctl start " UNIT
					   : "start structopsd");
		break;
	}
}

/* The comment in the unit file says the same at more length. */
static const struct {
	const char *name;
	int bit;
	enum severity severity;
	const char *without;
} needed[] = {
	{"CAP_BPF", CAP_BPF, SEVERITY_ERROR, "nothing can be loaded"},
	{"CAP_PERFMON", CAP_PERFMON, SEVERITY_ERROR, "no struct_ops program can be loaded"},
	{"CAP_SYS_ADMIN", CAP_SYS_ADMIN, SEVERITY_WARNING,
	 "types of modules, other namespaces, and what others have attached are out of reach"},
	{"CAP_SYS_PTRACE", CAP_SYS_PTRACE, SEVERITY_NOTE,
	 "who else holds an attachment cannot always be told"},
	{"CAP_NET_ADMIN", CAP_NET_ADMIN, SEVERITY_NOTE,
	 "[Tcp] Default= does not reach the network namespaces of containers"},
};

static bool is_daemon(const char *root, pid_t pid)
{
	_cleanup_(freep) char *path = sentence("/proc/%d/comm", (int)pid), *name = NULL;

	return path && root_read(root, path, &name) == 0 && streq(name, "structopsd");
}

/* At the other end of a socket that systemd made is systemd. */
static pid_t daemon_process(const struct doctor_host *host)
{
	if (host->daemon_pid != 0 && is_daemon(host->root, host->daemon_pid))
		return host->daemon_pid;
	return unit_process(host->root);
}

static void add_lack(struct findings *f, size_t i, pid_t pid, bool may)
{
	findings_add(f, needed[i].severity, "sandbox", "the daemon (process %d) lacks %s: %s",
		     (int)pid, needed[i].name, needed[i].without);
	if (may)
		findings_remedy(f, "run it as root");
	else
		findings_remedy(f,
				"systemctl edit " UNIT ": [Service], CapabilityBoundingSet=%s; a "
				"container must be given it from outside",
				needed[i].name);
}

static void check_sandbox(const struct doctor_host *host, struct findings *f)
{
	pid_t pid = daemon_process(host);
	bool complete = true;
	uint64_t has, may;

	if (pid == 0 || doctor_read_capabilities(host, pid, "CapEff", &has) < 0 ||
	    doctor_read_capabilities(host, pid, "CapBnd", &may) < 0) {
		findings_add(f, SEVERITY_NOTE, "sandbox",
			     "with which rights the daemon runs is not known: there is no process "
			     "of it to look at");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		uint64_t bit = UINT64_C(1) << needed[i].bit;

		if (has & bit)
			continue;
		complete = false;
		add_lack(f, i, pid, may & bit);
	}
	if (complete)
		findings_add(f, SEVERITY_OK, "sandbox",
			     "the daemon (process %d) has the capabilities that it needs",
			     (int)pid);
}

void doctor_check_daemon(const struct doctor_host *host, struct findings *f)
{
	check_unit(host, f);
	check_answer(host, f);
	check_sandbox(host, f);
}
