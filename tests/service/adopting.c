/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/service/adopting.h"

#include <dirent.h>

void quiet(struct rig *r)
{
	while (sd_event_run(r->event, 0) > 0)
		;
}

void kill_daemon(struct rig *r)
{
	quiet(r);
	rig_kill(r);
}

void leave(struct rig *r)
{
	manager_leave(r->manager);
	rig_end(r);
}

void stop(struct rig *r)
{
	manager_stop(r->manager);
	rig_end(r);
}

void with_pins(struct rig *r)
{
	r->config.keep_links = KEEP_LINKS_PIN;
}

void start_one(struct rig *r, const char *lines)
{
	with_pins(r);
	rig_policy(r, "a", lines);
	rig_start(r);
	rig_assert(r, "a", "attached boot");
}

uint32_t link_of(struct rig *r, const char *name)
{
	return rig_get(r, name)->outcome.link_id;
}

void assert_attaches(const char *name, unsigned attaches, unsigned replaces, unsigned relinks)
{
	struct fake_counts c = fake_kernel_counts(name);

	assert_int_equal(c.attaches, attaches);
	assert_int_equal(c.replaces, replaces);
	assert_int_equal(c.relinks, relinks);
}

void assert_detail(struct rig *r, const char *name, const char *part)
{
	if (!strstr(attachment_detail(rig_get(r, name)), part))
		fail_msg("\"%s\" does not have \"%s\"", attachment_detail(rig_get(r, name)), part);
}

void detach_and_wait(struct rig *r, const char *name)
{
	uint32_t link = link_of(r, name);

	fake_kernel_detach_foreign(name);
	rig_run_until(r, rig_state(r, name) == STATE_ATTACHED && link_of(r, name) != link);
}

bool has_state_file(struct rig *r, const char *name)
{
	char file[128], *path;
	bool there;

	snprintf(file, sizeof(file), "state/%s.state", name);
	path = scratch_path(r->scratch, file);
	there = access(path, F_OK) == 0;
	free(path);
	return there;
}

size_t count_entries(const char *folder)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

size_t count_state_files(struct rig *r)
{
	char *path = scratch_path(r->scratch, "state");
	size_t n = count_entries(path);

	free(path);
	return n;
}

void change_and_reload(struct rig *r)
{
	rig_policy_text(r, "a", "[Object]\nPath=/object\n[Globals]\nx = 1\n");
	fake_kernel_hold("a", true);
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	rig_run_until(r, fake_kernel_counts("a").replaces == 1);
}
