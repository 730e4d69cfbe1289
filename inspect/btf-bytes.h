/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BTF out of bytes that nobody has checked. */
#pragma once

#include <bpf/btf.h>

#include "inspect/elf-file.h"

DEFINE_CLEANUP(struct btf *, btf__free)

/*
 * base: the BTF that these bytes continue, as a module's continue those of vmlinux; it must outlive *ret. NULL:
 * none. 0: *ret is the caller's, and every id and text offset in it has been checked. -EBADMSG with *ret_error, the
 * end of a sentence that begins with what the BTF belongs to ("has …"). -ENOMEM.
 */
int btf_from_bytes(struct span s, struct btf *base, struct btf **ret, char **ret_error);

/* Whether it goes on where another's ends, as a module's does: its texts do not begin with the empty one. */
bool btf_bytes_are_split(struct span s);
