/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/foreign-row.h"

#include "common/protocol.h"

static const struct dictionary_key keys[] = {
	{KEY_TYPE, "s", offsetof(struct foreign_row, type)},
	{KEY_MAP, "s", offsetof(struct foreign_row, map)},
	{KEY_MAP_ID, "u", offsetof(struct foreign_row, map_id)},
	{KEY_LINK_ID, "u", offsetof(struct foreign_row, link_id)},
	{KEY_HOLDERS, "as", offsetof(struct foreign_row, holders)},
};

static bool is_whole(const void *row)
{
	const struct foreign_row *r = row;

	return r->map_id != 0 || r->link_id != 0;
}

static void row_done(void *row)
{
	free(((struct foreign_row *)row)->holders.items);
}

static const struct dictionary_form form = {
	.keys = keys,
	.n_keys = ARRAY_SIZE(keys),
	.row_size = sizeof(struct foreign_row),
	.is_whole = is_whole,
	.row_done = row_done,
};

int foreign_rows_read(struct foreign_rows *rows, sd_bus_message *answer)
{
	int r = dictionary_read_rows(&form, answer, &rows->items, &rows->n);

	rows->known = r == 0;
	return r;
}

void foreign_rows_done(struct foreign_rows *rows)
{
	dictionary_free_rows(&form, rows->items, rows->n);
	*rows = (struct foreign_rows){0};
}
