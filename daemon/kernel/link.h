/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links, for this floor only; what the daemon may call of it stands in kernel.h. */
#pragma once

#include <linux/bpf.h>

/* 0; -errno. struct_ops.map_id is 0 when the link is detached. */
int link_info(int link_fd, struct bpf_link_info *ret);
