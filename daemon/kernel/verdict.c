/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/verdict.h"
#include "common/sentence.h"

#include <bpf/libbpf.h>
#include <stdarg.h>

_printf_(4, 0) static int verdict_set(struct outcome *o, enum verdict verdict, int error,
				      const char *format, va_list args)
{
	char *detail = sentence_va(format, args);

	if (!detail)
		return -ENOMEM;
	free(o->detail);
	o->detail = detail;
	o->verdict = verdict;
	o->error = abs(error);
	return -EBADMSG;
}

int verdict_refused(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_REFUSED, error, format, args);
	va_end(args);
	return r;
}

int verdict_busy(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_BUSY, error, format, args);
	va_end(args);
	return r;
}

int verdict_no_type(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_NO_TYPE, error, format, args);
	va_end(args);
	return r;
}

int verdict_dead(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_DEAD, error, format, args);
	va_end(args);
	return r;
}

int verdict_taken(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_TAKEN, error, format, args);
	va_end(args);
	return r;
}

int verdict_gone(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_GONE, error, format, args);
	va_end(args);
	return r;
}

int verdict_no_parent(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, VERDICT_NO_PARENT, error, format, args);
	va_end(args);
	return r;
}

int verdict_by_error(struct outcome *o, int error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = verdict_set(o, error_is_passing(error) ? VERDICT_BUSY : VERDICT_REFUSED, error, format,
			args);
	va_end(args);
	return r;
}

bool error_is_passing(int error)
{
	switch (abs(error)) {
	case EEXIST:
	case EBUSY:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
	case EINTR:
		return true;
	default:
		return false;
	}
}

bool error_is_libbpf(int error)
{
	return abs(error) >= __LIBBPF_ERRNO__START;
}

const char *error_text(int error)
{
	static _Thread_local char text[128];

	if (abs(error) == KERNEL_ENOTSUPP)
		return "not supported by this kernel (ENOTSUPP)";
	if (!error_is_libbpf(error))
		return strerror(abs(error));
	libbpf_strerror(error, text, sizeof(text));
	return text;
}
