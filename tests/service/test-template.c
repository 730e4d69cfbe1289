/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Templates: an instance for each HID device that matches, for as long as it is there. */
#include "tests/service/rig.h"

#define TEMPLATE "[Object]\nPath=/object\n[Match]\nHid=0003:046D:*\n"
/* Those that the fake kernel's first devices get, if they are Receivers. */
#define FIRST "pad@0003-046D-C52B.0001"
#define SECOND "pad@0003-046D-C52B.0002"

static uint32_t plug_receiver(void)
{
	return fake_kernel_plug(0x0003, 0x046d, 0xc52b, "Receiver");
}

static bool is_there(struct rig *r, const char *name)
{
	return manager_find(r->manager, name) != NULL;
}

static bool is_attached(struct rig *r, const char *name)
{
	return is_there(r, name) && rig_state(r, name) == STATE_ATTACHED;
}

/* The last event of one attachment, which may be gone by the time that one looks. */
static struct last_event {
	const char *name;
	enum state to;
	enum reason reason;
	char detail[256];
} last;

static void note_last(void *userdata, struct attachment *a, const struct event *event)
{
	if (!streq(a->name, last.name))
		return;
	last.to = event->to;
	last.reason = event->reason;
	snprintf(last.detail, sizeof(last.detail), "%s", event->detail);
}

static void observe(struct rig *r, const char *name)
{
	last = (struct last_event){.name = name};
	manager_observe(r->manager, &(struct manager_observer){.changed = note_last});
}

/* One Receiver, and its instance attached. */
static void start_with_one(struct rig *r)
{
	rig_policy_text(r, "pad", TEMPLATE);
	plug_receiver();
	rig_start(r);
	assert_true(is_attached(r, FIRST));
	observe(r, FIRST);
}

static void assert_unplugged(void)
{
	assert_int_equal(last.to, STATE_INACTIVE);
	assert_int_equal(last.reason, REASON_DEVICE_GONE);
	assert_string_equal(last.detail, "the device 0003:046D:C52B.0001 (Receiver) was unplugged");
}

static void assert_reload(struct rig *r, bool ok, const char *wanted)
{
	bool got_ok;
	char *lines = rig_reload(r, &got_ok);

	assert_string_equal(lines, wanted);
	assert_int_equal(got_ok, ok);
	free(lines);
}

/* Devices that come and go. */

static void test_devices_present_at_start(void **state)
{
	struct rig *r = *state;
	const struct policy *p;

	rig_policy_text(r, "pad", TEMPLATE);
	plug_receiver();
	plug_receiver();
	fake_kernel_plug(0x0005, 0x046d, 0xc52b, "of another bus");
	rig_start(r);

	rig_assert(r, "pad", "waiting boot");
	rig_assert(r, FIRST, "attached boot");
	rig_assert(r, SECOND, "attached boot");
	assert_int_equal(manager_count(r->manager), 3);
	assert_int_equal(rig_get(r, "pad")->n_instances, 2);
	assert_string_equal(attachment_detail(rig_get(r, "pad")),
			    "template: 2 devices match 0003:046D:*: " FIRST " attached, " SECOND
			    " attached");
	assert_int_equal(fake_kernel_counts("pad").attaches, 0);

	p = rig_get(r, SECOND)->policy;
	assert_int_equal(p->n_fields, 1);
	assert_string_equal(p->fields[0].path, "hid_id");
	assert_string_equal(p->fields[0].value, "2");
	assert_string_equal(rig_get(r, SECOND)->template, "pad");
}

static void test_plugged_later(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE "[Policy]\nDescription=x\n");
	rig_start(r);
	rig_assert(r, "pad", "waiting boot");
	assert_string_equal(attachment_detail(rig_get(r, "pad")),
			    "template: waits for a HID device that matches 0003:046D:*");

	fake_kernel_plug(0x0003, 0x1209, 1, "of another vendor");
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND));
	rig_assert(r, SECOND, "attached boot");
	assert_string_equal(event_ring_get(&rig_get(r, SECOND)->events, 0)->detail,
			    "the device 0003:046D:C52B.0002 (Receiver) was plugged in");
	assert_string_equal(attachment_detail(rig_get(r, "pad")),
			    "template: 1 device matches 0003:046D:*: " SECOND " attached");
	assert_int_equal(manager_count(r->manager), 2);
}

static void test_glob_for_the_name(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:*:*:Rec*\n");
	fake_kernel_plug(0x0003, 0x046d, 0xc52b, "Mouse");
	plug_receiver();
	rig_start(r);
	assert_false(is_there(r, FIRST));
	assert_true(is_attached(r, SECOND));
	assert_string_equal(attachment_detail(rig_get(r, "pad")),
			    "template: 1 device matches *:*:*:Rec*: " SECOND " attached");
}

static void test_unplugged(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_unplug(1);
	rig_run_until(r, !is_there(r, FIRST));
	assert_unplugged();
	assert_false(fake_kernel_is_attached(FIRST));
	assert_int_equal(fake_kernel_counts(FIRST).attaches, 1);
	assert_int_equal(fake_kernel_counts(FIRST).relinks, 0);
	rig_assert(r, "pad", "waiting boot");
	assert_string_equal(attachment_detail(rig_get(r, "pad")),
			    "template: waits for a HID device that matches 0003:046D:*");
}

static void test_unplugged_while_loading(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE);
	fake_kernel_script_all(FIRST, FAKE_HANG);
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	observe(r, FIRST);
	plug_receiver();
	rig_run_until(r, fake_kernel_counts(FIRST).attaches == 1);
	fake_kernel_unplug(1);
	rig_run_until(r, !is_there(r, FIRST));
	assert_unplugged();
}

/* The worker finds no device: enough, whether the kernel tells of its end or has done so already. */
static void test_gone_before_the_load(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE);
	fake_kernel_script_all(FIRST, FAKE_GONE);
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	observe(r, FIRST);
	plug_receiver();
	rig_run_until(r, last.reason == REASON_DEVICE_GONE && !is_there(r, FIRST));
	assert_unplugged();
	assert_int_equal(fake_kernel_counts(FIRST).attaches, 1);
	rig_assert(r, "pad", "waiting boot");
}

static void test_unplugged_while_waiting_for_its_next_attempt(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE "[Attach]\nRestartSec=1h\nRestartMaxDelaySec=1h\n");
	fake_kernel_script_all(FIRST, FAKE_BUSY);
	plug_receiver();
	rig_start(r);
	rig_assert(r, FIRST, "waiting attach-failed");
	observe(r, FIRST);
	fake_kernel_unplug(1);
	rig_run_until(r, !is_there(r, FIRST));
	assert_unplugged();
}

static void test_failed_until_the_device_goes(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE);
	fake_kernel_script_all(FIRST, FAKE_REFUSED);
	plug_receiver();
	rig_start(r);
	rig_assert(r, FIRST, "failed load-failed");
	observe(r, FIRST);
	assert_reload(r, true, "pad: kept\n" FIRST ": kept\n");
	rig_assert(r, FIRST, "failed load-failed");
	fake_kernel_unplug(1);
	rig_run_until(r, !is_there(r, FIRST));
	assert_unplugged();
}

static void test_replugged(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_unplug(1);
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND) && !is_there(r, FIRST));
	assert_int_equal(fake_kernel_counts(SECOND).attaches, 1);
	assert_int_equal(fake_kernel_counts(SECOND).relinks, 0);
	assert_string_equal(rig_get(r, SECOND)->policy->fields[0].value, "2");
}

/* Our own attaching makes the driver come anew, with the same device: taken for a replug that would never end. */
static void test_bind_and_unbind_are_no_unplug(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_rebind(1);
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND)); /* the others were read before it */
	assert_true(is_attached(r, FIRST));
	assert_int_equal(fake_kernel_counts(FIRST).attaches, 1);
	assert_int_equal(rig_get(r, FIRST)->events.n, 2);
}

static void test_add_twice(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_uevent("add", rig_get(r, FIRST)->device.devpath, "hid",
			   "0003:0000046D:0000C52B", "Receiver");
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND));
	assert_int_equal(manager_count(r->manager), 3);
	assert_int_equal(fake_kernel_counts(FIRST).attaches, 1);
	assert_int_equal(fake_kernel_counts(FIRST).replaces, 0);
}

/* Neither what is no HID device, nor what only looks like one. */
static void test_other_uevents(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_uevent("add", "/devices/x", "hid", NULL, NULL);
	fake_kernel_uevent("add", "/devices/0003:046D:C52B.0009", "hid", "no id", "x");
	fake_kernel_uevent("add", "/devices/0003:046D:C52B.0009", "input", "0003:0000046D:0000C52B",
			   "x");
	fake_kernel_uevent("remove", "/devices/0003:046D:C52B.000A", "hid", NULL, NULL);
	fake_kernel_uevent("change", rig_get(r, FIRST)->device.devpath, "hid", NULL, NULL);
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND));
	assert_true(is_attached(r, FIRST));
	assert_int_equal(manager_count(r->manager), 3);
	assert_int_equal(fake_kernel_counts("pad@0003-046D-C52B.0009").attaches, 0);
}

static void test_two_templates_for_one_device(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE);
	rig_policy_text(r, "all", "[Object]\nPath=/object\n[Match]\nHid=*:*:*\n");
	rig_start(r);
	plug_receiver();
	rig_run_until(r, is_attached(r, FIRST) && is_attached(r, "all@0003-046D-C52B.0001"));
	fake_kernel_unplug(1);
	rig_run_until(r, manager_count(r->manager) == 2);
}

static void test_lost_uevents(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_unplug(1);
	fake_kernel_lose_uevents();
	rig_run_until(r, !is_there(r, FIRST));
	assert_unplugged();
	plug_receiver();
	fake_kernel_lose_uevents();
	rig_run_until(r, is_attached(r, SECOND));
	plug_receiver();
	fake_kernel_lose_uevents();
	rig_run_until(r, is_attached(r, "pad@0003-046D-C52B.0003"));
	assert_int_equal(fake_kernel_counts(SECOND).attaches, 1);
}

/* A policy that somebody gave the name of an instance: nothing is mixed up. */
static void test_name_that_is_taken(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE);
	rig_policy(r, FIRST, "");
	plug_receiver();
	rig_start(r);
	assert_int_equal(manager_count(r->manager), 2);
	assert_null(rig_get(r, FIRST)->template);
	assert_int_equal(rig_get(r, "pad")->n_instances, 0);
	fake_kernel_unplug(1);
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND));
	assert_true(is_attached(r, FIRST));

	/* Not even while that one goes. */
	fake_kernel_hold(FIRST, true);
	rig_remove_policy(r, FIRST);
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	fake_kernel_uevent("add", "/devices/fake/0003:046D:C52B.0001", "hid",
			   "0003:0000046D:0000C52B", "Receiver");
	plug_receiver();
	rig_run_until(r, is_attached(r, "pad@0003-046D-C52B.0003"));
	assert_true(rig_get(r, FIRST)->removed);
	fake_kernel_hold(FIRST, false);
	rig_run_until(r, !is_there(r, FIRST));
}

static void test_fallback_of_an_instance(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", TEMPLATE "[Policy]\nFallback=plan-b\n");
	rig_policy_text(r, "plan-b", "[Policy]\nEnabled=no\n[Object]\nPath=/object\n");
	fake_kernel_script_all(FIRST, FAKE_REFUSED);
	plug_receiver();
	rig_start(r);
	rig_assert(r, FIRST, "failed load-failed");
	rig_assert(r, "plan-b", "attached fallback");
}

/* Reload. */

static void test_reload_without_a_change(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	assert_reload(r, true, "pad: kept\n" FIRST ": kept\n");
	assert_int_equal(fake_kernel_counts(FIRST).replaces, 0);
}

static void test_reload_replaces_the_instances(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	rig_policy_text(r, "pad", TEMPLATE "[Fields]\nx=1\n");
	assert_reload(r, true,
		      "pad: waiting: template: 1 device matches 0003:046D:*: " FIRST
		      " attached\n" FIRST ": updated (atomic, link 1)\n");
	assert_int_equal(fake_kernel_counts(FIRST).replaces, 1);
	assert_int_equal(rig_get(r, FIRST)->policy->n_fields, 2);

	rig_policy_text(r, "pad", TEMPLATE "[Fields]\nx=1\n[Attach]\nRestart=no\n");
	assert_reload(r, true,
		      "pad: kept, with its new settings\n" FIRST ": kept, with its new settings\n");
	assert_int_equal(rig_get(r, FIRST)->policy->restart.mode, RESTART_NO);
}

static void test_reload_that_an_instance_refuses(void **state)
{
	struct rig *r = *state;
	char *lines;
	bool ok;

	start_with_one(r);
	fake_kernel_script_all(FIRST, FAKE_KEPT);
	rig_policy_text(r, "pad", TEMPLATE "[Fields]\nx=1\n");
	lines = rig_reload(r, &ok);
	assert_false(ok);
	assert_non_null(strstr(lines, FIRST ": the change was not made"));
	free(lines);
	assert_true(fake_kernel_is_attached(FIRST));
}

static void test_reload_with_another_match(void **state)
{
	struct rig *r = *state;

	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:*:*:Rec*\n");
	plug_receiver();
	plug_receiver();
	fake_kernel_plug(0x0003, 0x1209, 1, "Red");
	rig_start(r);
	observe(r, FIRST);
	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:1209:*:R*\n");
	assert_reload(
		r, true,
		"pad: waiting: template: 1 device matches *:1209:*:R*: pad@0003-1209-0001.0003 "
		"loading\n" FIRST
		": detached: the device 0003:046D:C52B.0001 (Receiver) does not match Hid= any "
		"more\n" SECOND
		": detached: the device 0003:046D:C52B.0002 (Receiver) does not match Hid= any "
		"more\npad@0003-1209-0001.0003: attached (link 3)\n");
	rig_run_until(r, manager_count(r->manager) == 2);
	rig_assert(r, "pad@0003-1209-0001.0003", "attached reload");
	assert_int_equal(last.reason, REASON_RELOAD);
	assert_false(fake_kernel_is_attached(FIRST));
}

/* What matches before and after stays as it is. */
static void test_reload_with_a_wider_match(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	fake_kernel_plug(0x0003, 0x1209, 1, "Red");
	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:*:*\n");
	assert_reload(r, true,
		      "pad: waiting: template: 2 devices match *:*:*: " FIRST
		      " attached, pad@0003-1209-0001.0002 loading\n" FIRST
		      ": kept\npad@0003-1209-0001.0002: attached (link 2)\n");
	assert_int_equal(rig_get(r, FIRST)->events.n, 2);
}

static void test_reload_removes_the_template(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	rig_remove_policy(r, "pad");
	assert_reload(r, true,
		      "pad: detached, the policy is gone\n" FIRST
		      ": detached: the policy is gone\n");
	rig_run_until(r, manager_count(r->manager) == 0);
	assert_false(fake_kernel_is_attached(FIRST));
	assert_int_equal(last.reason, REASON_RELOAD);
}

static void test_removed_and_back_at_once(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	rig_remove_policy(r, "pad");
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	assert_int_equal(rig_state(r, FIRST), STATE_DETACHING);
	rig_policy_text(r, "pad", TEMPLATE);
	assert_int_equal(manager_reload(r->manager, NULL, NULL, NULL), 0);
	rig_run_until(r, is_attached(r, FIRST));
	assert_true(fake_kernel_is_attached(FIRST));
	rig_assert(r, "pad", "waiting reload");
	assert_int_equal(rig_get(r, "pad")->n_instances, 1);
}

static void test_disabled_and_enabled(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	rig_policy_text(r, "pad", TEMPLATE "[Policy]\nEnabled=no\n");
	assert_reload(r, true, "pad: detached\n" FIRST ": detached: Enabled=no\n");
	rig_run_until(r, manager_count(r->manager) == 1);
	rig_assert(r, "pad", "inactive reload");
	plug_receiver();
	assert_reload(r, true, "pad: kept\n");

	rig_policy_text(r, "pad", TEMPLATE);
	free(rig_reload(r, &(bool){false}));
	assert_true(is_attached(r, FIRST));
	assert_true(is_attached(r, SECOND));
	rig_assert(r, SECOND, "attached reload");
}

static void test_becomes_a_template_and_no_template(void **state)
{
	struct rig *r = *state;

	rig_policy(r, "pad", "");
	plug_receiver();
	rig_start(r);
	rig_policy_text(r, "pad", TEMPLATE);
	free(rig_reload(r, &(bool){false}));
	rig_run_until(r, is_attached(r, FIRST));
	rig_assert(r, "pad", "waiting reload");
	assert_false(fake_kernel_is_attached("pad"));

	rig_policy(r, "pad", "");
	free(rig_reload(r, &(bool){false}));
	rig_run_until(r, !is_there(r, FIRST));
	rig_assert(r, "pad", "attached reload");
	assert_int_equal(rig_get(r, "pad")->n_instances, 0);
}

static void test_one_bad_file_changes_nothing(void **state)
{
	struct rig *r = *state;
	char *lines;
	bool ok;

	start_with_one(r);
	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:1209:*\n");
	rig_policy_text(r, "bad", "nonsense\n");
	lines = rig_reload(r, &ok);
	assert_false(ok);
	free(lines);
	assert_true(is_attached(r, FIRST));

	rig_remove_policy(r, "bad");
	rig_policy(r, FIRST, "");
	assert_reload(r, false,
		      ": " FIRST ".policy: an instance of pad has this name, expected another "
		      "one\n");
	assert_true(is_attached(r, FIRST));
}

/* Verbs. */

static void settle(struct rig *r, const char *name)
{
	rig_run_until(r, !manager_find_busy(r->manager, rig_get(r, name)));
}

static void test_detach_and_attach_the_template(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	start_with_one(r);
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND));
	assert_true(manager_is_as_wanted(r->manager, rig_get(r, "pad"), STATE_ATTACHED));

	assert_true(manager_detach(r->manager, rig_get(r, "pad"), &sentence));
	rig_assert(r, "pad", "inactive admin");
	assert_false(manager_is_as_wanted(r->manager, rig_get(r, "pad"), STATE_INACTIVE));
	settle(r, "pad");
	assert_true(manager_is_as_wanted(r->manager, rig_get(r, "pad"), STATE_INACTIVE));
	assert_int_equal(last.reason, REASON_ADMIN);
	rig_run_until(r, manager_count(r->manager) == 1);
	assert_false(fake_kernel_is_attached(FIRST));
	plug_receiver(); /* not wanted now */

	assert_true(manager_attach(r->manager, rig_get(r, "pad"), &sentence));
	assert_non_null(manager_find_busy(r->manager, rig_get(r, "pad")));
	settle(r, "pad");
	rig_assert(r, "pad", "waiting admin");
	rig_assert(r, FIRST, "attached admin");
	assert_int_equal(manager_count(r->manager), 4);
}

static void test_restart_the_template(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	rig_policy_text(r, "pad", TEMPLATE);
	fake_kernel_script_all(SECOND, FAKE_REFUSED, FAKE_ATTACHED);
	plug_receiver();
	plug_receiver();
	rig_start(r);
	rig_assert(r, SECOND, "failed load-failed");
	assert_false(manager_is_as_wanted(r->manager, rig_get(r, "pad"), STATE_ATTACHED));
	assert_true(manager_restart(r->manager, rig_get(r, "pad"), &sentence));
	settle(r, "pad");
	rig_assert(r, "pad", "waiting admin");
	rig_assert(r, FIRST, "attached admin");
	rig_assert(r, SECOND, "attached admin");
	assert_int_equal(fake_kernel_counts(FIRST).replaces, 1);
	assert_true(manager_is_as_wanted(r->manager, rig_get(r, "pad"), STATE_ATTACHED));
}

/* It stays detached, whatever happens to others, until its device goes or somebody attaches it. */
static void test_verbs_on_an_instance(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	start_with_one(r);
	assert_true(manager_detach(r->manager, rig_get(r, FIRST), &sentence));
	settle(r, FIRST);
	rig_assert(r, FIRST, "inactive admin");
	plug_receiver();
	rig_run_until(r, is_attached(r, SECOND));
	fake_kernel_lose_uevents();
	rig_policy_text(r, "pad", "[Object]\nPath=/object\n[Match]\nHid=*:046D:*\n");
	free(rig_reload(r, &(bool){false}));
	rig_assert(r, FIRST, "inactive admin");
	rig_assert(r, "pad", "waiting reload");
	assert_int_equal(rig_get(r, "pad")->n_instances, 2);

	assert_true(manager_attach(r->manager, rig_get(r, FIRST), &sentence));
	settle(r, FIRST);
	rig_assert(r, FIRST, "attached admin");
	assert_true(manager_restart(r->manager, rig_get(r, FIRST), &sentence));
	settle(r, FIRST);
	assert_int_equal(fake_kernel_counts(FIRST).replaces, 1);
	assert_int_equal(fake_kernel_counts(SECOND).replaces, 0);

	assert_true(manager_detach(r->manager, rig_get(r, FIRST), &sentence));
	settle(r, FIRST);
	fake_kernel_unplug(1);
	rig_run_until(r, !is_there(r, FIRST));
}

static void test_attach_the_template_attaches_all_instances(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	start_with_one(r);
	assert_true(manager_detach(r->manager, rig_get(r, FIRST), &sentence));
	settle(r, FIRST);
	assert_true(manager_attach(r->manager, rig_get(r, "pad"), &sentence));
	settle(r, "pad");
	rig_assert(r, FIRST, "attached admin");
}

static void test_instance_that_is_going_cannot_be_attached(void **state)
{
	struct rig *r = *state;
	const char *sentence;

	start_with_one(r);
	fake_kernel_hold(FIRST, true);
	fake_kernel_unplug(1);
	rig_run_until(r, rig_get(r, FIRST)->removed);
	assert_false(manager_attach(r->manager, rig_get(r, FIRST), &sentence));
	assert_string_equal(sentence, "the device 0003:046D:C52B.0001 (Receiver) was unplugged");
	fake_kernel_hold(FIRST, false);
	rig_run_until(r, !is_there(r, FIRST));
}

static void test_stop_detaches_the_instances(void **state)
{
	struct rig *r = *state;

	start_with_one(r);
	manager_stop(r->manager);
	plug_receiver(); /* too late */
	rig_run_until(r, r->loop_ended);
	assert_false(fake_kernel_is_attached(FIRST));
	assert_int_equal(last.to, STATE_INACTIVE);
	assert_string_equal(last.detail, "the daemon is being stopped");
	assert_false(is_there(r, SECOND));
}

#define rig_test(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_devices_present_at_start),
		rig_test(test_plugged_later),
		rig_test(test_glob_for_the_name),
		rig_test(test_unplugged),
		rig_test(test_unplugged_while_loading),
		rig_test(test_gone_before_the_load),
		rig_test(test_unplugged_while_waiting_for_its_next_attempt),
		rig_test(test_failed_until_the_device_goes),
		rig_test(test_replugged),
		rig_test(test_bind_and_unbind_are_no_unplug),
		rig_test(test_add_twice),
		rig_test(test_other_uevents),
		rig_test(test_two_templates_for_one_device),
		rig_test(test_lost_uevents),
		rig_test(test_name_that_is_taken),
		rig_test(test_fallback_of_an_instance),
		rig_test(test_reload_without_a_change),
		rig_test(test_reload_replaces_the_instances),
		rig_test(test_reload_that_an_instance_refuses),
		rig_test(test_reload_with_another_match),
		rig_test(test_reload_with_a_wider_match),
		rig_test(test_reload_removes_the_template),
		rig_test(test_removed_and_back_at_once),
		rig_test(test_disabled_and_enabled),
		rig_test(test_becomes_a_template_and_no_template),
		rig_test(test_one_bad_file_changes_nothing),
		rig_test(test_detach_and_attach_the_template),
		rig_test(test_restart_the_template),
		rig_test(test_verbs_on_an_instance),
		rig_test(test_attach_the_template_attaches_all_instances),
		rig_test(test_instance_that_is_going_cannot_be_attached),
		rig_test(test_stop_detaches_the_instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
