/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slots: what only one attachment can have, such as being the scheduler. Who comes second waits, and takes over when
 * the first has ended for good. Nothing is remembered of who waits for whom: whenever something has changed, what
 * stands is looked at anew, so no end can be missed.
 */
#include "daemon/service/manager-internal.h"

const struct attachment *manager_slot_find_map(const struct manager *m, uint32_t map_id)
{
	for (size_t i = 0; map_id && i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (a->handles.map_fd >= 0 && a->outcome.map_id == map_id)
			return a;
	}
	return NULL;
}

/* It has the slot, or will take it before anybody who waits for its end may. */
static bool claims(const struct attachment *a, const char *slot)
{
	const struct machine *m = &a->machine;

	if (m->state == STATE_WAITING && m->deadline == USEC_INFINITY)
		return false;
	if (m->state != STATE_WAITING && attachment_is_at_rest(a))
		return false;
	/* What a stand-in will be is not known before it was loaded once; it comes first. */
	return a->outcome.slot ? streq(a->outcome.slot, slot) : a->fallback_for != NULL;
}

static const struct attachment *find_claimant(const struct manager *m, const char *slot)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		if (claims(m->attachments[i], slot))
			return m->attachments[i];
	return NULL;
}

static void review(struct manager *m, struct attachment *a)
{
	const struct attachment *claimant;

	if (attachment_awaits(a) != AWAITED_PLACE)
		return;
	claimant = find_claimant(m, a->outcome.slot);
	if (claimant && attachment_is_attached(claimant))
		attachment_place_passed_on(a, claimant->name);
	else if (!claimant && !a->place_foreign)
		attachment_has_come(a, AWAITED_PLACE, a->machine.reason,
				    "the place that it waits for may be free");
}

void manager_slot_review(struct manager *m)
{
	if (m->stopping)
		return;
	for (size_t i = 0; i < m->n_attachments; i++)
		review(m, m->attachments[i]);
}

void manager_slot_changed(struct manager *m, const struct event *event)
{
	/* An attempt that is on its way may have seen the kernel as it was before. */
	if (event->from == STATE_ATTACHED || event->from == STATE_UPDATING ||
	    event->from == STATE_DETACHING)
		m->places_freed++;
}

/* place NULL: any. */
static void no_longer_foreign(struct manager *m, const char *place)
{
	m->places_freed++;
	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (attachment_awaits(a) == AWAITED_PLACE &&
		    (!place || streq(place, a->outcome.slot)))
			a->place_foreign = false;
	}
	manager_tidy_soon(m);
}

static void parent_has_come(struct manager *m)
{
	m->places_freed++;
	for (size_t i = 0; i < m->n_attachments; i++)
		attachment_has_come(m->attachments[i], AWAITED_PARENT,
				    m->attachments[i]->machine.reason,
				    "the scheduler that it waits for may be there");
}

void manager_slot_uevent(struct manager *m, const struct uevent *e)
{
	_cleanup_(freep) char *place = kernel_uevent_place(e);

	if (!place)
		return;
	if (streq(e->action, "add"))
		parent_has_come(m);
	else if (streq(e->action, "remove"))
		no_longer_foreign(m, place);
}

void manager_slot_uevents_lost(struct manager *m)
{
	no_longer_foreign(m, NULL);
}
