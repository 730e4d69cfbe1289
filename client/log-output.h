/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was said in the last attempt: text for people and JSON for programs. The rules are those of text.h and json.h.
 *
 * log      {"schema":1, name, log}; log is null where nothing was said
 */
#pragma once

#include "client/style.h"

int text_log(FILE *out, const struct style *style, const char *name, const char *log);
int json_log(FILE *out, const char *name, const char *log);
