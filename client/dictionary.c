/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/dictionary.h"

void *array_append(void *items, size_t *n, size_t size)
{
	char *array;

	memcpy(&array, items, sizeof(array));
	/* Doubles whenever the count is a power of two. */
	if ((*n & (*n - 1)) == 0) {
		array = reallocarray(array, *n ? 2 * *n : 1, size);
		if (!array)
			return NULL;
		memcpy(items, &array, sizeof(array));
	}
	return memset(array + size * (*n)++, 0, size);
}

static int read_texts(sd_bus_message *m, struct texts *texts)
{
	const char *text;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read_basic(m, 's', &text)) > 0) {
		const char **item = array_append(&texts->items, &texts->n, sizeof(*item));

		if (!item)
			return -ENOMEM;
		*item = text;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static const struct dictionary_key *find_key(const struct dictionary_form *form, const char *key,
					     const char *signature)
{
	for (size_t i = 0; i < form->n_keys; i++)
		if (streq(form->keys[i].key, key) && streq(form->keys[i].signature, signature))
			return &form->keys[i];
	return NULL;
}

static int read_value(sd_bus_message *m, const struct dictionary_key *key, void *row)
{
	void *member = (char *)row + key->offset;

	if (key->read)
		return key->read(m, row, member);
	if (streq(key->signature, "as"))
		return read_texts(m, member);
	return sd_bus_message_read_basic(m, key->signature[0], member);
}

static int read_variant(const struct dictionary_form *form, sd_bus_message *m, const char *name,
			void *row)
{
	const struct dictionary_key *key;
	const char *signature;
	int r;

	r = sd_bus_message_peek_type(m, NULL, &signature);
	if (r < 0)
		return r;
	key = find_key(form, name, signature);
	if (!key)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', key->signature);
	if (r < 0)
		return r;
	r = read_value(m, key, row);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* 1: an entry was read; 0: the dictionary ends here. */
static int read_entry(const struct dictionary_form *form, sd_bus_message *m, void *row)
{
	const char *name;
	int r;

	r = sd_bus_message_enter_container(m, 'e', "sv");
	if (r <= 0)
		return r;
	r = sd_bus_message_read_basic(m, 's', &name);
	if (r < 0)
		return r;
	r = read_variant(form, m, name, row);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

/* Of a dictionary that was entered, until it is left. 1; negative. */
static int read_entries(const struct dictionary_form *form, sd_bus_message *m, void *row)
{
	int r;

	sd_bus_message_ref(m);
	memcpy(row, &m, sizeof(m));
	do
		r = read_entry(form, m, row);
	while (r > 0);
	if (r < 0)
		return r;
	if (!form->is_whole(row))
		return -EBADMSG;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

/* 1: a row was read; 0: the array ends here. */
static int read_row(const struct dictionary_form *form, sd_bus_message *m, void *items, size_t *n)
{
	void *row;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r <= 0)
		return r;
	row = array_append(items, n, form->row_size);
	return row ? read_entries(form, m, row) : -ENOMEM;
}

int dictionary_read(const struct dictionary_form *form, sd_bus_message *answer, void *row)
{
	int r = sd_bus_message_enter_container(answer, 'a', "{sv}");

	if (r <= 0)
		return -EBADMSG;
	r = read_entries(form, answer, row);
	if (r >= 0)
		return 0;
	return r == -ENOMEM ? r : -EBADMSG;
}

void dictionary_done(const struct dictionary_form *form, void *row)
{
	sd_bus_message *m;

	memcpy(&m, row, sizeof(m));
	form->row_done(row);
	sd_bus_message_unref(m);
}

static void *row_at(const struct dictionary_form *form, void *items, size_t i)
{
	return (char *)items + i * form->row_size;
}

int dictionary_read_rows(const struct dictionary_form *form, sd_bus_message *answer, void *items,
			 size_t *n)
{
	size_t whole = *n;
	void *array;
	int r;

	r = sd_bus_message_enter_container(answer, 'a', "a{sv}");
	if (r <= 0)
		return -EBADMSG;
	do {
		whole = *n;
		r = read_row(form, answer, items, n);
	} while (r > 0);
	if (r == 0)
		return 0;
	/* Half a row is none. */
	memcpy(&array, items, sizeof(array));
	if (*n > whole)
		dictionary_done(form, row_at(form, array, --*n));
	return r == -ENOMEM ? r : -EBADMSG;
}

void dictionary_free_rows(const struct dictionary_form *form, void *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dictionary_done(form, row_at(form, items, i));
	free(items);
}
