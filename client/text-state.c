/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/text-state.h"

#include <inttypes.h>

#include "common/names.h"

enum colour text_state_colour(const struct policy_row *row)
{
	return row->disagreements.n > 0 ? COLOUR_RED : style_state_colour(row->state);
}

/* A template that can have instances: what it is itself says less than how many there are. */
static bool counts_instances(const struct policy_row *row)
{
	enum state state = state_from_string(row->state);

	return row->is_template && state != STATE_FAILED && state != STATE_INVALID;
}

void text_add_state(struct table *t, const struct policy_row *row)
{
	const char *mark = row->disagreements.n > 0 ? "!" : "";
	char text[128];

	if (counts_instances(row))
		snprintf(text, sizeof(text), "%s%s (%" PRIu32 " instance%s)", row->state, mark,
			 row->instances, row->instances == 1 ? "" : "s");
	else if (row->reason && !policy_row_is_attached(row))
		snprintf(text, sizeof(text), "%s%s (%s)", row->state, mark, row->reason);
	else
		snprintf(text, sizeof(text), "%s%s", row->state, mark);
	table_add(t, text_state_colour(row), text);
}
