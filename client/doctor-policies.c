/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/doctor-output.h"
#include "common/names.h"
#include "common/sentence.h"
#include "daemon/core/policy.h"

static void judge_template(struct findings *f, const char *id, const struct policy_row *row,
			   const struct policy_rows *rows)
{
	if (policy_row_is_in_effect(row, rows))
		findings_add(f, SEVERITY_OK, id, "all %u instances are attached", row->instances);
	else if (row->instances == 0)
		findings_add(f, SEVERITY_NOTE, id, "a template that waits for its first device");
	else
		findings_add(f, SEVERITY_WARNING, id, "not all of its %u instances are attached",
			     row->instances);
}

static void judge_inactive(struct findings *f, const char *id, const struct policy_row *row)
{
	if (!row->enabled) {
		findings_add(f, SEVERITY_OK, id, "not enabled, and not attached");
		return;
	}
	findings_add(f, SEVERITY_WARNING, id, "enabled, and not attached (%s)",
		     row->reason ?: "nothing has happened yet");
	findings_remedy(f, "structopsctl attach %s", row->name);
}

static void judge_by_state(struct findings *f, const char *id, const struct policy_row *row)
{
	const char *detail = row->detail && *row->detail ? row->detail : row->reason;

	switch (state_from_string(row->state)) {
	case STATE_FAILED:
		findings_add(f, SEVERITY_ERROR, id, "failed: %s", or_empty(detail));
		findings_remedy(
			f, "structopsctl status %s tells more; structopsctl restart %s tries again",
			row->name, row->name);
		break;
	case STATE_INVALID:
		findings_add(f, SEVERITY_ERROR, id, "invalid: %s", or_empty(detail));
		findings_remedy(f, "mend the file, then: structopsctl reload");
		break;
	case STATE_INACTIVE:
		judge_inactive(f, id, row);
		break;
	case STATE_WAITING:
		findings_add(f, SEVERITY_WARNING, id, "waiting: %s", or_empty(detail));
		findings_remedy(f, "structopsctl status %s tells what for", row->name);
		break;
	default:
		findings_add(f, SEVERITY_NOTE, id, "%s at this moment", row->state);
	}
}

static void judge(struct findings *f, const char *id, const struct policy_row *row,
		  const struct policy_rows *rows)
{
	if (row->disagreements.n > 0) {
		findings_add(f, SEVERITY_ERROR, id, "%s, but the kernel says: %s", row->state,
			     row->disagreements.items[0]);
		findings_remedy(f, "structopsctl restart %s", row->name);
	} else if (row->is_template) {
		judge_template(f, id, row, rows);
	} else if (policy_row_is_attached(row)) {
		findings_add(f, SEVERITY_OK, id, "%s", row->state);
	} else {
		judge_by_state(f, id, row);
	}
}

void doctor_judge_policies(struct findings *f, const struct policy_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		_cleanup_(freep) char *id = sentence("policy:%s", rows->items[i].name);

		if (id)
			judge(f, id, &rows->items[i], rows);
		else
			f->failed = true;
	}
}

void doctor_list_policies(struct findings *f, char *const *files)
{
	for (; *files; files++) {
		size_t length = strlen(*files) - strlen(POLICY_SUFFIX);
		_cleanup_(freep) char *id = sentence("policy:%.*s", (int)length, *files);

		if (!id) {
			f->failed = true;
			return;
		}
		/* The same name in a second folder is covered by the first. */
		if (!findings_find(f, id))
			findings_add(f, SEVERITY_NOTE, id,
				     "its state is not known: no daemon tells it");
	}
}
