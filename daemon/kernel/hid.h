/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hid_bpf_ops: an attachment is for one device, named by hid_id, and ends with it; link and map tell nothing of that.
 * The functions are the hooks of this type (types.h).
 */
#pragma once

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/kernel.h"

/* kernel_hid_devices(), below the sysfs that is mounted at root. */
int hid_devices_read(const char *root, struct hid_device **ret, size_t *ret_n);
void hid_devices_free(struct hid_device *devices, size_t n);

/* Notes the device in outcome.device. -EBADMSG with VERDICT_GONE: it was unplugged in the meantime. */
int hid_after_attach(struct attempt *a, const struct kernel_handles *h);

/* 1; 0: the device is not there any more, with the sentence. */
int hid_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why);

/*
 * What an error of attach_try() means for this type: -EBADMSG with verdict (VERDICT_GONE: there is no such device) and
 * sentence in the outcome; 0: nothing that only this type knows; -ENOMEM.
 */
int hid_explain(struct attempt *a, int error);
