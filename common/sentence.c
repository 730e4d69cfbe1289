/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/sentence.h"

char *sentence_va(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

char *sentence(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = sentence_va(format, args);
	va_end(args);
	return text;
}

int sentence_error(char **ret_error, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*ret_error = sentence_va(format, args);
	va_end(args);
	return error;
}
