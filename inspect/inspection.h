/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in an object, read from its bytes alone: neither libbpf's loader nor the kernel is asked, so any user can,
 * for an object that nobody has reason to trust. What a file says is copied as printable ASCII.
 *
 * A model for whoever shows it, or goes on with it:
 *
 *   inspection_read()        the object
 *   (overrides)              image and program of members may be changed here
 *   inspection_compare()     what a kernel makes of each member        inspect/compare.h
 *   value_image_new()        the bytes that this kernel would receive  inspect/value-image.h
 */
#pragma once

#include "inspect/btf-type.h"

#define INSPECTION_DIGEST_HEX 64

/* No BPF object comes near these. More is a problem, and what is within them is shown. */
#define INSPECTION_SIZE_MAX (64U * 1024 * 1024)
#define INSPECTION_SYMBOLS_MAX (1024U * 1024)
#define INSPECTION_PROGRAMS_MAX 4096
#define INSPECTION_GLOBALS_MAX 16384
#define INSPECTION_MAPS_MAX 512
#define INSPECTION_MEMBERS_MAX 256  /* of one struct; the kernel takes 64 */
#define INSPECTION_STRUCT_MAX 65536 /* bytes of one struct */
#define INSPECTION_RELOCATIONS_MAX 65536
#define INSPECTION_SENTENCES_MAX 64

/* Sentences, the first INSPECTION_SENTENCES_MAX of them. */
struct sentences {
	char **items;
	size_t n;
	size_t n_left_out;
};

/* What a kernel makes of a member of the object's struct; it looks for them by name. */
enum fate {
	FATE_UNKNOWN,      /* there is no BTF of a kernel, or this kernel does not know the type */
	FATE_SAME,         /* as the object has it */
	FATE_MOVED,        /* at another offset, which does not matter */
	FATE_DROPPED,      /* the kernel does not have it, and it is zero: left out */
	FATE_MISSING,      /* the kernel does not have it, and it is set: refused */
	FATE_OTHER_SIZE,   /* refused */
	FATE_OTHER_KIND,   /* a number where the kernel has a pointer, …: refused */
	FATE_BITFIELD,     /* libbpf refuses those */
	FATE_NO_PROGRAM,   /* a pointer that is set, but not to a program: refused */
	FATE_OTHER_MEMBER, /* its program is an earlier member of this map, too: refused */
	FATE_KERNEL_ONLY,  /* not in the object: will be zero */
	_FATE_MAX,
	_FATE_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(fate, enum fate);
bool fate_is_refusal(enum fate fate);

#define NO_PROGRAM SIZE_MAX

struct ops_member {
	char *name;
	char *type; /* as btf_type_name() */
	enum type_kind kind;
	size_t program; /* index in programs; NO_PROGRAM: not set, or no operator */

	/* In the object's struct; not where fate is FATE_KERNEL_ONLY. */
	uint32_t type_id;
	size_t offset, size;     /* bytes */
	size_t bit_offset, bits; /* bits 0: no bitfield */
	/* In the kernel's struct T, where that has the member. */
	size_t kernel_offset, kernel_size;
	enum fate fate;
};

enum type_presence {
	PRESENCE_UNKNOWN, /* there is no BTF of a kernel */
	PRESENCE_MISSING, /* no struct_ops type of that kernel */
	PRESENCE_KNOWN,
};

/* A variable in a struct_ops section. */
struct ops_map {
	char *name;
	char *section;
	bool link; /* ".struct_ops.link": made for links */
	/* "?": to be made only when asked for. libbpf (as of 1.7) forgets it after the first map of such a section. */
	bool optional;
	char *type;        /* the struct's name in the object … */
	char *kernel_type; /* … and without its flavour ("___v1"), as the kernel is asked for it */
	uint32_t type_id;
	size_t offset; /* in the section */
	size_t section_index;
	uint8_t *image; /* size bytes; operators are zero */
	size_t size;
	struct ops_member *members; /* in the object's order, then those that only the kernel has */
	size_t n_members;

	enum type_presence presence;
	char *module; /* which brings the type; NULL: vmlinux, or not known */
};

struct program_use {
	size_t map, member; /* indices */
};

struct program {
	char *name;
	char *section;
	bool struct_ops;
	bool sleepable;
	bool optional; /* "?": libbpf loads it only when asked to */
	size_t instructions;
	struct program_use *uses; /* operators that it is */
	size_t n_uses;

	size_t section_index, offset;
};

struct global {
	char *name;
	char *section;
	char *type;
	uint32_t type_id;
	enum type_kind kind;
	size_t size;
	char *value;             /* NULL: the kernel gives it */
	const char *not_because; /* why it cannot be overridden; NULL: it can */
	uint64_t offset;
};

struct inspection {
	char *name; /* of the file */
	size_t size;
	char digest[INSPECTION_DIGEST_HEX + 1]; /* SHA-256 */
	char *license;                          /* NULL: none */
	struct ops_map *maps;
	size_t n_maps;
	struct program *programs; /* in the file's order; no subprograms */
	size_t n_programs;
	struct global *globals;
	size_t n_globals;
	struct sentences problems; /* what is wrong with the file: libbpf would refuse it */
	struct sentences notes;
	size_t n_notes_before; /* the others tell what the maps make of the programs */

	char *kernel; /* what it was compared with; NULL: nothing */

	struct btf *btf; /* NULL: none that can be read */
	uint8_t *bytes;
};

/*
 * Reads a file: any user can; FIFOs and devices are refused. 0; -EBADMSG, -errno with *ret_error, a sentence that
 * the caller frees: nothing can be said about the content; -ENOMEM.
 */
int inspection_read(const char *path, struct inspection **ret, char **ret_error);

/* The same for bytes in memory, which are copied. */
int inspection_new(const char *name, const void *bytes, size_t size, struct inspection **ret,
		   char **ret_error);
struct inspection *inspection_free(struct inspection *in);
DEFINE_CLEANUP(struct inspection *, inspection_free)

/* A member's value as the image has it now; "" for operators. The caller frees; NULL: out of memory. */
char *ops_member_value(const struct inspection *in, const struct ops_map *map,
		       const struct ops_member *member);

/* To be called when programs of members were changed: uses and notes are made anew. 0, -ENOMEM. */
int inspection_programs_changed(struct inspection *in);

/* Programs of struct_ops that are no operator of any map. */
bool program_is_unreferenced(const struct program *p);

/* 0, -ENOMEM. */
int sentences_add(struct sentences *s, const char *format, ...) _printf_(2, 3);
/* Leaves the first n of them. */
void sentences_cut(struct sentences *s, size_t n);
void sentences_done(struct sentences *s);
