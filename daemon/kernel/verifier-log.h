/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verifier's log: hundreds of lines, of which the last ones matter and one decides. */
#pragma once

#include "common/macro.h"

/* Parts of a log; lengths of 0: there is none. */
struct log_part {
	const char *text;
	size_t length;
};

struct log_findings {
	struct log_part decisive;    /* the line that says what is wrong */
	struct log_part source;      /* the last line of the source that was shown before it */
	struct log_part instruction; /* its number */
	struct log_part suggestion;  /* the verifier's own, from Linux 7.3 on */
};
struct log_findings verifier_log_read(const char *log);

/*
 * What it comes to: "R1 invalid mem access 'scalar' (at: return sk->x; @ a.bpf.c:7, instruction 2)", from Linux 7.3 on
 * also with the verifier's own suggestion. The caller frees; NULL: out of memory.
 */
char *verifier_log_sentence(const char *log);

/* Its last lines, from the start of a line on. The caller frees; NULL: out of memory. */
char *verifier_log_end(const char *log);
