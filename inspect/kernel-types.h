/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The struct_ops types of a kernel, out of its BTF: of the running one, whose modules may have types too, or of any
 * other's file. A type T is there when its value "struct bpf_struct_ops_T" is.
 */
#pragma once

#include "inspect/btf-type.h"

struct kernel_type {
	char *name;                  /* T */
	const struct btf *btf;       /* that describes it */
	char *module;                /* NULL: vmlinux */
	const struct btf_type *data; /* struct T */
	size_t value_size;           /* of struct bpf_struct_ops_T … */
	size_t data_offset;          /* … and where T stands in it */
};

struct kernel_types;

/*
 * Each: 0 and *ret is the caller's; -errno, -EBADMSG with *ret_error, a sentence that the caller frees; -ENOMEM. A
 * file is raw BTF, as those in /sys/kernel/btf, or an ELF file with a section ".BTF".
 */
int kernel_types_of_running(struct kernel_types **ret, char **ret_error);
/* BTF that is in memory; name: for the sentences. */
int kernel_types_of_bytes(const char *name, struct span btf, struct kernel_types **ret,
			  char **ret_error);
/* As of the running one, with its BTF elsewhere than in /sys/kernel/btf; name: its release. */
int kernel_types_of_folder(const char *folder, const char *name, struct kernel_types **ret,
			   char **ret_error);
int kernel_types_of_file(const char *path, struct kernel_types **ret, char **ret_error);
struct kernel_types *kernel_types_free(struct kernel_types *k);
DEFINE_CLEANUP(struct kernel_types *, kernel_types_free)

/* What it is the kernel of: "6.12.0 (running)", or the file. */
const char *kernel_types_name(const struct kernel_types *k);

/*
 * 0: *ret lives until the next question to k; -ENOENT: this kernel has no such type; -ENOMEM. The modules are read when
 * the kernel itself does not know a type.
 */
int kernel_types_find(struct kernel_types *k, const char *name, const struct kernel_type **ret);

/* All of them, those of modules too. 0: *ret lives as long; -ENOMEM. */
int kernel_types_all(struct kernel_types *k, const struct kernel_type **ret, size_t *ret_n);

/* The BTF of the kernel itself. */
const struct btf *kernel_types_btf(const struct kernel_types *k);

/* Members of T by name. -ENOENT. */
int kernel_type_member(const struct kernel_type *t, const char *name, uint32_t *ret_index);
