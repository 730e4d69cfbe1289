/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/wire.h"

void wire_put_bytes(FILE *f, const void *bytes, size_t length)
{
	fwrite(bytes, 1, length, f);
}

void wire_put_u32(FILE *f, uint32_t number)
{
	wire_put_bytes(f, &number, sizeof(number));
}

void wire_put_u64(FILE *f, uint64_t number)
{
	wire_put_bytes(f, &number, sizeof(number));
}

/* The length plus one, then the text; 0 for NULL. */
void wire_put_text(FILE *f, const char *text)
{
	wire_put_u32(f, text ? (uint32_t)strlen(text) + 1 : 0);
	if (text)
		fputs(text, f);
}

void wire_get_bytes(struct wire_reader *r, void *to, size_t n)
{
	if (r->error == 0 && n > r->left)
		r->error = -EBADMSG;
	if (r->error < 0) {
		memset(to, 0, n);
		return;
	}
	memcpy(to, r->next, n);
	r->next += n;
	r->left -= n;
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	uint32_t number;

	wire_get_bytes(r, &number, sizeof(number));
	return number;
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	uint64_t number;

	wire_get_bytes(r, &number, sizeof(number));
	return number;
}

uint32_t wire_get_below(struct wire_reader *r, uint32_t limit)
{
	uint32_t number = wire_get_u32(r);

	if (number < limit)
		return number;
	r->error = -EBADMSG;
	return 0;
}

bool wire_get_bool(struct wire_reader *r)
{
	return wire_get_below(r, 2) == 1;
}

char *wire_get_text(struct wire_reader *r)
{
	uint32_t length = wire_get_u32(r);
	char *text;

	if (length == 0)
		return NULL;
	length--;
	if (length > r->left || memchr(r->next, '\0', length)) {
		r->error = -EBADMSG;
		return NULL;
	}
	text = malloc((size_t)length + 1);
	if (!text) {
		r->error = -ENOMEM;
		return NULL;
	}
	wire_get_bytes(r, text, length);
	text[length] = '\0';
	return text;
}

char *wire_get_some_text(struct wire_reader *r)
{
	char *text = wire_get_text(r);

	if (!text && r->error == 0)
		r->error = -EBADMSG;
	return text;
}
