/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was found out about a host, a sentence each. Running out of memory while filling is kept in failed. */
#pragma once

#include "common/macro.h"

enum severity {
	SEVERITY_OK,
	SEVERITY_NOTE,    /* good to know */
	SEVERITY_WARNING, /* something will not work, or not well */
	SEVERITY_ERROR,   /* nothing will work, or something that is wanted does not */
	_SEVERITY_MAX,
	_SEVERITY_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(severity, enum severity);

struct finding {
	char *id; /* of the check; programs go by it */
	enum severity severity;
	char *text;   /* what is so */
	char *remedy; /* what to do about it; NULL: nothing */
};

struct findings {
	struct finding *items;
	size_t n;
	bool failed;
};

void findings_add(struct findings *f, enum severity severity, const char *id, const char *format,
		  ...) _printf_(4, 5);
/* For the one that was added last. */
void findings_remedy(struct findings *f, const char *format, ...) _printf_(2, 3);
void findings_done(struct findings *f);

/* NULL: there is none of that id. */
const struct finding *findings_find(const struct findings *f, const char *id);
size_t findings_count(const struct findings *f, enum severity severity);
