/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>

#include "common/nearest.h"
#include "daemon/core/path.h"
#include "daemon/core/policy-values.h"
#include "daemon/core/strv.h"

#define SHA256_HEX_LENGTH 64

int policy_parse_name(const struct conf_place *at, const char *value, void *member)
{
	if (*value && !policy_name_is_valid(value))
		return conf_error(at,
				  "\"%s\" is no policy name, expected at most %d letters, digits "
				  "and _.@- without a dot first",
				  value, POLICY_NAME_MAX);
	return conf_parse_text(at, value, member);
}

int policy_parse_sha256(const struct conf_place *at, const char *value, void *member)
{
	char **digest = member;
	int r;

	if (*value && (strspn(value, "0123456789abcdefABCDEF") != SHA256_HEX_LENGTH ||
		       value[SHA256_HEX_LENGTH] != '\0'))
		return conf_error(at, "\"%s\" is no SHA-256, expected %d hexadecimal digits", value,
				  SHA256_HEX_LENGTH);
	r = conf_parse_text(at, value, member);
	for (char *s = *digest; r >= 0 && s && *s; s++)
		*s = (char)tolower((unsigned char)*s);
	return r;
}

bool policy_is_identifier(const char *text)
{
	size_t n = identifier_length(text);

	return n > 0 && text[n] == '\0';
}

int policy_parse_maps(const struct conf_place *at, const char *value, void *member)
{
	_cleanup_(strv_freep) char **maps = NULL;
	char ***list = member;
	int r = strv_split(value, " \t", &maps);

	if (r < 0)
		return r;
	for (size_t i = 0; maps && maps[i]; i++) {
		if (!policy_is_identifier(maps[i]))
			return conf_error(at,
					  "\"%s\" is no map name, expected C identifiers with "
					  "blanks between them",
					  maps[i]);
		if (strv_contains(maps + i + 1, maps[i]))
			return conf_error(at, "\"%s\" stands there twice, expected each map once",
					  maps[i]);
	}
	strv_free(*list);
	*list = TAKE_PTR(maps);
	return 0;
}

int policy_parse_restart(const struct conf_place *at, const char *value, void *member)
{
	enum restart_mode mode = restart_mode_from_string(value);
	struct nearest nearest = NEAREST(value);

	if ((int)mode < 0) {
		for (int i = 0; i < _RESTART_MODE_MAX; i++)
			nearest_offer(&nearest, restart_mode_to_string(i));
		return conf_error(at,
				  "unknown word \"%s\"" NEAREST_FORMAT
				  ", expected no, on-detach or always",
				  value, NEAREST_ARGS(nearest));
	}
	*(enum restart_mode *)member = mode;
	return 0;
}

int policy_parse_hid(const struct conf_place *at, const char *value, void *member)
{
	struct hid_match *hid = member, match = HID_MATCH_NULL;
	int r = *value ? hid_match_parse(value, &match) : 0;

	if (r == -EINVAL)
		return conf_error(at,
				  "\"%s\" is no match, expected BUS:VENDOR:PRODUCT[:NAME], the "
				  "first three hexadecimal or \"*\", such as 0003:046D:*",
				  value);
	if (r < 0)
		return r;
	hid_match_done(hid);
	*hid = match;
	return 0;
}

static bool is_netns(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";

	return *text == '/' ||
	       (text[strspn(text, letters)] == '\0' && !streq(text, ".") && !streq(text, ".."));
}

int policy_parse_netns(const struct conf_place *at, const char *value, void *member)
{
	_cleanup_(strv_freep) char **list = NULL;
	char ***netns = member;
	int r = strv_split(value, " \t", &list);

	if (r < 0)
		return r;
	for (size_t i = 0; list && list[i]; i++) {
		if (!is_netns(list[i]))
			return conf_error(at,
					  "\"%s\" is no network namespace, expected names as in "
					  "ip-netns(8) or absolute paths, with blanks between them",
					  list[i]);
		if (strv_contains(list + i + 1, list[i]))
			return conf_error(at,
					  "\"%s\" stands there twice, expected each namespace once",
					  list[i]);
	}
	strv_free(*netns);
	*netns = TAKE_PTR(list);
	return 0;
}
