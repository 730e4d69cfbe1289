/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "inspect/elf-file.h"

/*
 * A kernel's BTF out of a file: raw BTF, or the section ".BTF" of an ELF file such as vmlinux, of which only that is
 * read. 0: *ret_bytes is the caller's and *ret are the BTF's bytes in it; -errno, -EBADMSG with *ret_error, a sentence
 * that the caller frees; -ENOMEM.
 */
int btf_file_read(const char *path, uint8_t **ret_bytes, struct span *ret, char **ret_error);
