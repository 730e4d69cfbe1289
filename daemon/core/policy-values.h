/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parsers (conf_parser_t) of those values that only policies have. "" is: none. */
#pragma once

#include "daemon/core/conf-rows.h"
#include "daemon/core/policy.h"

bool policy_is_identifier(const char *text);

int policy_parse_name(const struct conf_place *at, const char *value, void *member);
int policy_parse_sha256(const struct conf_place *at, const char *value, void *member);
int policy_parse_maps(const struct conf_place *at, const char *value, void *member);
/* "" is no mode: the row has a default. */
int policy_parse_restart(const struct conf_place *at, const char *value, void *member);
/* A struct hid_match. */
int policy_parse_hid(const struct conf_place *at, const char *value, void *member);
int policy_parse_netns(const struct conf_place *at, const char *value, void *member);
