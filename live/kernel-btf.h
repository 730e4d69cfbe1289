/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BTF that the running kernel and its modules describe themselves with, each read once. */
#pragma once

#include <bpf/btf.h>

#include "common/macro.h"

struct live_btf;

/* 0: *ret is the caller's; -errno with *ret_error, a sentence that the caller frees; -ENOMEM. */
int live_btf_new(struct live_btf **ret, char **ret_error);
struct live_btf *live_btf_free(struct live_btf *b);
DEFINE_CLEANUP(struct live_btf *, live_btf_free)

/*
 * The one with the id that a map names (0, as before Linux 6.9: vmlinux). 0: *ret lives as long
 * as b, *ret_module (NULL: vmlinux) until the next call; -errno.
 */
int live_btf_get(struct live_btf *b, uint32_t id, const struct btf **ret, const char **ret_module);
