/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work that takes long must not have a real-time priority, but the attach behind it must: if the scheduler that was just
 * attached runs nobody, an ordinary process would never come to report that.
 */
#pragma once

/*
 * run(userdata), and what it returns, without the real-time priority that the caller may have: then in a thread of its
 * own, for which the caller waits.
 */
int ordinary_run(int (*run)(void *userdata), void *userdata);
