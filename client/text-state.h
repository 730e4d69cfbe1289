/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's state in one cell, as list and status show it. */
#pragma once

#include "client/policy-row.h"
#include "client/table.h"

/* That of the state; red where the kernel says otherwise. */
enum colour text_state_colour(const struct policy_row *row);

/*
 * "attached", "attached!" where the kernel says otherwise, "failed (load-failed)", and of a template
 * "waiting (2 instances)". The reason says why it is not attached; why it is matters to status only.
 */
void text_add_state(struct table *t, const struct policy_row *row);
