/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What policies are made of. The rules are those of text.h and json.h.
 *
 * delta          {"schema":1,"deltas":[{kind, policy, by, path}…]}: kind as in daemon/core/policy-delta.h
 * cat --merged   {"schema":1,"name":…,"lines":[{section, key, op, value, file, line}…]}
 */
#pragma once

#include "client/style.h"
#include "daemon/core/policy-delta.h"
#include "daemon/core/policy-merge.h"

int text_deltas(FILE *out, const struct style *style, const struct deltas *deltas);
int json_deltas(FILE *out, const struct deltas *deltas);

/* Lines as in a policy, with where each stands as a comment behind it. */
int text_merged(FILE *out, const struct style *style, const struct merged_policy *m);
int json_merged(FILE *out, const char *name, const struct merged_policy *m);
