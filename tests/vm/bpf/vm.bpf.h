/* SPDX-License-Identifier: GPL-2.0-only */
/* What every BPF object of the VM tests begins with. No vmlinux.h: each declares the members that it uses. */
#ifndef VM_BPF_H
#define VM_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#endif
