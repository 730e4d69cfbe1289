/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * switch: a policy in place of whichever of ours has the same slot, and back again. Nothing is remembered of what a
 * switch waits for: whenever something has changed, what stands is looked at anew (manager_switch_review()).
 */
#include <time.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/manager-internal.h"

enum phase {
	PHASE_CHECKING,  /* a worker finds out which slot it takes */
	PHASE_READY,     /* begins as soon as nobody concerned is busy */
	PHASE_UNDER_WAY, /* a worker puts it in its place, or attaches it where there is nobody */
};

struct manager_switch {
	TAILQ_ENTRY(manager_switch) entry;
	struct manager *manager;
	char *name;   /* of the policy to be attached */
	char *former; /* in whose place; NULL: not known yet, or nobody's */
	char *slot;   /* NULL: it has none, or former says enough */
	usec_t ends;
	bool back; /* former was in its place */
	enum phase phase;
	struct manager_check *check;
	manager_switched_t callback; /* NULL: nobody waits */
	void *userdata;
};

static void switch_free(struct manager_switch *s)
{
	TAILQ_REMOVE(&s->manager->switches, s, entry);
	manager_check_forget(s->check);
	free(s->name);
	free(s->former);
	free(s->slot);
	free(s);
}

void manager_switches_free(struct manager *m)
{
	struct manager_switch *s;

	while ((s = TAILQ_FIRST(&m->switches))) {
		s->check = NULL;
		switch_free(s);
	}
}

void manager_switch_disown(struct manager_switch *s)
{
	if (s)
		s->callback = NULL;
}

bool manager_switch_is_busy(const struct manager *m)
{
	const struct manager_switch *s;

	TAILQ_FOREACH(s, &m->switches, entry)
	if (s->phase == PHASE_UNDER_WAY)
		return true;
	return false;
}

/* The way back did not work by itself: it is not tried again, or it would fail at the worst of times. */
static void stay_for_good(struct manager *m, const char *name)
{
	struct attachment *a = name ? manager_find(m, name) : NULL;

	if (!a || !a->switched_from || m->stopping)
		return;
	a->switch_source = sd_event_source_disable_unref(a->switch_source);
	a->switch_ends = SWITCH_FOR_GOOD;
	manager_keep(m, a);
}

static void finish(struct manager_switch *s, bool done, const char *text)
{
	struct manager *m = s->manager;

	if (s->back && !done) {
		log_error("%s was not put back in its place: %s", s->name, text);
		stay_for_good(m, s->former);
	}
	if (s->callback)
		s->callback(s->userdata, done, text);
	switch_free(s);
	manager_reload_go_on(m);
}

/* When it goes back by itself. */

static int on_switch_ends(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct attachment *a = userdata;
	struct manager *m = a->host->userdata;
	int r;

	if (m->stopping) /* the next daemon's turn */
		return 0;
	log_info("%s: its time in place of %s is over", a->name, a->switched_from);
	r = manager_switch_back(m, a, NULL, NULL, NULL);
	if (r < 0)
		log_error_errno(r, "%s: it stays in place of %s; switch back by hand", a->name,
				a->switched_from);
	return 0;
}

static void set_timer(struct manager *m, struct attachment *a)
{
	int r;

	a->switch_source = sd_event_source_disable_unref(a->switch_source);
	if (a->switch_ends == SWITCH_FOR_GOOD || a->switch_ends == SWITCH_UNTIL_RESTART)
		return;
	r = sd_event_add_time(m->event, &a->switch_source, CLOCK_MONOTONIC, a->switch_ends,
			      USEC_PER_MSEC, on_switch_ends, a);
	if (r < 0)
		log_error_errno(r,
				"%s: cannot set the timer; it stays in place of %s until you "
				"switch back by hand",
				a->name, a->switched_from);
}

void manager_switch_resume(struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (!a->switched_from)
			continue;
		if (attachment_is_at_rest(a) && a->machine.state != STATE_WAITING)
			attachment_forget_switch(a);
		else if (a->switch_ends != SWITCH_UNTIL_RESTART)
			set_timer(m, a);
		else if (manager_switch_back(m, a, NULL, NULL, NULL) < 0)
			(void)log_oom();
	}
}

/* Its progress. */

static bool is_holder(const struct manager_switch *s, const struct attachment *a)
{
	if (streq(a->name, s->name))
		return false;
	return s->former ? streq(a->name, s->former)
			 : s->slot && a->outcome.slot && streq(a->outcome.slot, s->slot);
}

/* It tries to get the place again, as opposed to one that waits for whoever has it. */
static bool is_due(const struct attachment *a)
{
	return a->machine.state == STATE_WAITING && a->machine.deadline != USEC_INFINITY;
}

/* Who has the place, or is on the way to it; where there is none such, who will try again. */
static struct attachment *find_holder(struct manager *m, const struct manager_switch *s)
{
	struct attachment *due = NULL;

	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (!is_holder(s, a))
			continue;
		if (attachment_is_attached(a) || state_is_busy(a->machine.state))
			return a;
		if (is_due(a))
			due = a;
	}
	return due;
}

static void replace_waiting(struct manager_switch *s, struct attachment *a,
			    struct attachment *holder)
{
	_cleanup_(freep) char *loses = sentence("%s was put in its place", a->name);
	_cleanup_(freep) char *gains = sentence("in place of %s, which was waiting", holder->name);

	attachment_note_switch(a, holder, s->ends);
	attachment_stop(holder, REASON_ADMIN, loses);
	attachment_start(a, REASON_ADMIN, gains);
}

static void begin_alone(struct manager_switch *s, struct attachment *a)
{
	_cleanup_(freep) char *text = NULL;

	if (s->ends == SWITCH_FOR_GOOD || s->back) {
		s->phase = PHASE_UNDER_WAY;
		attachment_start(a, REASON_ADMIN, "nothing of ours was in its place");
		return;
	}
	text = sentence("no policy is attached in its place%s%s, so there is nothing to go back to "
			"later: attach it instead",
			s->slot ? ", " : "", or_empty(s->slot));
	finish(s, false, or_empty(text));
}

static void begin(struct manager_switch *s, struct attachment *a)
{
	struct attachment *holder = find_holder(s->manager, s);
	char *former;

	if (holder && state_is_busy(holder->machine.state))
		return;
	if (!holder) {
		begin_alone(s, a);
		return;
	}
	former = strdup(holder->name);
	if (!former) {
		finish(s, false, "out of memory: nothing was changed");
		return;
	}
	free(s->former);
	s->former = former;
	s->phase = PHASE_UNDER_WAY;
	if (attachment_is_attached(holder))
		attachment_take_place(a, holder, s->ends);
	else
		replace_waiting(s, a, holder);
}

static void begin_if_possible(struct manager_switch *s)
{
	struct attachment *a = manager_find(s->manager, s->name);

	if (s->manager->stopping)
		finish(s, false, "the daemon is being stopped: nothing was changed");
	else if (!a || a->removed || !a->policy)
		finish(s, false,
		       a && !a->policy ? "its policy does not parse" : "the policy was removed");
	else if (attachment_is_attached(a) && !state_is_busy(a->machine.state))
		finish(s, true, "it is attached already, there is nothing to do");
	else if (!state_is_busy(a->machine.state) && !a->giving_back)
		begin(s, a);
}

static void conclude(struct manager_switch *s)
{
	struct attachment *a = manager_find(s->manager, s->name);
	_cleanup_(freep) char *text = NULL;
	const char *detail;

	if (!a) {
		finish(s, false, "the policy was removed");
		return;
	}
	if (a->takes_from || state_is_busy(a->machine.state))
		return;
	if (a->switched_from)
		set_timer(s->manager, a);
	detail = attachment_detail(a);
	text = sentence("%s%s%s%s", state_to_string(a->machine.state), *detail ? ": " : "", detail,
			s->former || !attachment_is_attached(a)
				? ""
				: "; nothing of ours was in its place");
	finish(s, attachment_is_attached(a), or_empty(text));
}

static void forget_if_moot(struct manager *m, struct attachment *a)
{
	const struct attachment *former = manager_find(m, a->switched_from);

	if (former && !former->removed && !attachment_is_attached(former))
		return;
	log_info("%s: it stays: %s, in whose place it is, %s", a->name, a->switched_from,
		 former && !former->removed ? "is attached beside it" : "is gone");
	attachment_forget_switch(a);
	manager_keep(m, a);
}

void manager_switch_review(struct manager *m)
{
	struct manager_switch *s, *next;

	for (s = TAILQ_FIRST(&m->switches); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->phase == PHASE_UNDER_WAY)
			conclude(s);
		else if (s->phase == PHASE_READY || m->stopping)
			begin_if_possible(s);
	}
	for (size_t i = 0; i < m->n_attachments; i++)
		if (m->attachments[i]->switched_from &&
		    m->attachments[i]->machine.state == STATE_ATTACHED)
			forget_if_moot(m, m->attachments[i]);
}

/* What ends it otherwise. */

void manager_switch_forget(struct manager *m, const struct attachment *former, const char *why)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (!a->switched_from || !streq(a->switched_from, former->name))
			continue;
		log_info("%s: it stays for good in place of %s: %s", a->name, former->name, why);
		attachment_forget_switch(a);
		manager_keep(m, a);
	}
}

/* Who was put in another one's place has ended: unless an administrator took it off, the other one is due again. */
void manager_switch_changed(struct manager *m, struct attachment *a, const struct event *event)
{
	_cleanup_(freep) char *detail = NULL;
	struct attachment *former;

	if (!a->switched_from || m->stopping || a->takes_from ||
	    (event->to != STATE_INACTIVE && event->to != STATE_FAILED))
		return;
	former = manager_find(m, a->switched_from);
	attachment_forget_switch(a);
	if (event->reason == REASON_ADMIN || !former || !former->policy || former->removed)
		return;
	detail = sentence("%s, which was in its place, has ended", a->name);
	attachment_start(former, event->reason == REASON_RELOAD ? REASON_RELOAD : REASON_FALLBACK,
			 detail);
}

/* How it begins. */

static void on_checked(void *userdata, const struct outcome *outcome, const char *refusal)
{
	struct manager_switch *s = userdata;

	s->check = NULL;
	if (refusal) {
		finish(s, false, refusal);
		return;
	}
	s->slot = outcome->slot ? strdup(outcome->slot) : NULL;
	if (outcome->slot && !s->slot) {
		finish(s, false, "out of memory: nothing was changed");
		return;
	}
	s->phase = PHASE_READY;
	begin_if_possible(s);
}

static int check(struct manager_switch *s, const struct attachment *a)
{
	struct policy *copy;
	int r = policy_copy(a->policy, &copy);

	return r < 0 ? r : manager_check(s->manager, copy, on_checked, s, &s->check);
}

static int switch_new(struct manager *m, const struct attachment *a, const char *former,
		      struct manager_switch **ret)
{
	struct manager_switch *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct manager_switch){.manager = m, .back = former, .ends = SWITCH_FOR_GOOD};
	TAILQ_INSERT_TAIL(&m->switches, s, entry);
	s->name = strdup(a->name);
	s->former = former ? strdup(former) : NULL;
	if (!s->name || (former && !s->former)) {
		switch_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

static int answer(manager_switched_t callback, void *userdata, bool done, const char *text,
		  struct manager_switch **ret)
{
	if (ret)
		*ret = NULL;
	if (callback)
		callback(userdata, done, text);
	return 0;
}

static bool is_under_way(const struct manager *m, const char *name)
{
	const struct manager_switch *s;

	TAILQ_FOREACH(s, &m->switches, entry)
	if (streq(s->name, name))
		return true;
	return false;
}

/* NULL: nothing speaks against it. */
static const char *why_not(const struct manager *m, const struct attachment *a)
{
	if (m->stopping)
		return "the daemon is being stopped: nothing was changed";
	if (a->removed)
		return "the policy was removed";
	if (!a->policy)
		return attachment_detail(a);
	if (attachment_is_template(a))
		return "it is a template: it attaches nothing itself, so it has no place";
	return is_under_way(m, a->name) ? "it is being put in its place already" : NULL;
}

/* Only the time may still be changed. */
static int already_attached(struct manager *m, struct attachment *a, usec_t ends,
			    manager_switched_t callback, void *userdata,
			    struct manager_switch **ret)
{
	_cleanup_(freep) char *text = NULL;

	if (!a->switched_from)
		return answer(callback, userdata, ends == SWITCH_FOR_GOOD,
			      ends == SWITCH_FOR_GOOD
				      ? "it is attached already, there is nothing to do"
				      : "it is attached already, and in nobody's place: there is "
					"nothing to go back to later",
			      ret);
	a->switch_ends = ends;
	set_timer(m, a);
	manager_keep(m, a);
	text = sentence("it is in place of %s already; when that ends was changed",
			a->switched_from);
	return answer(callback, userdata, true, or_empty(text), ret);
}

int manager_switch(struct manager *m, struct attachment *a, usec_t ends,
		   manager_switched_t callback, void *userdata, struct manager_switch **ret)
{
	const char *refusal = why_not(m, a);
	struct manager_switch *s;
	int r;

	if (refusal)
		return answer(callback, userdata, false, refusal, ret);
	if (a->machine.state == STATE_ATTACHED)
		return already_attached(m, a, ends, callback, userdata, ret);
	r = switch_new(m, a, NULL, &s);
	if (r < 0)
		return r;
	s->ends = ends;
	r = check(s, a);
	if (r < 0) {
		switch_free(s);
		return r;
	}
	s->callback = callback;
	s->userdata = userdata;
	if (ret)
		*ret = s;
	return 0;
}

int manager_switch_back(struct manager *m, struct attachment *a, manager_switched_t callback,
			void *userdata, struct manager_switch **ret)
{
	struct attachment *former = a->switched_from ? manager_find(m, a->switched_from) : NULL;
	const char *refusal = former ? why_not(m, former) : "it is not in place of another policy";
	struct manager_switch *s;
	int r;

	if (refusal && !callback) {
		log_error("%s: it stays in place of %s: %s", a->name, or_empty(a->switched_from),
			  refusal);
		stay_for_good(m, a->name);
	}
	if (refusal)
		return answer(callback, userdata, false, refusal, ret);
	r = switch_new(m, former, a->name, &s);
	if (r < 0)
		return r;
	s->callback = callback;
	s->userdata = userdata;
	s->phase = PHASE_READY;
	if (ret)
		*ret = s;
	manager_tidy_soon(m);
	return 0;
}
