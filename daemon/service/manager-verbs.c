/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a verb does with an attachment, of a template with all its instances; and when it is done. */
#include "daemon/service/manager-internal.h"

static bool may_start(struct attachment *a, const char **ret_sentence)
{
	if (a->policy && !a->removed)
		return true;
	*ret_sentence = a->policy && !a->template ? "the policy was removed" : attachment_detail(a);
	return false;
}

static void start_by_hand(struct attachment *a)
{
	attachment_start(a, REASON_ADMIN, NULL);
}

static void restart_by_hand(struct attachment *a)
{
	if (a->takes_from || a->gives_to) /* an instance of a template */
		return;
	if (a->machine.state == STATE_INACTIVE)
		attachment_start(a, REASON_ADMIN, NULL);
	else
		attachment_replace(a, REASON_ADMIN, NULL);
}

/* Those whose devices are there. */
static void each_instance(struct manager *m, const struct attachment *t,
			  void (*verb)(struct attachment *a))
{
	for (size_t i = 0; i < m->n_attachments; i++)
		if (manager_is_instance_of(m->attachments[i], t) && !m->attachments[i]->removed)
			verb(m->attachments[i]);
}

bool manager_attach(struct manager *m, struct attachment *a, const char **ret_sentence)
{
	if (!may_start(a, ret_sentence))
		return false;
	start_by_hand(a);
	each_instance(m, a, start_by_hand);
	return true;
}

bool manager_detach(struct manager *m, struct attachment *a, const char **ret_sentence)
{
	if (a->machine.state == STATE_INVALID) {
		*ret_sentence = "nothing is attached: the policy does not parse";
		return false;
	}
	manager_switch_forget(m, a, "that was detached by hand");
	attachment_stop(a, REASON_ADMIN, NULL);
	return true;
}

bool manager_restart(struct manager *m, struct attachment *a, const char **ret_sentence)
{
	if (!may_start(a, ret_sentence))
		return false;
	if (a->takes_from || a->gives_to) {
		*ret_sentence = "a switch of it is under way: try again when that is done";
		return false;
	}
	each_instance(m, a, restart_by_hand); /* first: it may bring new ones */
	restart_by_hand(a);
	return true;
}

void manager_reset_failed(struct manager *m, struct attachment *a)
{
	attachment_reset_failed(a);
	each_instance(m, a, attachment_reset_failed);
}

/* When it is done. */

struct attachment *manager_find_busy(const struct manager *m, struct attachment *a)
{
	if (state_is_busy(a->machine.state))
		return a;
	for (size_t i = 0; i < m->n_attachments; i++)
		if (manager_is_instance_of(m->attachments[i], a) &&
		    state_is_busy(m->attachments[i]->machine.state))
			return m->attachments[i];
	return NULL;
}

static bool is_in(const struct attachment *a, enum state wanted)
{
	return a->machine.state == wanted && !(wanted == STATE_ATTACHED && a->stale);
}

bool manager_is_as_wanted(const struct manager *m, const struct attachment *a, enum state wanted)
{
	if (!attachment_is_template(a))
		return is_in(a, wanted);
	if (a->machine.state != (wanted == STATE_ATTACHED ? STATE_WAITING : wanted))
		return false;
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *instance = m->attachments[i];
		bool leaving = instance->removed && wanted == STATE_ATTACHED;

		if (manager_is_instance_of(instance, a) && !leaving && !is_in(instance, wanted))
			return false;
	}
	return true;
}
