/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An attachment that the kernel ended: noticing it, its last words, and what the machine is told. */
#include <sys/stat.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/attachment-internal.h"
#include "daemon/service/attachment-watch.h"

#define EXITS_FOLDER "exits"
#define LOGS_FOLDER "logs"

/* How long the kernel has for a scheduler's last words before it is asked again. Mostly the uevent comes first. */
#define LAST_WORDS_PAUSE (20 * USEC_PER_MSEC)

static char *path_in(const struct attachment *a, const char *name)
{
	_cleanup_(freep) char *folder = sentence("%s/%s", a->host->runtime_dir, name);

	if (!folder)
		return NULL;
	/* Where it cannot be made, whoever writes into it says so. */
	(void)mkdir(folder, 0700);
	return sentence("%s/%s", folder, a->name);
}

char *attachment_exit_path(const struct attachment *a)
{
	return path_in(a, EXITS_FOLDER);
}

char *attachment_log_path(const struct attachment *a)
{
	return path_in(a, LOGS_FOLDER);
}

void attachment_remove_log(const struct attachment *a)
{
	_cleanup_(freep) char *path = attachment_log_path(a);

	if (path)
		(void)unlink(path);
}

/* Record, dump and streams into the outcome and a file, while there are handles. 1, 0 (no record), -errno. */
static int keep_last_words(struct attachment *a)
{
	_cleanup_(freep) char *path = attachment_exit_path(a);
	struct outcome *o = &a->outcome;
	int has_record, r;

	o->end = (struct exit_record){0};
	free(o->end_file);
	o->end_file = NULL;
	has_record = kernel_exit_read(&a->handles, o, &o->end);
	if (!path) {
		(void)log_oom();
		return has_record;
	}
	r = kernel_exit_dump(&a->handles, o, path);
	if (r > 0)
		o->end_file = TAKE_PTR(path);
	else if (r < 0)
		log_warning_errno(r, "%s: cannot write what it left to say into %s", a->name, path);
	return has_record;
}

/* The caller frees; NULL: out of memory. why: what the kernel has instead. */
static char *describe_exit(const struct attachment *a, int has_record, const char *why)
{
	const struct outcome *o = &a->outcome;
	_cleanup_(freep) char *text = NULL;

	if (has_record > 0)
		text = exit_record_text(&o->end);
	else if (has_record < 0)
		text = sentence("the kernel ended it: %s (its exit record cannot be read: %s)", why,
				strerror(-has_record));
	else if (o->exit.value_size > 0)
		text = sentence("the kernel ended it: %s (its exit record is empty)", why);
	else
		text = sentence("the kernel ended it: %s (the object has no exit record, a global "
				"of type struct user_exit_info, that would say more)",
				why);
	if (!text || !o->end_file)
		return TAKE_PTR(text);
	return sentence("%s; dump and streams are in %s", text, o->end_file);
}

static void step_by_record(struct attachment *a, const char *detail)
{
	const struct exit_record *end = &a->outcome.end;

	/* That is how the record calls it that a link was closed or detached, and we did neither. */
	if (end->kind == EXIT_KIND_UNREG)
		attachment_step_exit(a, EXIT_WISH, REASON_LINK_DETACHED,
				     "the link was detached by another process");
	else
		attachment_step_exit(a, exit_record_class(end), REASON_KERNEL_EXIT, detail);
}

static void exited(struct attachment *a, const char *why)
{
	int has_record = keep_last_words(a);
	_cleanup_(freep) char *detail = describe_exit(a, has_record, why);

	/* A dead link keeps the place of its map. */
	attachment_drop_handles(a);
	if (has_record > 0)
		step_by_record(a, detail);
	else
		attachment_step_exit(a, EXIT_ERROR, REASON_KERNEL_EXIT, detail);
}

static void device_gone(struct attachment *a)
{
	const char *slash = strrchr(a->outcome.device, '/');
	_cleanup_(freep) char *detail = sentence("its device %s is gone", slash + 1);

	attachment_drop_handles(a);
	attachment_step(a, MACHINE_DEVICE_GONE, REASON_DEVICE_GONE, detail);
}

/* What people can unplug, as opposed to what the kernel makes up for one of its subsystems. */
static bool is_hardware(const char *devpath)
{
	return strncmp(devpath, "/devices/", strlen("/devices/")) == 0;
}

static void ended_by_kernel(struct attachment *a, const char *why)
{
	if (is_hardware(a->outcome.device))
		device_gone(a);
	else
		exited(a, why);
}

static int on_check(sd_event_source *source, uint64_t usec, void *userdata)
{
	attachment_check(userdata);
	return 0;
}

static void check_in(struct attachment *a, usec_t delay)
{
	int r;

	if (a->check_source)
		r = sd_event_source_set_time_relative(a->check_source, delay);
	else
		r = sd_event_add_time_relative(a->host->event, &a->check_source, CLOCK_MONOTONIC,
					       delay, USEC_PER_MSEC, on_check, a);
	if (r >= 0)
		r = sd_event_source_set_enabled(a->check_source, SD_EVENT_ONESHOT);
	if (r < 0)
		log_warning_errno(r, "%s: cannot check it", a->name);
}

void attachment_check_soon(struct attachment *a)
{
	check_in(a, 0);
}

/*
 * Only where there is a device can it end without EPOLLHUP. One that is on its way out is dead when it can be known why:
 * its restart depends on that.
 */
static bool is_dead(struct attachment *a, char **ret_why)
{
	int r;

	if (!a->outcome.device)
		return false;
	if (a->device_removed)
		return true;
	r = kernel_alive(&a->handles, &a->outcome, ret_why);
	if (r < 0)
		log_warning_errno(r, "%s: cannot find out whether the kernel uses map %u", a->name,
				  a->outcome.map_id);
	if (r == 2)
		check_in(a, LAST_WORDS_PAUSE);
	return r == 0;
}

bool attachment_survived(struct attachment *a)
{
	_cleanup_(freep) char *why = NULL;

	if (a->machine.state == STATE_DETACHING || !is_dead(a, &why))
		return true;
	ended_by_kernel(a, or_empty(why));
	return false;
}

void attachment_check(struct attachment *a)
{
	_cleanup_(freep) char *why = NULL;

	if (a->machine.state != STATE_ATTACHED)
		return;
	if (kernel_state(&a->handles, NULL) == 0)
		attachment_link_ended(a);
	else if (is_dead(a, &why))
		ended_by_kernel(a, or_empty(why));
}

void attachment_device_removed(struct attachment *a, const char *devpath)
{
	if (!a->outcome.device || !streq(a->outcome.device, devpath))
		return;
	/*
	 * A real device's own words are believed: its folder in sysfs goes a moment later. Of the rest the event says
	 * only where to look, for a swap of ours brings it, too, and it may be an old one.
	 */
	a->device_removed = is_hardware(devpath);
	attachment_check(a);
}

static void detached_by_other(struct attachment *a)
{
	attachment_unwatch(a);
	a->handles.link_fd = safe_close(a->handles.link_fd);
	if (a->outcome.linkless)
		kernel_handles_close(&a->handles);
	attachment_step(a, MACHINE_DETACHED, REASON_LINK_DETACHED,
			a->outcome.linkless ? "it was unregistered by another process"
					    : "the link was detached by another process");
}

void attachment_link_ended(struct attachment *a)
{
	struct exit_record end;

	if (kernel_exit_read(&a->handles, &a->outcome, &end) > 0)
		exited(a, "");
	else
		detached_by_other(a);
}
