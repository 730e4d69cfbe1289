/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the state machine asks for: workers, the helper, the back-off's timer; and what comes of them. */
#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/attachment-internal.h"
#include "daemon/service/attachment-watch.h"
#include "daemon/service/helper.h"

/* Attach: in the worker. */

static int run_attach(const struct attachment *a, const struct kernel_handles *old,
		      struct outcome *ret_outcome, struct kernel_handles *ret_handles)
{
	_cleanup_(freep) char *end_file = attachment_exit_path(a);
	_cleanup_(freep) char *log_file = attachment_log_path(a);
	struct kernel_job job = {
		.policy = a->policy,
		.object_path = a->host->object_path,
		.old = old,
		.before = &a->outcome,
		.end_file = end_file,
		.log_file = log_file,
	};

	return kernel_attach(&job, ret_outcome, ret_handles);
}

static int run_load(void *userdata, struct outcome *ret_outcome, struct kernel_handles *ret_handles)
{
	return run_attach(userdata, NULL, ret_outcome, ret_handles);
}

static int run_replace(void *userdata, struct outcome *ret_outcome,
		       struct kernel_handles *ret_handles)
{
	const struct attachment *a = userdata;

	return run_attach(a, &a->handles, ret_outcome, ret_handles);
}

void attachment_keep_handles(void *userdata, int ret_fds[MESSAGE_FDS_MAX])
{
	const struct attachment *a = userdata;

	kernel_handles_to_fds(&a->handles, ret_fds);
}

void attachment_drop_handles(struct attachment *a)
{
	attachment_unwatch(a);
	kernel_handles_close(&a->handles);
}

/* Attach: back in the daemon. */

enum reason attachment_reason_of(const struct outcome *o)
{
	switch (o->verdict) {
	case VERDICT_REFUSED:
	case VERDICT_NO_TYPE:
		return REASON_LOAD_FAILED;
	case VERDICT_DEAD:
		return REASON_DEAD_ON_ARRIVAL;
	case VERDICT_GONE:
		return REASON_DEVICE_GONE;
	default:
		return REASON_ATTACH_FAILED;
	}
}

/* What outlives an attempt: settings that still have to be given back, and how the last life ended. */
static void inherit(struct outcome *o, struct outcome *before)
{
	if (o->verdict != VERDICT_ATTACHED && o->n_defaults == 0) {
		o->defaults = TAKE_PTR(before->defaults);
		o->n_defaults = before->n_defaults;
		before->n_defaults = 0;
	}
	if (o->end.kind == 0 && o->verdict != VERDICT_DEAD) {
		o->end = before->end;
		o->end_file = TAKE_PTR(before->end_file);
	}
}

static void take_outcome(struct attachment *a, struct outcome *o)
{
	inherit(o, &a->outcome);
	outcome_done(&a->outcome);
	a->outcome = *o;
	*o = OUTCOME_NULL;
}

void attachment_take_failure(struct attachment *a, struct outcome *o)
{
	outcome_forget_defaults(o);
	take_outcome(a, o);
}

void attachment_watch_or_warn(struct attachment *a)
{
	int r = attachment_watch(a);

	if (r < 0)
		log_error_errno(r, "%s: cannot watch link %u; its end will go unnoticed", a->name,
				a->outcome.link_id);
}

static const char *link_text(const struct outcome *o, char buffer[32])
{
	if (o->linkless)
		return "without a link";
	snprintf(buffer, 32, "link %u", o->link_id);
	return buffer;
}

#define CHANGE_TEXT_MAX (TIMESPAN_MAX + 32)
static const char *change_text(const struct outcome *o, char buffer[CHANGE_TEXT_MAX])
{
	char span[TIMESPAN_MAX];

	if (o->change == CHANGE_UPDATED)
		return "updated on the same link, no gap";
	snprintf(buffer, CHANGE_TEXT_MAX, "swapped, gap %s",
		 timespan_format(span, timespan_round(o->gap_usec)));
	return buffer;
}

static char *describe_attached(const struct outcome *o, const char *former)
{
	bool changed = o->change == CHANGE_UPDATED || o->change == CHANGE_SWAPPED;
	char span[TIMESPAN_MAX], link[32], change[CHANGE_TEXT_MAX];
	_cleanup_(freep) char *what = sentence("%s, map %u (%s) of type %s; loaded in %s",
					       link_text(o, link), o->map_id, or_empty(o->map),
					       or_empty(o->type),
					       timespan_format(span, timespan_round(o->load_usec)));

	if (former)
		return sentence("in place of %s (%s): %s", former, change_text(o, change),
				or_empty(what));
	if (changed)
		return sentence("%s; %s", or_empty(what), change_text(o, change));
	return TAKE_PTR(what);
}

void attachment_take_attached(struct attachment *a, struct worker_report *report,
			      const char *former)
{
	_cleanup_(freep) char *detail = NULL;
	int link_fd = -EBADF;

	if (report->outcome.change == CHANGE_UPDATED) { /* the link goes on, with another map */
		link_fd = TAKE_FD(a->handles.link_fd);
		report->outcome.link_id = a->outcome.link_id;
	}
	attachment_drop_handles(a);
	a->handles = report->handles;
	report->handles = KERNEL_HANDLES_NULL;
	if (link_fd >= 0)
		a->handles.link_fd = link_fd;
	take_outcome(a, &report->outcome);
	counters_note_attached(&a->counters, &a->outcome);
	a->stale = false;
	attachment_watch_or_warn(a);
	if (!attachment_survived(a))
		return;

	detail = describe_attached(&a->outcome, former);
	attachment_step(a, MACHINE_ATTACHED, a->machine.reason, detail);
}

/* The change failed and the former attachment stands: its facts stay, why it failed is added. */
static void kept(struct attachment *a, enum reason reason, const char *why)
{
	_cleanup_(freep) char *detail = NULL;

	/* A note, since later events do not tell of it any more. */
	if (!a->stale &&
	    messages_add(&a->outcome.notes,
			 "this is the former form of the policy: the changed one was refused") < 0)
		(void)log_oom();
	a->stale = true;
	attachment_watch_or_warn(a);
	if (!attachment_survived(a))
		return;
	detail = sentence("the change was not made, the former attachment stands (link %u): %s",
			  a->outcome.link_id, or_empty(why));
	attachment_step(a, MACHINE_KEPT, reason, detail);
}

void attachment_take_new_link(struct attachment *a, struct worker_report *report)
{
	if (report->handles.link_fd < 0)
		return;
	safe_close(a->handles.link_fd);
	a->handles.link_fd = TAKE_FD(report->handles.link_fd);
	a->outcome.link_id = report->outcome.link_id;
	a->outcome.enable_seq = report->outcome.enable_seq;
}

static void kept_by_worker(struct attachment *a, struct worker_report *report)
{
	enum reason reason = attachment_reason_of(&report->outcome);
	struct outcome *o = &report->outcome;

	attachment_take_new_link(a, report);
	a->outcome.stamp = o->stamp;
	free(a->outcome.verifier_log);
	a->outcome.verifier_log = TAKE_PTR(o->verifier_log);
	kept(a, reason, o->detail);
}

static enum machine_event event_of(const struct outcome *o)
{
	switch (o->verdict) {
	case VERDICT_REFUSED:
		return MACHINE_REFUSED;
	case VERDICT_NO_TYPE:
	case VERDICT_GONE:
	case VERDICT_NO_PARENT:
		return MACHINE_AWAIT;
	default:
		return MACHINE_FAILED;
	}
}

static void not_attached(struct attachment *a)
{
	attachment_step(a, event_of(&a->outcome), attachment_reason_of(&a->outcome),
			or_empty(a->outcome.detail));
	/* It may have come while the worker looked. */
	if (a->places_freed != *a->host->places_freed)
		attachment_has_come(a, AWAITED_PARENT, a->machine.reason, NULL);
}

/* The host may make room, or know who is waited for. */
static void place_is_taken(struct attachment *a)
{
	if (a->machine.state == STATE_LOADING && a->host->make_room(a->host->userdata, a))
		return;
	if (a->outcome.verdict != VERDICT_TAKEN || !attachment_await_place(a))
		not_attached(a);
}

void attachment_start_over(struct attachment *a, const char *detail)
{
	attachment_stop(a, REASON_WORKER_TIMEOUT, detail);
	attachment_start(a, REASON_WORKER_TIMEOUT, detail);
}

static void nothing_attached(struct attachment *a, struct outcome *o)
{
	attachment_drop_handles(a);
	take_outcome(a, o);
	if (a->outcome.verdict == VERDICT_BUSY || a->outcome.verdict == VERDICT_TAKEN)
		place_is_taken(a);
	else
		not_attached(a);
}

/* Nobody knows how far it came: believe only what the kernel says of what we hold. */
static void worker_lost(struct attachment *a, const char *detail)
{
	uint32_t map_id;

	a->counters.worker_failures++;
	if (a->machine.state == STATE_UPDATING && kernel_state(&a->handles, &map_id) > 0) {
		if (map_id == a->outcome.map_id)
			kept(a, REASON_WORKER_TIMEOUT, detail);
		else
			attachment_start_over(a, detail);
		return;
	}
	if (a->machine.state != STATE_DETACHING)
		attachment_drop_handles(a);
	attachment_step(a, MACHINE_FAILED, REASON_WORKER_TIMEOUT, detail);
}

static void on_attach_done(void *userdata, struct worker_report *report)
{
	struct attachment *a = userdata;
	const struct outcome *o = &report->outcome;

	a->worker = NULL;
	attachment_name_holder(a, &report->outcome);
	if (report->end == WORKER_CANCELLED)
		attachment_step(a, MACHINE_FAILED, a->machine.reason, NULL);
	else if (report->end == WORKER_LOST)
		worker_lost(a, or_empty(report->detail));
	else if (o->verdict == VERDICT_ATTACHED)
		attachment_take_attached(a, report, NULL);
	else if (o->change == CHANGE_KEPT)
		kept_by_worker(a, report);
	else
		nothing_attached(a, &report->outcome);
}

/* The helper. */

static void on_relinked(void *userdata, int error, int link_fd, uint32_t link_id)
{
	struct attachment *a = userdata;

	a->relinking = false;
	if (error < 0) {
		log_debug("%s: map %u could not be linked again (%s); loading afresh", a->name,
			  a->outcome.map_id, strerror(-error));
		attachment_step(a, MACHINE_RELINK_FAILED, a->machine.reason, NULL);
		return;
	}
	safe_close(a->handles.link_fd);
	a->handles.link_fd = link_fd;
	a->outcome.link_id = link_id;
	attachment_watch_or_warn(a);
	attachment_step(a, MACHINE_ATTACHED, a->machine.reason, NULL);
}

/* Carrying out. */

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct attachment *a = userdata;

	attachment_step(a, MACHINE_DEADLINE, a->machine.reason, NULL);
	return 0;
}

static int submit(struct attachment *a, const struct worker_task *task)
{
	return worker_submit(a->host->pool, task, &a->worker);
}

static void work_lost(struct attachment *a, int error)
{
	worker_lost(a, error == -ENOMEM ? "out of memory" : strerror(-error));
}

/* Its instances are attachments of their own, and there may be more of them at any time. */
static void load_template(struct attachment *a)
{
	a->host->load_template(a->host->userdata, a);
	attachment_step(a, MACHINE_AWAIT, a->machine.reason, attachment_detail(a));
}

static void load(struct attachment *a)
{
	const struct worker_task task = {
		.name = a->name,
		.keeps_priority = true,
		.run = run_load,
		.done = on_attach_done,
		.userdata = a,
	};
	int r;

	attachment_drop_handles(a);
	if (a->giving_back) /* on_given_back() goes on */
		return;
	a->device_removed = false;
	a->places_freed = *a->host->places_freed;
	if (a->takes_from) {
		attachment_load_in_place(a);
		return;
	}
	r = submit(a, &task);
	if (r < 0)
		work_lost(a, r);
}

void attachment_load_again(struct attachment *a)
{
	if (a->machine.state == STATE_LOADING && !a->worker && !a->relinking)
		load(a);
}

static void replace(struct attachment *a)
{
	const struct worker_task task = {
		.name = a->name,
		.keeps_priority = true,
		.keep_fds = attachment_keep_handles,
		.run = run_replace,
		.done = on_attach_done,
		.userdata = a,
	};
	int r;

	/* The worker may detach the old link: that is no foreign detach. */
	attachment_unwatch(a);
	r = submit(a, &task);
	if (r < 0)
		work_lost(a, r);
}

static void relink(struct attachment *a)
{
	int r = helper_relink(a->host->helper, a->handles.map_fd, on_relinked, a);

	if (r < 0) {
		log_debug("%s: no relink helper (%s); loading afresh", a->name, strerror(-r));
		attachment_step(a, MACHINE_RELINK_FAILED, a->machine.reason, NULL);
		return;
	}
	a->relinking = true;
}

static void cancel(struct attachment *a)
{
	attachment_unwatch(a);
	if (a->worker)
		worker_cancel(a->worker);
	else if (!a->relinking && !a->gives_to) /* it waits for room (attachment_load_again) */
		attachment_step(a, MACHINE_FAILED, a->machine.reason, NULL);
}

static void wait_for_deadline(struct attachment *a)
{
	int r;

	a->deadline_source = sd_event_source_disable_unref(a->deadline_source);
	r = sd_event_add_time(a->host->event, &a->deadline_source, CLOCK_MONOTONIC,
			      a->machine.deadline, USEC_PER_MSEC, on_deadline, a);
	if (r < 0)
		log_error_errno(r,
				"%s: cannot set the timer of the next attempt; restart it by hand",
				a->name);
}

void attachment_carry_out(struct attachment *a, enum machine_action action)
{
	switch (action) {
	case ACTION_NONE:
	case ACTION_GIVE_UP: /* the host sees the change to failed */
		break;
	case ACTION_LOAD:
		if (attachment_is_template(a))
			load_template(a);
		else
			load(a);
		break;
	case ACTION_RELINK:
		relink(a);
		break;
	case ACTION_REPLACE:
		replace(a);
		break;
	case ACTION_DETACH:
		attachment_detach(a);
		break;
	case ACTION_CANCEL:
		cancel(a);
		break;
	case ACTION_WAIT:
		wait_for_deadline(a);
		break;
	case _ACTION_MAX:
		abort();
	}
}
