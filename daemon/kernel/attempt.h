/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One attempt to bring one struct_ops map of an object into the kernel: what the steps hand on to each other.
 * kernel_attach() makes one for each alternative of Map=, with a fresh bpf_object: a loaded one cannot be undone.
 *
 * All steps return 0; -EBADMSG with the sentence in the outcome; -ENOMEM.
 */
#pragma once

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "daemon/core/outcome.h"
#include "daemon/core/policy.h"
#include "daemon/kernel/btf-value.h"
#include "daemon/kernel/capture.h"
#include "daemon/kernel/object-file.h"

/* A field or global that the policy sets: entry i stands for outcome.fields[i]. */
struct override_target {
	struct bpf_map *map; /* the struct_ops map, or the data map that holds the global */
	struct place place;  /* in the image of that map */
	bool is_global;
};

/* A program that is to be loaded. */
struct loaded_program {
	struct bpf_program *program;
	char *log;   /* room for the verifier's words about it */
	uint32_t id; /* once loaded */
};

struct attempt {
	const struct policy *policy;    /* borrowed */
	const struct object_file *file; /* borrowed */
	const struct outcome *before;   /* borrowed: of the attachment's last life; NULL: none */
	const char *
		end_file; /* borrowed: where to write what a dead one leaves (kernel_exit_dump()); NULL */
	const char *wanted_map; /* borrowed; NULL: the object's only one */
	bool linkless; /* to be attached without a link: this kernel has none for the map */
	struct outcome *outcome; /* borrowed */

	/*
	 * NULL: the first mistake in an override ends the attempt. Else they are added here, and it goes on as if they
	 * were not written; whoever gave it looks here at the end.
	 */
	struct messages *mistakes;

	struct capture capture;
	struct bpf_object *object;
	struct bpf_map *map;   /* the chosen struct_ops map, of object */
	const struct btf *btf; /* of object */
	uint32_t type_id;      /* the map's struct in btf, such as tcp_congestion_ops___old */
	struct enumerators enumerators;
	struct override_target *targets;
	size_t n_targets;
	struct loaded_program *programs;
	size_t n_programs;
	struct bpf_map *record_map; /* holds outcome.exit; NULL: the object has no exit record */
	struct bpf_map *dump_map;   /* holds its debug dump; NULL: none */
	uint64_t enable_seq_before; /* type_traits.enable_seq() before the attach */
	const char *name_member;    /* which holds outcome.ops_name; NULL: the type has none */

	bool plain;         /* the map is in a ".struct_ops" section */
	bool links_refused; /* a link was asked for, and this kernel has none for the map */
	/* From here on only the kernel can refuse: worth trying the next alternative of Map=. */
	bool asked_kernel;
};
void attempt_done(struct attempt *a);

/* All steps up to the load: from bytes to images as they will be loaded (kernel.c). */
int attempt_prepare(struct attempt *a);

/* Open the object from memory and choose the map (object.c). */
int attempt_open(struct attempt *a);
/* What the type does with the object before the policy's overrides (type_traits.prepare). */
int attempt_prepare_type(struct attempt *a);
/* outcome.ops_name and outcome.slot, from the image as it will be loaded (name.c). */
int attempt_note_name(struct attempt *a);
/* A number of that size in the image of the map, before the load and after. False: it has no such member. */
bool attempt_member(const struct attempt *a, const char *member, void *ret, size_t size);
/* Write [Fields] into the image of the map, [Globals] into those of the data maps (override.c). */
int attempt_override_fields(struct attempt *a);
int attempt_override_globals(struct attempt *a);
/*
 * Where the object notes how it ended, by BTF: outcome.exit, record_map, dump_map. An object without has none; one
 * that is not understood becomes a note (exit-find.c).
 */
int attempt_find_exit(struct attempt *a);
/* Load: programs and maps are in the kernel then, nothing is attached (load.c). */
int attempt_load(struct attempt *a);
/* Fill the actual values and the programs of the outcome; what cannot be read becomes a note (readback.c). */
int attempt_read_back(struct attempt *a);

/* The struct's name in the kernel: without ___suffix. The caller frees; NULL: out of memory. */
char *attempt_kernel_type(const struct attempt *a);

/* What libbpf_error meant when the load failed, from what libbpf and the verifier said (explain.c). */
int attempt_explain_load(struct attempt *a, int libbpf_error);
/* Appends all that was said to a file, made where it is not there (NULL: does nothing). 0; -errno (attempt-log.c). */
int attempt_log(const struct attempt *a, const char *path);
/* A known cause that a line shows, with the words of this attempt; the caller frees. NULL: out of memory. */
struct cause;
char *attempt_cause_sentence(const struct attempt *a, const struct cause *cause, const char *line);
/* The verifier's refusal of one program, with the end of its log in the outcome (verifier-log.c). */
int attempt_explain_verifier(struct attempt *a, const struct loaded_program *p, int error);
