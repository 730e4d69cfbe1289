/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uevents: what happens in the kernel besides the ends of links. */
#include "common/log.h"
#include "daemon/service/manager-internal.h"

static void module_may_have_come(struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		attachment_type_may_have_come(m->attachments[i]);
}

static void on_uevent(struct manager *m, const struct uevent *e)
{
	if (streq(e->subsystem, "module") && streq(e->action, "add"))
		module_may_have_come(m);
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
		module_may_have_come(m);
	else if (r < 0 && r != -EAGAIN)
		return log_error_errno(r, "cannot read the kernel's uevents any more");
	return 0;
}

int manager_watch_uevents(struct manager *m)
{
	m->uevent_fd = kernel_uevent_open();
	if (m->uevent_fd < 0)
		return m->uevent_fd;
	return sd_event_add_io(m->event, &m->uevent_source, m->uevent_fd, EPOLLIN, on_readable, m);
}
