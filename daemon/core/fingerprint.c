/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/fingerprint.h"

#include "daemon/core/strv.h"

__extension__ typedef unsigned __int128 hash_t;

/* draft-eastlake-fnv: 2^88 + 0x13b, and where to begin. */
#define FNV_PRIME (((hash_t)1 << 88) + 0x13b)
#define FNV_BASIS (((hash_t)0x6c62272e07bb0142 << 64) + 0x62b821756295c58d)

static void add_bytes(hash_t *h, const void *bytes, size_t length)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < length; i++)
		*h = (*h ^ b[i]) * FNV_PRIME;
}

static void add_number(hash_t *h, uint64_t number)
{
	add_bytes(h, &number, sizeof(number));
}

/* The length first, or "ab", "c" were the same as "a", "bc"; 0 is NULL. */
static void add_text(hash_t *h, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	add_number(h, text ? length + 1 : 0);
	add_bytes(h, text, length);
}

static void add_list(hash_t *h, char *const *list)
{
	add_number(h, strv_length(list));
	for (char *const *text = list; text && *text; text++)
		add_text(h, *text);
}

static void add_overrides(hash_t *h, const struct override *list, size_t n)
{
	add_number(h, n);
	for (size_t i = 0; i < n; i++) {
		add_text(h, list[i].map);
		add_text(h, list[i].path);
		add_number(h, list[i].op);
		add_text(h, list[i].value);
	}
}

static void add_tcp(hash_t *h, const struct policy *p)
{
	add_number(h, p->tcp_default);
	add_list(h, p->tcp_netns);
}

static void add_object(hash_t *h, const struct policy *p)
{
	add_text(h, p->object_path);
	add_text(h, p->sha256);
	add_list(h, p->maps);
	add_overrides(h, p->fields, p->n_fields);
	add_overrides(h, p->globals, p->n_globals);
	add_tcp(h, p);
}

static void add_restart(hash_t *h, const struct restart_rules *r)
{
	add_number(h, r->mode);
	add_number(h, r->delay);
	add_number(h, r->steps);
	add_number(h, r->max_delay);
	add_number(h, r->limit_burst);
	add_number(h, r->limit_interval);
}

static void add_match(hash_t *h, const struct policy *p)
{
	add_number(h, p->is_template);
	add_number(h, p->hid.bus);
	add_number(h, p->hid.vendor);
	add_number(h, p->hid.product);
	add_text(h, p->hid.name);
}

static struct fingerprint finish(hash_t h)
{
	return (struct fingerprint){.high = (uint64_t)(h >> 64), .low = (uint64_t)h};
}

struct fingerprint fingerprint_of_object(const struct policy *p)
{
	hash_t h = FNV_BASIS;

	add_object(&h, p);
	return finish(h);
}

struct fingerprint fingerprint_of_policy(const struct policy *p)
{
	hash_t h = FNV_BASIS;

	add_object(&h, p);
	add_text(&h, p->name);
	add_text(&h, p->description);
	add_number(&h, p->enabled);
	add_text(&h, p->fallback);
	add_restart(&h, &p->restart);
	add_match(&h, p);
	return finish(h);
}

struct fingerprint fingerprint_of_bytes(const void *bytes, size_t length)
{
	hash_t h = FNV_BASIS;

	add_bytes(&h, bytes, length);
	return finish(h);
}
