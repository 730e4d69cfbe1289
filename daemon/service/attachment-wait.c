/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for something that no time brings: a module, a device, a place, a parent. */
#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/attachment-internal.h"

enum awaited attachment_awaits(const struct attachment *a)
{
	const struct machine *m = &a->machine;

	if (m->state != STATE_WAITING || m->deadline != USEC_INFINITY || attachment_is_template(a))
		return AWAITED_NOTHING;
	if (m->reason == REASON_DEVICE_GONE)
		return AWAITED_DEVICE;
	if (m->reason == REASON_KERNEL_EXIT)
		return AWAITED_PARENT;
	if (a->outcome.verdict == VERDICT_NO_PARENT)
		return AWAITED_PARENT;
	return a->outcome.verdict == VERDICT_TAKEN ? AWAITED_PLACE : AWAITED_TYPE;
}

void attachment_has_come(struct attachment *a, enum awaited what, enum reason reason,
			 const char *detail)
{
	if (attachment_awaits(a) == what)
		attachment_step(a, MACHINE_DEADLINE, reason, detail);
}

static char *describe_holder(const struct attachment *a, const char *holder)
{
	return sentence("the only place for %s is held by policy %s; attached when that ends",
			a->outcome.slot, holder);
}

bool attachment_await_place(struct attachment *a)
{
	const struct outcome *o = &a->outcome;
	const struct attachment *holder;
	_cleanup_(freep) char *detail = NULL;

	if (!o->slot)
		return false;
	holder = a->host->find_map(a->host->userdata, o->holder_map_id);
	/* Whoever had it may have gone while the worker looked. */
	a->place_foreign = !holder && a->places_freed == *a->host->places_freed;
	if (holder)
		detail = describe_holder(a, holder->name);
	attachment_step(a, MACHINE_AWAIT, REASON_ATTACH_FAILED, detail ? detail : o->detail);
	return true;
}

void attachment_name_holder(const struct attachment *a, struct outcome *o)
{
	bool is_taken = o->verdict == VERDICT_BUSY || o->verdict == VERDICT_TAKEN;
	const struct attachment *holder;
	char *detail;

	holder = is_taken ? a->host->find_map(a->host->userdata, o->holder_map_id) : NULL;
	if (!holder || holder == a)
		return;
	detail = sentence("policy %s is in its way: %s", holder->name, or_empty(o->detail));
	if (!detail) {
		(void)log_oom();
		return;
	}
	free(o->detail);
	o->detail = detail;
}

void attachment_place_passed_on(struct attachment *a, const char *holder)
{
	free(a->situation);
	a->situation = describe_holder(a, holder);
	if (!a->situation)
		(void)log_oom();
}
