/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One policy in place of another. A single worker loads the new one beside the old one's descriptors and brings it in,
 * so nothing is let go before the other is attached. The old one is updating meanwhile, the new one loading; which of
 * the two goes on is enum change, as with a policy that has changed.
 */
#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/attachment-internal.h"
#include "daemon/service/attachment-watch.h"

static int run_take_place(void *userdata, struct outcome *ret_outcome,
			  struct kernel_handles *ret_handles)
{
	const struct attachment *a = userdata, *former = a->takes_from;
	_cleanup_(freep) char *end_file = attachment_exit_path(a);
	_cleanup_(freep) char *log_file = attachment_log_path(a);
	const struct kernel_job job = {
		.policy = a->policy,
		.object_path = a->host->object_path,
		.old = &former->handles,
		.before = &former->outcome,
		.end_file = end_file,
		.log_file = log_file,
	};

	return kernel_attach(&job, ret_outcome, ret_handles);
}

static void keep_former_handles(void *userdata, int ret_fds[MESSAGE_FDS_MAX])
{
	const struct attachment *a = userdata;

	attachment_keep_handles(a->takes_from, ret_fds);
}

/* Each of them is on its own again. */
static struct attachment *part(struct attachment *a)
{
	struct attachment *former = a->takes_from;

	a->takes_from = NULL;
	former->gives_to = NULL;
	return former;
}

/* It succeeded. */

/* Whoever was there first is whom to go back to, however often it was switched since. */
static char *first_of(struct attachment *a, struct attachment *former)
{
	char *first = former->switched_from ? TAKE_PTR(former->switched_from)
					    : strdup(former->name);

	if (!first) {
		(void)log_oom();
	} else if (streq(first, a->name)) {
		free(first);
		first = NULL;
	}
	return first;
}

void attachment_note_switch(struct attachment *a, struct attachment *former, usec_t ends)
{
	char *first = first_of(a, former);

	attachment_forget_switch(former);
	attachment_forget_switch(a);
	a->switched_from = first;
	a->switch_ends = ends;
}

void attachment_forget_switch(struct attachment *a)
{
	free(a->switched_from);
	a->switched_from = NULL;
	a->switch_source = sd_event_source_disable_unref(a->switch_source);
}

static void took_place(struct attachment *a, struct worker_report *report)
{
	_cleanup_(freep) char *detail = sentence("%s was put in its place", a->name);
	struct attachment *former = part(a);

	/* As if the link had been its own all the time; where it was not updated, it is closed. */
	attachment_unwatch(former);
	if (report->outcome.change == CHANGE_UPDATED) {
		a->handles.link_fd = TAKE_FD(former->handles.link_fd);
		a->outcome.link_id = former->outcome.link_id;
	}
	kernel_handles_close(&former->handles);
	outcome_forget_defaults(&former->outcome); /* they went over */
	if (former->machine.state == STATE_UPDATING)
		attachment_note_switch(a, former, a->switch_wanted);
	attachment_take_attached(a, report, former->name);
	attachment_step(former, MACHINE_SUPERSEDED, REASON_ADMIN, detail);
}

/* It failed. */

static void fail(struct attachment *a, enum reason reason, const struct attachment *former,
		 bool kept, const char *why)
{
	bool goes_on = kept && former->machine.state == STATE_UPDATING;
	_cleanup_(freep) char *detail = sentence("it could not be put in place of %s%s: %s",
						 former->name, goes_on ? ", which goes on" : "",
						 or_empty(why));

	/* What is to stand where it cannot is the former one. */
	a->no_fallback = true;
	attachment_step(a, MACHINE_REFUSED, reason, detail);
	a->no_fallback = false;
}

static void goes_on(struct attachment *former, const struct attachment *a, const char *why)
{
	_cleanup_(freep) char *detail = NULL;

	attachment_watch_or_warn(former);
	if (!attachment_survived(former))
		return;
	detail = sentence("it goes on (link %u): %s was not put in its place: %s",
			  former->outcome.link_id, a->name, or_empty(why));
	attachment_step(former, MACHINE_KEPT, REASON_ADMIN, detail);
}

static void lost(struct attachment *former, const struct attachment *a, enum reason reason,
		 const char *why)
{
	_cleanup_(freep) char *detail =
		sentence("%s was to be put in its place, and now neither is "
			 "attached: %s",
			 a->name, or_empty(why));

	if (former->machine.state != STATE_DETACHING)
		attachment_drop_handles(former);
	attachment_step(former, MACHINE_FAILED, reason, detail);
}

/* Nobody knows how far the worker came: believe only what the kernel says of what is held. */
static void worker_lost(struct attachment *a, const char *why)
{
	struct attachment *former = part(a);
	uint32_t map_id;
	bool lives = kernel_state(&former->handles, &map_id) > 0;
	bool same = lives && map_id == former->outcome.map_id;

	fail(a, REASON_WORKER_TIMEOUT, former, same, why);
	if (same || (lives && former->machine.state == STATE_DETACHING))
		goes_on(former, a, why);
	else if (lives)
		attachment_start_over(former, why);
	else
		lost(former, a, REASON_WORKER_TIMEOUT, why);
}

static void worker_failed(struct attachment *a, const char *why)
{
	a->counters.worker_failures++;
	worker_lost(a, why);
}

static void refused(struct attachment *a, struct worker_report *report)
{
	struct attachment *former = part(a);
	struct outcome *o = &report->outcome;
	bool kept = o->change == CHANGE_KEPT;
	_cleanup_(freep) char *why = NULL,
			      *end = strdup(o->notes.n ? o->notes.items[o->notes.n - 1] : "");

	attachment_name_holder(a, o);
	why = strdup(or_empty(o->detail));
	if (kept)
		attachment_take_new_link(former, report);
	attachment_take_failure(a, o);
	fail(a, attachment_reason_of(&a->outcome), former, kept, why);
	if (kept)
		goes_on(former, a, why);
	else
		lost(former, a, REASON_ATTACH_FAILED, end);
}

static void on_take_place_done(void *userdata, struct worker_report *report)
{
	struct attachment *a = userdata;

	a->worker = NULL;
	if (report->end == WORKER_CANCELLED)
		worker_lost(a, "that was taken back");
	else if (report->end == WORKER_LOST)
		worker_failed(a, report->detail);
	else if (report->outcome.verdict == VERDICT_ATTACHED)
		took_place(a, report);
	else
		refused(a, report);
}

void attachment_load_in_place(struct attachment *a)
{
	const struct worker_task task = {
		.name = a->name,
		.keeps_priority = true,
		.keep_fds = keep_former_handles,
		.run = run_take_place,
		.done = on_take_place_done,
		.userdata = a,
	};
	int r = worker_submit(a->host->pool, &task, &a->worker);

	if (r < 0)
		worker_failed(a, r == -ENOMEM ? "out of memory" : strerror(-r));
}

void attachment_take_place(struct attachment *a, struct attachment *former, usec_t ends)
{
	_cleanup_(freep) char *loses = sentence("%s is being put in its place", a->name);
	_cleanup_(freep) char *gains = sentence("it is being put in place of %s", former->name);

	a->switch_wanted = ends;
	a->before_switch = a->machine;
	a->takes_from = former;
	former->gives_to = a;
	/* The worker may detach the link: that is no foreign detach. */
	attachment_unwatch(former);
	attachment_step(former, MACHINE_YIELD, REASON_ADMIN, loses);
	attachment_start(a, REASON_ADMIN, gains);
}
