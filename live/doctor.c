/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/doctor.h"

#include "common/protocol.h"
#include "common/sentence.h"
#include "live/root.h"

/* daemon/service/keeper.h and state-dir.h have these too; the floors do not meet. */
#define PINS "/sys/fs/bpf/structopsd"
#define STATE_FOLDER "state"
#define STATE_SUFFIX ".state"

#define NAMES_SHOWN 5

static char *names_text(char *const *names, size_t n)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *s = open_memstream(&text, &size);

	for (size_t i = 0; s && i < MIN(n, (size_t)NAMES_SHOWN); i++)
		fprintf(s, "%s%s", i > 0 ? ", " : "", names[i]);
	if (s && n > NAMES_SHOWN)
		fprintf(s, " and %zu more", n - NAMES_SHOWN);
	return s && fclose(s) == 0 ? TAKE_PTR(text) : NULL;
}

/* What lies in a folder that only a daemon should have. */
static void check_left(const struct doctor_host *host, struct findings *f, const char *id,
		       const char *what, const char *none, const char *folder, const char *suffix)
{
	_cleanup_(root_names_freep) char **names = NULL;
	_cleanup_(freep) char *text = NULL;
	size_t n = 0;
	int r;

	r = root_list(host->root, folder, suffix, &names, &n);
	if (r == -EACCES || r == -EPERM) {
		findings_add(f, SEVERITY_NOTE, id,
			     "whether %s is not known: this user may not look into %s", what,
			     folder);
		findings_remedy(f, "run it as root to be told");
		return;
	}
	if (r < 0 || n == 0) {
		findings_add(f, SEVERITY_OK, id, "%s", none);
		return;
	}
	text = names_text(names, n);
	if (!text) {
		f->failed = true;
		return;
	}
	findings_add(f, SEVERITY_WARNING, id, "%s that no daemon looks after: %s (in %s)", what,
		     text, folder);
	findings_remedy(
		f,
		"start structopsd, which takes over what still runs and removes the rest; or "
		"remove them from %s",
		folder);
}

void doctor_check_leftovers(const struct doctor_host *host, struct findings *f)
{
	_cleanup_(freep) char *state = sentence("%s/" STATE_FOLDER, host->runtime_dir);

	/* A daemon that is there knows its own. */
	if (host->daemon != DAEMON_SILENT)
		return;
	if (!state) {
		f->failed = true;
		return;
	}
	/* Daemons with other runtime directories have other folders of pins. */
	if (streq(host->runtime_dir, PROTOCOL_RUNTIME_DIR))
		check_left(host, f, "pins", "there are pinned attachments",
			   "no pinned attachment is left over", PINS, "");
	check_left(host, f, "state-files", "there are state files", "no state file is left over",
		   state, STATE_SUFFIX);
}

void doctor_examine(const struct doctor_host *host, struct findings *f)
{
	doctor_check_kernel(host, f);
	doctor_check_settings(host, f);
	doctor_check_daemon(host, f);
	doctor_check_leftovers(host, f);
}
