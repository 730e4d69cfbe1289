/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/attachment-watch.h"

#include "common/log.h"
#include "daemon/service/attachment-internal.h"

/* Only for kernels before 6.11, whose links cannot be polled. */
#define LOOK_EVERY (3 * USEC_PER_SEC)

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	attachment_link_ended(userdata);
	return 0;
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct attachment *a = userdata;
	int r;

	r = kernel_state(&a->handles, NULL);
	if (r == 0) {
		attachment_link_ended(a);
		return 0;
	}
	if (r < 0)
		log_warning_errno(r, "%s: cannot ask the kernel for the state of map %u", a->name,
				  a->outcome.map_id);
	(void)sd_event_source_set_time_relative(source, LOOK_EVERY);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int attachment_watch(struct attachment *a)
{
	int r;

	attachment_unwatch(a);
	a->watch_poll = a->handles.link_fd < 0 || !kernel_link_can_poll(a->handles.link_fd);
	if (a->watch_poll)
		return sd_event_add_time_relative(a->host->event, &a->watch_source, CLOCK_MONOTONIC,
						  LOOK_EVERY, 0, on_look, a);

	/* EPOLLHUP is always reported, whatever is asked for. */
	r = sd_event_add_io(a->host->event, &a->watch_source, a->handles.link_fd, 0, on_hangup, a);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(a->watch_source, a->name);
	return sd_event_source_set_priority(a->watch_source, SD_EVENT_PRIORITY_IMPORTANT);
}

void attachment_unwatch(struct attachment *a)
{
	a->watch_source = sd_event_source_disable_unref(a->watch_source);
}

const char *attachment_watch_describe(const struct attachment *a)
{
	if (a->outcome.linkless)
		return "looks at the map every 3s: it is attached without a link, and no event "
		       "tells of its end";
	if (a->watch_poll)
		return "looks at the link every 3s: this kernel's links cannot be polled (Linux "
		       "6.11 and newer can)";
	return a->outcome.device ? "EPOLLHUP on the link, uevents of the device"
				 : "EPOLLHUP on the link";
}
