/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uevents: what happens in the kernel besides the ends of links. */
#include "common/log.h"
#include "daemon/service/manager-internal.h"

static void has_come(struct manager *m, enum awaited what)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		attachment_has_come(m->attachments[i], what, m->attachments[i]->machine.reason,
				    NULL);
}

static void added(struct manager *m, const struct uevent *e)
{
	if (streq(e->subsystem, "module"))
		has_come(m, AWAITED_TYPE);
	else if (streq(e->subsystem, "hid"))
		has_come(m, AWAITED_DEVICE);
}

static void removed(struct manager *m, const struct uevent *e)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		attachment_device_removed(m->attachments[i], e->devpath);
}

static void on_uevent(struct manager *m, const struct uevent *e)
{
	/* First: an instance goes with its device, it does not wait for it. */
	manager_template_uevent(m, e);
	if (streq(e->action, "add"))
		added(m, e);
	else if (streq(e->action, "remove"))
		removed(m, e);
	manager_slot_uevent(m, e);
}

static void uevents_lost(struct manager *m)
{
	manager_template_uevents_lost(m);
	for (size_t i = 0; i < m->n_attachments; i++)
		if (m->attachments[i]->outcome.device)
			attachment_check(m->attachments[i]);
	has_come(m, AWAITED_TYPE);
	has_come(m, AWAITED_DEVICE);
	has_come(m, AWAITED_PARENT);
	manager_slot_uevents_lost(m);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	char buffer[KERNEL_UEVENT_MAX];
	struct manager *m = userdata;
	struct uevent e;
	int r;

	r = kernel_uevent_receive(fd, buffer, sizeof(buffer), &e);
	if (r > 0)
		on_uevent(m, &e);
	else if (r == -ENOBUFS) /* some were lost: anything may have happened */
		uevents_lost(m);
	else if (r < 0 && r != -EAGAIN)
		return log_error_errno(r, "cannot read the kernel's uevents any more");
	return 0;
}

int manager_watch_uevents(struct manager *m)
{
	int r;

	m->uevent_fd = kernel_uevent_open();
	if (m->uevent_fd < 0)
		return m->uevent_fd;
	r = sd_event_add_io(m->event, &m->uevent_source, m->uevent_fd, EPOLLIN, on_readable, m);
	if (r < 0)
		return r;
	return sd_event_source_set_priority(m->uevent_source, SD_EVENT_PRIORITY_IMPORTANT);
}
