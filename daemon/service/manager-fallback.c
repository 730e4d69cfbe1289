/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fallback=: when a policy has failed, the other one is attached; when the first is attached again, the other one
 * is taken off. Only what is inactive is ever started as a fallback, so two that name each other end.
 */
#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/manager-internal.h"

static bool is_fallback_for(const struct attachment *fallback, const struct attachment *a)
{
	return fallback->fallback_for && streq(fallback->fallback_for, a->name);
}

/* Inactive, or waiting for a place, which is the one that has become free. */
static bool can_stand_in(const struct attachment *fallback)
{
	return fallback->machine.state == STATE_INACTIVE ||
	       attachment_awaits(fallback) == AWAITED_PLACE;
}

static void stand_in(struct attachment *fallback, const char *detail)
{
	if (fallback->machine.state == STATE_INACTIVE) {
		attachment_start(fallback, REASON_FALLBACK, detail);
		return;
	}
	fallback->queues_again = true;
	attachment_has_come(fallback, AWAITED_PLACE, REASON_FALLBACK, detail);
}

static void start_fallback(struct manager *m, struct attachment *a)
{
	_cleanup_(freep) char *detail = NULL;
	struct attachment *fallback;

	fallback = manager_find(m, a->policy->fallback);
	if (!fallback || !fallback->policy) {
		log_warning("%s: Fallback=%s: %s", a->name, a->policy->fallback,
			    fallback ? "its policy does not parse" : "there is no such policy");
		return;
	}
	if (!can_stand_in(fallback)) {
		log_info("%s: Fallback=%s is %s already", a->name, fallback->name,
			 state_to_string(fallback->machine.state));
		return;
	}
	detail = sentence("%s has failed and names this policy as its Fallback=", a->name);
	free(fallback->fallback_for);
	fallback->fallback_for = strdup(a->name);
	if (!fallback->fallback_for)
		(void)log_oom();
	stand_in(fallback, detail);
}

static void stop_fallbacks(struct manager *m, struct attachment *a)
{
	_cleanup_(freep) char *detail =
		sentence("%s is attached again, its fallback is not needed any more", a->name);

	for (size_t i = 0; i < m->n_attachments; i++)
		if (is_fallback_for(m->attachments[i], a))
			attachment_stop(m->attachments[i], REASON_FALLBACK, detail);
}

static bool is_replaced(const struct manager *m, const struct attachment *fallback)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (a->policy && a->policy->fallback &&
		    streq(a->policy->fallback, fallback->name) && attachment_is_attached(a))
			return true;
	}
	return false;
}

/* It waited for its place before it stood in, on its own account: so it does again, behind the other one. */
static void queue_again(struct manager *m, struct attachment *fallback)
{
	if (!fallback->queues_again || fallback->removed ||
	    fallback->machine.state != STATE_INACTIVE || !is_replaced(m, fallback))
		return;
	fallback->queues_again = false;
	attachment_start(fallback, REASON_FALLBACK, "it waits for its place again");
}

void manager_fallback_changed(struct manager *m, struct attachment *a, const struct event *event)
{
	if (event->to == STATE_INACTIVE || event->to == STATE_FAILED) {
		free(a->fallback_for);
		a->fallback_for = NULL;
	}
	if (m->stopping || a->removed)
		return;
	if (event->to == STATE_FAILED && a->policy && a->policy->fallback && !a->no_fallback &&
	    !a->switched_from)
		start_fallback(m, a);
	else if (event->to == STATE_ATTACHED)
		stop_fallbacks(m, a);
	for (size_t i = 0; i < m->n_attachments; i++)
		queue_again(m, m->attachments[i]);
}

/* It failed before this daemon was there, and somebody has taken its fallback off since. */
static bool fallback_was_taken_off(const struct manager *m, const struct attachment *a)
{
	const struct attachment *fallback = manager_find(m, a->policy->fallback);

	return fallback && fallback->machine.state == STATE_INACTIVE &&
	       fallback->machine.reason == REASON_ADMIN;
}

void manager_fallback_review(struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (a->machine.state == STATE_FAILED && a->policy && a->policy->fallback &&
		    !fallback_was_taken_off(m, a))
			start_fallback(m, a);
	}
}

static void on_room_made(void *userdata, struct attachment *fallback, bool settled)
{
	attachment_load_again(userdata);
}

bool manager_fallback_make_room(struct manager *m, struct attachment *a)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *fallback = m->attachments[i];

		if (!is_fallback_for(fallback, a) || !attachment_is_attached(fallback))
			continue;
		attachment_stop(fallback, REASON_FALLBACK,
				"the policy that it stands in for wants its place back");
		return attachment_wait(fallback, on_room_made, a) >= 0;
	}
	return false;
}
