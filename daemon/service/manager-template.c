/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Templates: a policy with [Match] attaches nothing itself. Each device that matches has an instance, an attachment
 * TEMPLATE@DEVICE that is there for as long as the device is; hid_id, which a map gets once and for ever, is never
 * used twice, so a device that comes back is another one.
 */
#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/manager-internal.h"

/* In the template's sentence. */
#define INSTANCES_NAMED_MAX 8

bool manager_is_instance_of(const struct attachment *a, const struct attachment *t)
{
	return a->template && streq(a->template, t->name);
}

/* The devices that there are. */

struct devices {
	struct hid_device *items;
	size_t n;
};

static void devices_done(struct devices *d)
{
	for (size_t i = 0; i < d->n; i++)
		hid_device_done(&d->items[i]);
	free(d->items);
}

static bool devices_have(const struct devices *d, uint32_t id)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].id == id)
			return true;
	return false;
}

static bool devices_read(struct devices *ret)
{
	int r = kernel_hid_devices(&ret->items, &ret->n);

	if (r < 0)
		log_warning_errno(r, "cannot tell which HID devices there are; templates (policies "
				     "with [Match]) see only those that come or go from now on");
	return r >= 0;
}

static int copy_device(const struct hid_device *d, struct hid_device *ret)
{
	*ret = *d;
	ret->name = strdup(d->name);
	ret->devpath = strdup(d->devpath);
	return ret->name && ret->devpath ? 0 : -ENOMEM;
}

/* "0003:046D:C52B.0001", as people find it in sysfs and in the kernel's messages. */
static const char *device_name(const struct hid_device *d)
{
	return strrchr(d->devpath, '/') + 1;
}

/* What a template has to say. */

static void print_number(FILE *f, uint32_t number)
{
	if (number == HID_ANY)
		fputc('*', f);
	else
		fprintf(f, "%04X", number);
}

static void print_match(FILE *f, const struct hid_match *m)
{
	print_number(f, m->bus);
	fputc(':', f);
	print_number(f, m->vendor);
	fputc(':', f);
	print_number(f, m->product);
	if (m->name)
		fprintf(f, ":%s", m->name);
}

static void print_instances(FILE *f, const struct manager *m, const struct attachment *t)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (!manager_is_instance_of(a, t) || a->removed || n++ >= INSTANCES_NAMED_MAX)
			continue;
		fprintf(f, "%s %s %s", n > 1 ? "," : ":", a->name,
			state_to_string(a->machine.state));
	}
	if (n > INSTANCES_NAMED_MAX)
		fprintf(f, ", and %zu more", n - INSTANCES_NAMED_MAX);
}

static char *describe(const struct manager *m, const struct attachment *t)
{
	_cleanup_(freep) char *text = NULL;
	size_t size, n = t->n_instances;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	if (n == 0)
		fputs("template: waits for a HID device that matches ", f);
	else
		fprintf(f, "template: %zu %s ", n, n == 1 ? "device matches" : "devices match");
	print_match(f, &t->policy->hid);
	print_instances(f, m, t);
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}

static void refresh(struct manager *m, struct attachment *t)
{
	t->n_instances = 0;
	for (size_t i = 0; i < m->n_attachments; i++)
		t->n_instances += manager_is_instance_of(m->attachments[i], t) &&
				  !m->attachments[i]->removed;
	free(t->situation);
	t->situation = NULL;
	if (t->machine.state != STATE_INACTIVE && attachment_is_template(t))
		t->situation = describe(m, t);
}

/* Instances come and go. */

static int add_instance(struct manager *m, const struct attachment *t, const struct hid_device *d,
			struct policy *policy, struct attachment **ret)
{
	_cleanup_(policy_freep) struct policy *owned = policy;
	_cleanup_(hid_device_done) struct hid_device device = {0};
	_cleanup_(freep) char *template = strdup(t->name);
	struct attachment *a;
	int r;

	if (!template || copy_device(d, &device) < 0)
		return -ENOMEM;
	owned = NULL;
	r = manager_add(m, policy->name, policy, &a);
	if (r < 0)
		return r;
	a->template = TAKE_PTR(template);
	a->enabled = true;
	a->device = device;
	device = (struct hid_device){0};
	*ret = a;
	return 0;
}

static char *device_text(const struct hid_device *d, const char *how)
{
	return sentence("the device %s (%s) %s", device_name(d), d->name, how);
}

char *manager_template_matches(const struct attachment *a)
{
	return device_text(&a->device, "matches");
}

static void start_instance(struct manager *m, struct attachment *t, const struct hid_device *d,
			   struct policy *policy, const char *how)
{
	_cleanup_(freep) char *detail = device_text(d, how);
	struct attachment *a = manager_find(m, policy->name);

	if (a) { /* still being taken off: its template was away for a moment */
		attachment_set_policy(a, policy);
		a->removed = false;
	} else if (add_instance(m, t, d, policy, &a) < 0) {
		(void)log_oom();
		return;
	}
	attachment_start(a, t->machine.reason, detail);
}

static void bring_instance(struct manager *m, struct attachment *t, const struct hid_device *d,
			   const char *how)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	const struct attachment *a;
	int r = policy_instance(t->policy, d, &policy);

	if (r < 0) {
		log_error_errno(r, "%s: no instance for the device %s", t->name, device_name(d));
		return;
	}
	a = manager_find(m, policy->name);
	if (a && !manager_is_instance_of(a, t))
		log_warning("%s: no instance for the device %s (%s): there is a policy that has "
			    "the name %s",
			    t->name, device_name(d), d->name, a->name);
	else if (!a || a->removed)
		start_instance(m, t, d, TAKE_PTR(policy), how);
}

static void remove_instance(struct manager *m, struct attachment *a, enum reason reason,
			    const char *detail)
{
	a->removed = true;
	attachment_stop(a, reason, detail);
	manager_tidy_soon(m);
}

static void device_gone(struct manager *m, struct attachment *a)
{
	_cleanup_(freep) char *detail = device_text(&a->device, "was unplugged");

	remove_instance(m, a, REASON_DEVICE_GONE, detail);
}

/* A load found no device, or something else did: it will not come back, since another one gets another number. */
void manager_template_let_go(struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (a->template && !a->removed && attachment_awaits(a) == AWAITED_DEVICE)
			device_gone(m, a);
	}
}

static void device_does_not_match(struct manager *m, struct attachment *a)
{
	_cleanup_(freep) char *detail = device_text(&a->device, "does not match Hid= any more");

	remove_instance(m, a, REASON_RELOAD, detail);
}

/* Makes the instances those of the devices that there are. */
static void agree(struct manager *m, struct attachment *t, const struct devices *devices)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (!manager_is_instance_of(a, t) || a->removed)
			continue;
		if (!devices_have(devices, a->device.id))
			device_gone(m, a);
		else if (!hid_match_device(&t->policy->hid, &a->device))
			device_does_not_match(m, a);
	}
	for (size_t i = 0; i < devices->n; i++)
		if (hid_match_device(&t->policy->hid, &devices->items[i]))
			bring_instance(m, t, &devices->items[i], "matches");
	refresh(m, t);
}

static void prepare_instance(struct manager *m, const struct attachment *t,
			     const struct hid_device *d)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct attachment *a;

	if (policy_instance(t->policy, d, &policy) < 0) {
		(void)log_oom();
		return;
	}
	if (!manager_find(m, policy->name) && add_instance(m, t, d, TAKE_PTR(policy), &a) < 0)
		(void)log_oom();
}

void manager_template_prepare(struct manager *m, const struct attachment *t)
{
	_cleanup_(devices_done) struct devices devices = {0};

	if (!devices_read(&devices))
		return;
	for (size_t i = 0; i < devices.n; i++)
		if (hid_match_device(&t->policy->hid, &devices.items[i]))
			prepare_instance(m, t, &devices.items[i]);
}

void manager_template_load(struct manager *m, struct attachment *t)
{
	_cleanup_(devices_done) struct devices devices = {0};

	if (devices_read(&devices))
		agree(m, t, &devices);
	else
		refresh(m, t);
}

static void remove_instances(struct manager *m, struct attachment *t, const struct event *event)
{
	const char *detail = *event->detail ? event->detail : "its template was detached";

	for (size_t i = 0; i < m->n_attachments; i++)
		if (manager_is_instance_of(m->attachments[i], t))
			remove_instance(m, m->attachments[i], event->reason, detail);
	refresh(m, t);
}

static void refresh_template_of(struct manager *m, const struct attachment *a)
{
	struct attachment *t = manager_find(m, a->template);

	if (t)
		refresh(m, t);
}

void manager_template_changed(struct manager *m, struct attachment *a, const struct event *event)
{
	if (a->template)
		refresh_template_of(m, a);
	else if (attachment_is_template(a) && event->to == STATE_INACTIVE)
		remove_instances(m, a, event);
}

/* Uevents. */

static bool is_waiting_template(const struct attachment *a)
{
	return attachment_is_template(a) && a->machine.state == STATE_WAITING;
}

static void device_plugged(struct manager *m, const struct hid_device *d)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *t = m->attachments[i];

		if (is_waiting_template(t) && hid_match_device(&t->policy->hid, d))
			bring_instance(m, t, d, "was plugged in");
	}
}

static void device_unplugged(struct manager *m, const char *devpath)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (!a->template || a->removed || !streq(a->device.devpath, devpath))
			continue;
		device_gone(m, a);
		refresh_template_of(m, a);
	}
}

/* A driver that comes or goes (bind, unbind) is no other device, and our own attaching may be what makes it do so. */
void manager_template_uevent(struct manager *m, const struct uevent *e)
{
	_cleanup_(hid_device_done) struct hid_device device = {0};

	if (!streq(e->subsystem, "hid"))
		return;
	if (streq(e->action, "remove"))
		device_unplugged(m, e->devpath);
	else if (streq(e->action, "add") &&
		 hid_device_parse(e->devpath, e->hid_id, e->hid_name, &device) >= 0)
		device_plugged(m, &device);
}

void manager_template_uevents_lost(struct manager *m)
{
	_cleanup_(devices_done) struct devices devices = {0};
	bool known = false;

	for (size_t i = 0; i < m->n_attachments; i++) {
		if (!is_waiting_template(m->attachments[i]))
			continue;
		known = known || devices_read(&devices);
		if (!known)
			return;
		agree(m, m->attachments[i], &devices);
	}
}
