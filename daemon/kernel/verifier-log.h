/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verifier's log: hundreds of lines, of which the last ones matter and one decides. */
#pragma once

#include "common/macro.h"

/*
 * What it comes to: "R1 invalid mem access 'scalar' (at: return sk->x; @ a.bpf.c:7)", from Linux 7.3 on also with the
 * verifier's own suggestion. The caller frees; NULL: out of memory.
 */
char *verifier_log_sentence(const char *log);

/* Its last lines, from the start of a line on. The caller frees; NULL: out of memory. */
char *verifier_log_end(const char *log);
