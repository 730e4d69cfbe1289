/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with policies, found out without a daemon by the daemon's own parser and the kernel floor's own check.
 * Objects are opened in a child: libbpf believes what an ELF file says, and a crash shall be a sentence.
 *
 * verify   {"schema":1, ok, policies [POLICY…], notes [text…]}
 *
 * POLICY   policy, ok, problems [{file, line, sentence}…], notes [text…]
 */
#pragma once

#include "client/style.h"
#include "daemon/core/config.h"
#include "daemon/core/policy-files.h"
#include "inspect/kernel-types.h"

/* Where a problem has its place. */
struct verify_problem {
	char *file;    /* NULL: concerns no file alone */
	unsigned line; /* 0: none */
	char *sentence;
};

struct verified {
	char *name;
	char **files;          /* of the policy, the first is its own; NULL-terminated, or NULL */
	struct policy *policy; /* NULL: does not parse */
	struct verify_problem *problems;
	size_t n_problems;
	struct messages notes;
};

struct verify {
	struct config config;
	struct kernel_types *types; /* to compare with; NULL: none */
	bool load;                  /* ask this kernel's verifier, too */
	bool incomplete;            /* of all policies: there are files that no daemon would take */
	struct verified *items;
	size_t n;
	struct messages notes; /* what concerns all; what could not be checked */
};
void verify_done(struct verify *v);

/* Parses the policies of a collection and adds them; those that are masked become a note. 0 or -ENOMEM. */
int verify_add(struct verify *v, const struct policy_collection *collection);
/* Checks all that parse. 0, -ENOMEM; other -errno: there can be no child. */
int verify_run(struct verify *v);
bool verify_is_ok(const struct verify *v);

/*
 * Takes text apart where it begins with one of the item's files ("file:line: …"), else it concerns the policy's own.
 * 0 or -ENOMEM.
 */
int verified_add_problem(struct verified *item, const char *text);

/* The check of one item, in the child: problems and notes are put there. 0 or -ENOMEM. */
int verify_examine(const struct verify *v, struct verified *item);

/* The rules are those of text.h and json.h. */
int text_verify(FILE *out, const struct style *style, const struct verify *v);
int json_verify(FILE *out, const struct verify *v);
