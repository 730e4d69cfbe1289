/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole terminal, for a text that is shown anew from time to time. */
#pragma once

#include "client/style.h"

struct screen;

/* -ENOTTY: there is no terminal, or none that terminfo knows; -ENOMEM. *ret is the caller's. */
int screen_new(const struct style *style, struct screen **ret);
/* Gives the terminal back as it was. */
struct screen *screen_free(struct screen *s);
DEFINE_CLEANUP(struct screen *, screen_free)

/* The first line is the title. What does not fit can be scrolled to. 0; -ENOMEM. */
int screen_show(struct screen *s, const char *text);

/* Waits and lets the user scroll meanwhile. false: he wants to leave (q, Ctrl-C). */
bool screen_wait(struct screen *s, uint64_t usec);
