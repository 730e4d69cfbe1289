/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/uevent.h"

static const char *value_of(const char *pair, const char *key)
{
	size_t n = strlen(key);

	return strncmp(pair, key, n) == 0 && pair[n] == '=' ? pair + n + 1 : NULL;
}

static void take_pair(struct uevent *e, const char *pair)
{
	const struct {
		const char *key;
		const char **value;
	} known[] = {
		{"ACTION", &e->action}, {"DEVPATH", &e->devpath},   {"SUBSYSTEM", &e->subsystem},
		{"HID_ID", &e->hid_id}, {"HID_NAME", &e->hid_name},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *value = value_of(pair, known[i].key);

		if (value)
			*known[i].value = value;
	}
}

int uevent_parse(const char *datagram, size_t length, struct uevent *ret)
{
	struct uevent e = {NULL};
	size_t i;

	if (length == 0 || datagram[length - 1] != '\0')
		return -EBADMSG;
	/* The headline; udev's own messages begin otherwise. */
	if (!strchr(datagram, '@'))
		return -EBADMSG;
	for (i = strlen(datagram) + 1; i < length; i += strlen(datagram + i) + 1)
		take_pair(&e, datagram + i);
	if (!e.action || !e.devpath || !e.subsystem)
		return -EBADMSG;
	*ret = e;
	return 0;
}
