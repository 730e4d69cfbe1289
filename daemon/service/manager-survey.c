/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others have attached: a worker looks through all links, maps, processes and pins. */
#include "common/sentence.h"
#include "daemon/service/manager-internal.h"

struct manager_survey {
	TAILQ_ENTRY(manager_survey) entry;
	struct manager *manager;
	manager_surveyed_t callback; /* NULL: nobody waits any more */
	void *userdata;
};

static void survey_free(struct manager_survey *s)
{
	TAILQ_REMOVE(&s->manager->surveys, s, entry);
	free(s);
}

void manager_surveys_free(struct manager *m)
{
	struct manager_survey *s;

	while ((s = TAILQ_FIRST(&m->surveys)))
		survey_free(s);
}

/* In the worker, which has the attachments as they were when it was forked. */
static int run_survey(void *userdata, struct outcome *ret_outcome,
		      struct kernel_handles *ret_handles)
{
	const struct manager *m = ((struct manager_survey *)userdata)->manager;
	_cleanup_(freep) uint32_t *ours = calloc(m->n_attachments + 1, sizeof(*ours));
	size_t n = 0;
	int r;

	if (!ours)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_attachments; i++)
		if (attachment_is_attached(m->attachments[i]))
			ours[n++] = m->attachments[i]->outcome.map_id;
	r = kernel_survey(ours, n, ret_outcome);
	if (r == -ENOMEM)
		return r;
	ret_outcome->error = -r;
	return 0;
}

static void on_surveyed(void *userdata, struct worker_report *report)
{
	_cleanup_(freep) char *error = NULL;
	struct manager_survey *s = userdata;

	if (report->end != WORKER_REPORTED)
		error = sentence("what others have attached is not known: %s",
				 or_empty(report->detail));
	else if (report->outcome.error)
		error = sentence("what others have attached cannot be looked up: %s",
				 strerror(report->outcome.error));
	if (s->callback)
		s->callback(s->userdata, &report->outcome, error);
	survey_free(s);
}

int manager_survey(struct manager *m, manager_surveyed_t callback, void *userdata,
		   struct manager_survey **ret)
{
	struct manager_survey *s = calloc(1, sizeof(*s));
	const struct worker_task task = {
		.name = "survey",
		.run = run_survey,
		.done = on_surveyed,
		.userdata = s,
	};
	struct worker *worker;
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct manager_survey){.manager = m, .callback = callback, .userdata = userdata};
	TAILQ_INSERT_TAIL(&m->surveys, s, entry);
	r = worker_submit(m->pool, &task, &worker);
	if (r < 0) {
		survey_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void manager_survey_forget(struct manager_survey *s)
{
	if (s)
		s->callback = NULL;
}
