/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/hid-match.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>

#include "daemon/core/utf8.h"

#define DIGITS_MAX 8
#define BUS_MAX UINT16_MAX

void hid_device_done(struct hid_device *d)
{
	free(d->name);
	free(d->devpath);
	*d = (struct hid_device){0};
}

void hid_match_done(struct hid_match *m)
{
	free(m->name);
	*m = HID_MATCH_NULL;
}

/* Hexadecimal digits up to one of end (or the end of the text), without "0x" or a sign, below HID_ANY. */
static int take_number(const char **cursor, char end, uint32_t max, uint32_t *ret)
{
	size_t n = 0;
	uint32_t number = 0;

	for (; n <= DIGITS_MAX && isxdigit((unsigned char)(*cursor)[n]); n++) {
		int c = tolower((unsigned char)(*cursor)[n]);

		number = number << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (n == 0 || n > DIGITS_MAX || number > max || number == HID_ANY || (*cursor)[n] != end)
		return -EINVAL;
	*cursor += n;
	*ret = number;
	return 0;
}

static int take_number_or_any(const char **cursor, char end, uint32_t max, uint32_t *ret)
{
	if ((*cursor)[0] != '*' || (*cursor)[1] != end)
		return take_number(cursor, end, max, ret);
	++*cursor;
	*ret = HID_ANY;
	return 0;
}

int hid_match_parse(const char *text, struct hid_match *ret)
{
	struct hid_match m = HID_MATCH_NULL;
	const char *c = text;
	bool has_name;

	if (take_number_or_any(&c, ':', BUS_MAX, &m.bus) < 0)
		return -EINVAL;
	c++;
	if (take_number_or_any(&c, ':', UINT32_MAX, &m.vendor) < 0)
		return -EINVAL;
	c++;
	has_name = strchr(c, ':');
	if (take_number_or_any(&c, has_name ? ':' : '\0', UINT32_MAX, &m.product) < 0)
		return -EINVAL;
	if (has_name && c[1] == '\0')
		return -EINVAL;
	if (has_name) {
		m.name = strdup(c + 1);
		if (!m.name)
			return -ENOMEM;
	}
	*ret = m;
	return 0;
}

bool hid_match_equal(const struct hid_match *a, const struct hid_match *b)
{
	return a->bus == b->bus && a->vendor == b->vendor && a->product == b->product &&
	       streq_null(a->name, b->name);
}

static bool number_matches(uint32_t wanted, uint32_t number)
{
	return wanted == HID_ANY || wanted == number;
}

bool hid_match_device(const struct hid_match *m, const struct hid_device *d)
{
	return number_matches(m->bus, d->bus) && number_matches(m->vendor, d->vendor) &&
	       number_matches(m->product, d->product) &&
	       (!m->name || fnmatch(m->name, d->name, 0) == 0);
}

/* The device says its name itself: what goes into messages and onto the bus must be text. */
static char *copy_name(const char *name)
{
	char *copy = strdup(name);
	size_t n = copy ? strlen(copy) : 0;

	for (size_t i = 0; i < n; i++) {
		i += utf8_valid_length(copy + i, n - i);
		if (i < n)
			copy[i] = '?';
	}
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)copy[i]))
			copy[i] = '?';
	return copy;
}

/* "0003:0000046D:0000C52B" */
static int parse_ids(const char *c, struct hid_device *d)
{
	if (take_number(&c, ':', BUS_MAX, &d->bus) < 0)
		return -EBADMSG;
	c++;
	if (take_number(&c, ':', UINT32_MAX, &d->vendor) < 0)
		return -EBADMSG;
	c++;
	return take_number(&c, '\0', UINT32_MAX, &d->product) < 0 ? -EBADMSG : 0;
}

int hid_device_parse(const char *devpath, const char *hid_id, const char *hid_name,
		     struct hid_device *ret)
{
	const char *suffix = strrchr(devpath, '.');
	struct hid_device d = {0};

	if (devpath[0] != '/' || !suffix || strchr(suffix, '/') || !hid_id)
		return -EBADMSG;
	suffix++;
	if (take_number(&suffix, '\0', UINT32_MAX, &d.id) < 0 || parse_ids(hid_id, &d) < 0)
		return -EBADMSG;
	d.name = copy_name(or_empty(hid_name));
	d.devpath = strdup(devpath);
	if (!d.name || !d.devpath) {
		hid_device_done(&d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

void hid_device_instance(const struct hid_device *d, char buffer[HID_INSTANCE_MAX])
{
	snprintf(buffer, HID_INSTANCE_MAX, "%04" PRIX32 "-%04" PRIX32 "-%04" PRIX32 ".%04" PRIX32,
		 d->bus & BUS_MAX, d->vendor, d->product, d->id);
}
