/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/scx.h"

#include <inttypes.h>

#include "live/root.h"

#define FOLDER "/sys/kernel/sched_ext"
#define NAME_MAX_LENGTH 127
#define EVENTS_MAX 256 /* 7.3 has 20 */

static int add_event(struct scx_status *s, const char *name, uint64_t count)
{
	struct scx_event *grown = reallocarray(s->events, s->n_events + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->events = grown;
	grown[s->n_events].name = strdup(name);
	grown[s->n_events].count = count;
	return grown[s->n_events++].name ? 0 : -ENOMEM;
}

/* "SCX_EV_SELECT_CPU_FALLBACK 12", a line each. */
static int parse_events(struct scx_status *s, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) && s->n_events < EVENTS_MAX) {
		char name[NAME_MAX_LENGTH + 1];
		uint64_t count;

		if (sscanf(line, "%127s %" SCNu64, name, &count) == 2 &&
		    add_event(s, name, count) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* -ENOMEM is the only error: what is not there, or goes while it is read, is NULL. */
static int read_if_there(const char *root, const char *path, char **ret)
{
	return root_read(root, path, ret) == -ENOMEM ? -ENOMEM : 0;
}

int scx_status_read(const char *root, struct scx_status *ret)
{
	_cleanup_(scx_status_done) struct scx_status s = {0};
	_cleanup_(freep) char *events = NULL;
	int r;

	r = read_if_there(root, FOLDER "/state", &s.state);
	if (r == 0)
		r = read_if_there(root, FOLDER "/root/ops", &s.scheduler);
	if (r == 0)
		r = read_if_there(root, FOLDER "/root/events", &events);
	if (r == 0 && events)
		r = parse_events(&s, events);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct scx_status){0};
	return 0;
}

void scx_status_done(struct scx_status *s)
{
	for (size_t i = 0; i < s->n_events; i++)
		free(s->events[i].name);
	free(s->events);
	free(s->scheduler);
	free(s->state);
	*s = (struct scx_status){0};
}

const struct scx_event *scx_status_event(const struct scx_status *s, const char *name)
{
	for (size_t i = 0; i < s->n_events; i++)
		if (streq(s->events[i].name, name))
			return &s->events[i];
	return NULL;
}
