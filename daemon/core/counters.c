/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/counters.h"

static const char *const reload_result_table[] = {
	[RELOAD_OK] = "ok",
	[RELOAD_FAILED] = "failed",
	[RELOAD_REFUSED] = "refused",
};
_Static_assert(ARRAY_SIZE(reload_result_table) == _RELOAD_RESULT_MAX, "every result has a word");
DEFINE_STRING_TABLE(reload_result, enum reload_result)

/* A detach or an update that was asked for goes through a state of its own. */
static bool is_detachment(const struct event *e)
{
	return e->from == STATE_ATTACHED && e->to != STATE_DETACHING && e->to != STATE_UPDATING;
}

static bool is_somebodys_wish(enum reason reason)
{
	switch (reason) {
	case REASON_BOOT:
	case REASON_ADMIN:
	case REASON_RELOAD:
	case REASON_ADOPTED:
	case REASON_FALLBACK:
		return true;
	default:
		return false;
	}
}

static bool is_failure(const struct event *e)
{
	if (is_somebodys_wish(e->reason) || e->to == STATE_DETACHING)
		return false;
	/* An update that failed is attached again: the former form. */
	return e->from == STATE_UPDATING || (e->from == STATE_LOADING && e->to != STATE_ATTACHED);
}

static struct exit_counter *exit_counter_of(struct counters *c, int kind)
{
	for (size_t i = 0; i < c->n_exits; i++)
		if (c->exits[i].kind == kind)
			return &c->exits[i];
	if (c->n_exits >= COUNTED_EXIT_KINDS_MAX && kind != EXIT_KIND_OTHER)
		return exit_counter_of(c, EXIT_KIND_OTHER);
	c->exits[c->n_exits].kind = kind;
	return &c->exits[c->n_exits++];
}

void counters_note_change(struct counters *c, const struct event *e, int exit_kind)
{
	if (is_detachment(e))
		c->detachments[e->reason]++;
	if (is_failure(e))
		c->failures[e->reason]++;
	if (e->to == STATE_LOADING && !is_somebodys_wish(e->reason))
		c->restarts[e->reason]++;
	if (exit_kind != 0)
		exit_counter_of(c, exit_kind)->n++;
}

static void add(struct span_counter *s, usec_t span)
{
	s->n++;
	s->sum += span;
}

void counters_note_attached(struct counters *c, const struct outcome *o)
{
	add(&c->load, o->load_usec);
	if (o->change == CHANGE_UPDATED || o->change == CHANGE_SWAPPED) {
		add(&c->update, o->attach_usec);
		add(&c->gap, o->gap_usec);
	} else {
		add(&c->attach, o->attach_usec);
	}
}
