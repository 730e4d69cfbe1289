/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The object file as a policy names it: found, trusted, read once. What is hashed and what is loaded are the same
 * bytes, so nobody can change the file in between.
 */
#pragma once

#include "daemon/core/outcome.h"
#include "daemon/core/policy.h"

/* No BPF object comes near it; it bounds what a wrong Path= (a disk image, say) costs. */
#define OBJECT_SIZE_MAX (64U * 1024 * 1024)

#define OBJECT_DIGEST_HEX 64

struct object_file {
	char *path; /* real path: no symbolic links */
	void *bytes;
	size_t size;
	char digest[OBJECT_DIGEST_HEX + 1]; /* SHA-256, hex */
	struct object_stamp stamp;
};

/*
 * Path= of the policy: absolute, or looked for in the folders (NULL-terminated). Refuses what is not a regular
 * file, what somebody other than root could have written (file or any folder above it; sticky folders excepted;
 * anybodys: whoever it was), and what SHA256= does not name. Also notes file, digest and stamp in the outcome, as far as it came.
 * 0: *ret is the caller's; -EBADMSG with the sentence in the outcome; -ENOMEM.
 */
int object_file_read(const struct policy *policy, char *const *folders, bool anybodys,
		     struct outcome *o, struct object_file **ret);
struct object_file *object_file_free(struct object_file *f);
DEFINE_CLEANUP(struct object_file *, object_file_free)

/*
 * What can be said of the bytes before libbpf: empty, truncated, not ELF, of the other byte order, no BPF object,
 * no BTF. 0; -EBADMSG with the sentence in the outcome; -ENOMEM.
 */
int object_file_check_elf(const struct object_file *f, struct outcome *o);
