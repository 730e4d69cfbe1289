/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What doctor has found: text for people and JSON for programs, of one model. The rules are those of text.h and json.h.
 *
 * doctor   {"schema":1, fit (bool: no check is an error), checks [{id, severity, text, remedy}…]}
 */
#pragma once

#include "client/policy-row.h"
#include "client/style.h"
#include "live/findings.h"

int text_doctor(FILE *out, const struct style *style, const struct findings *f);
int json_doctor(FILE *out, const struct findings *f);

/* Adds a finding for each policy, "policy:NAME". */
void doctor_judge_policies(struct findings *f, const struct policy_rows *rows);
/* The same where no daemon tells anything but the names of their files are known, with ".policy" at the end. */
void doctor_list_policies(struct findings *f, char *const *files);
