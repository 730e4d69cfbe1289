/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking an attachment off, and giving back what was pointed at it. */
#include "common/log.h"
#include "daemon/service/attachment-internal.h"
#include "daemon/service/attachment-watch.h"

static int run_detach(void *userdata, struct outcome *ret_outcome,
		      struct kernel_handles *ret_handles)
{
	const struct attachment *a = userdata;

	ret_outcome->error = -kernel_detach(&a->handles, &a->outcome, &ret_outcome->notes);
	return 0;
}

/* Why it was taken off is also why it is inactive. */
static void detached_as_asked(struct attachment *a)
{
	const char *why = a->machine.again ? NULL : attachment_detail(a);

	attachment_drop_handles(a);
	attachment_step(a, MACHINE_DETACH_DONE, a->machine.reason, why);
}

/* What was pointed at it is given back, or never will be: then the notes say so. */
static void defaults_given_back(struct attachment *a, const struct worker_report *report)
{
	for (size_t i = 0; i < report->outcome.notes.n; i++)
		log_warning("%s: %s", a->name, report->outcome.notes.items[i]);
	outcome_forget_defaults(&a->outcome);
}

static void on_detach_done(void *userdata, struct worker_report *report)
{
	struct attachment *a = userdata;

	a->worker = NULL;
	defaults_given_back(a, report);
	a->counters.worker_failures += report->end == WORKER_LOST;
	if (report->end != WORKER_REPORTED)
		log_warning("%s: detaching (link %u, map %u): %s; closing it instead", a->name,
			    a->outcome.link_id, a->outcome.map_id, or_empty(report->detail));
	else if (report->outcome.error)
		log_warning_errno(report->outcome.error,
				  "%s: detaching link %u; closing it instead", a->name,
				  a->outcome.link_id);
	detached_as_asked(a);
}

/* The map alone is no attachment where links are used: it is kept to be linked again. */
static bool attachment_holds_something(const struct attachment *a)
{
	return a->handles.link_fd >= 0 || (a->handles.map_fd >= 0 && a->outcome.linkless);
}

void attachment_detach(struct attachment *a)
{
	const struct worker_task task = {
		.name = a->name,
		.urgent = true,
		.keeps_priority = true,
		.keep_fds = attachment_keep_handles,
		.run = run_detach,
		.done = on_detach_done,
		.userdata = a,
	};
	int r = -ENOLINK;

	attachment_unwatch(a);
	if (attachment_holds_something(a))
		r = worker_submit(a->host->pool, &task, &a->worker);
	if (r >= 0)
		return;
	if (r != -ENOLINK)
		log_warning_errno(r, "%s: no worker to detach link %u; closing it instead", a->name,
				  a->outcome.link_id);
	detached_as_asked(a);
}

/* It ended without a detach of ours, for good. */

static void on_given_back(void *userdata, struct worker_report *report)
{
	struct attachment *a = userdata;

	a->giving_back = false;
	if (report->end != WORKER_REPORTED)
		log_warning("%s: giving back what was pointed at it: %s", a->name,
			    or_empty(report->detail));
	defaults_given_back(a, report);
	attachment_load_again(a); /* started meanwhile, it waits for this */
	a->host->rested(a->host->userdata);
}

void attachment_give_back(struct attachment *a)
{
	const struct worker_task task = {
		.name = a->name,
		.urgent = true,
		.keeps_priority = true,
		.run = run_detach,
		.done = on_given_back,
		.userdata = a,
	};
	struct worker *worker;
	int r;

	if (a->outcome.n_defaults == 0 || a->giving_back)
		return;
	r = worker_submit(a->host->pool, &task, &worker);
	if (r < 0)
		log_error_errno(r, "%s: no worker to give back what was pointed at it", a->name);
	a->giving_back = r >= 0;
}
