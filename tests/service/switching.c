/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/service/switching.h"

static void on_switched(void *userdata, bool done, const char *text)
{
	struct switched *s = userdata;

	snprintf(s->text, sizeof(s->text), "%s", text);
	s->done = done;
	s->come = true;
}

void switch_ask(struct rig *r, const char *name, usec_t ends, struct switched *s)
{
	*s = (struct switched){0};
	assert_int_equal(manager_switch(r->manager, rig_get(r, name), ends, on_switched, s, NULL),
			 0);
}

void switch_assert(struct rig *r, struct switched *s, bool done, const char *part)
{
	rig_run_until(r, s->come);
	if (s->done != done || !strstr(s->text, part))
		fail_msg("%s: \"%s\"; expected %s: \"…%s…\"", s->done ? "done" : "not done",
			 s->text, done ? "done" : "not done", part);
}

void switch_to(struct rig *r, const char *name, usec_t ends, bool done, const char *part)
{
	struct switched s;

	switch_ask(r, name, ends, &s);
	switch_assert(r, &s, done, part);
}

void switch_back(struct rig *r, const char *name, bool done, const char *part)
{
	struct switched s = {0};

	assert_int_equal(manager_switch_back(r->manager, rig_get(r, name), on_switched, &s, NULL),
			 0);
	switch_assert(r, &s, done, part);
}

void assert_in_kernel(struct rig *r, const char *name)
{
	const struct attachment *a = rig_get(r, name);
	uint32_t map_id = 0;

	assert_int_equal(a->machine.state, STATE_ATTACHED);
	assert_int_equal(kernel_state(&a->handles, &map_id), 1);
	assert_int_equal(map_id, a->outcome.map_id);
	assert_non_null(a->watch_source);
}

void switch_assert_detail(struct rig *r, const char *name, const char *part)
{
	const char *detail = attachment_detail(rig_get(r, name));

	if (!strstr(detail, part))
		fail_msg("%s: \"%s\"; expected \"…%s…\"", name, detail, part);
}

void assert_switched_from(struct rig *r, const char *name, const char *former, usec_t ends)
{
	const struct attachment *a = rig_get(r, name);

	assert_string_equal(a->switched_from ? a->switched_from : "", former ? former : "");
	if (former)
		assert_int_equal(a->switch_ends, ends);
}

void switch_off_policy(struct rig *r, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "[Policy]\nEnabled=no\n[Object]\nPath=/object\n[Attach]\nRestartSec=1ms\n");
	rig_policy_text(r, name, text);
	fake_kernel_set_slot(name, SWITCH_SLOT);
}

void switch_start(struct rig *r)
{
	rig_policy(r, "old", "RestartSec=1ms");
	fake_kernel_set_slot("old", SWITCH_SLOT);
	switch_off_policy(r, "new");
	switch_off_policy(r, "third");
	rig_policy(r, "other", "");
	fake_kernel_set_slot("other", "fake_ops other");
	rig_start(r);
	rig_assert(r, "old", "attached boot");
}

void assert_old_goes_on(struct rig *r)
{
	assert_in_kernel(r, "old");
	assert_switched_from(r, "new", NULL, 0);
	assert_null(rig_get(r, "old")->gives_to);
	assert_int_equal(rig_get(r, "old")->machine.restarts, 0);
	assert_int_equal(fake_kernel_counts("old").attaches, 1);
}
