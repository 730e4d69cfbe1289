/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a failure gets into the outcome. All of them set verdict, error and detail (what stood there is dropped) and
 * return -EBADMSG, "the outcome has the sentence", so that callers can write "return verdict_refused(…)";
 * -ENOMEM when not even the sentence could be written. error is a positive errno or 0.
 */
#pragma once

#include "daemon/core/outcome.h"

/* ENOTSUPP: inside the kernel only by its own rules, yet bpf() hands it out. */
#define KERNEL_ENOTSUPP 524

/* Nothing helps until object, policy or kernel changes. */
int verdict_refused(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* The kernel did not take it now; it may the next time. */
int verdict_busy(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* The type is not there, but a module may bring it. */
int verdict_no_type(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* Attached, but the kernel does not use it. */
int verdict_dead(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* The type's only place is somebody else's. */
int verdict_taken(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* The device that it is for is not there (any more). */
int verdict_gone(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* What it is to be a part of is not there. */
int verdict_no_parent(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* Refused or busy, by what the error means. */
int verdict_by_error(struct outcome *o, int error, const char *format, ...) _printf_(3, 4);

/* Whether an errno (either sign) tells of a state that passes by itself: EEXIST, EBUSY, ENOMEM, EMFILE … */
bool error_is_passing(int error);

/* strerror() that also knows libbpf's own codes and the kernel's own 524, ENOTSUPP. Valid until the next call. */
const char *error_text(int error);
/* One of libbpf's own codes, which are no errno. */
bool error_is_libbpf(int error);
