/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The exit record: what a sched_ext object notes about the end of its scheduler, by the convention of the kernel's
 * own schedulers: a global of type struct user_exit_info. The kernel floor finds it by BTF and reads the bytes; here
 * they are understood.
 */
#pragma once

#include "common/macro.h"

#define EXIT_REASON_MAX 128
#define EXIT_MESSAGE_MAX 1024
#define EXIT_OFFSET_NONE UINT32_MAX

/* Where in the value of its data map each member stands (bytes). value_size 0: the object has no exit record. */
struct exit_layout {
	uint32_t value_size;          /* of the data map */
	uint32_t kind;                /* an int */
	uint32_t code;                /* a s64; EXIT_OFFSET_NONE: not in this layout */
	uint32_t reason, reason_size; /* char arrays; size 0: not there */
	uint32_t message, message_size;
	uint32_t dump_size; /* value of the map that holds the debug dump (char array); 0: none */
	uint32_t dump;      /* offset in that value */
};

/* enum scx_exit_kind; what is not here and below EXIT_KIND_ERROR is newer than this program. */
enum exit_kind {
	EXIT_KIND_UNREG = 64,  /* from user space: the link was closed or detached */
	EXIT_KIND_UNREG_BPF,   /* the scheduler itself: scx_bpf_exit() */
	EXIT_KIND_UNREG_KERN,  /* the kernel, for what is nobody's fault */
	EXIT_KIND_SYSRQ,       /* sysrq-S */
	EXIT_KIND_PARENT,      /* the parent scheduler ended */
	EXIT_KIND_PARENT_KILL, /* the parent scheduler wanted it gone */
	EXIT_KIND_ERROR = 1024,
};

struct exit_record {
	int kind; /* enum scx_exit_kind; 0: it runs */
	int64_t code;
	char reason[EXIT_REASON_MAX +
		    1]; /* "runnable task stall"; always terminated, valid UTF-8 */
	char message[EXIT_MESSAGE_MAX + 1];
};

/* What an exit asks for (design.md section 3). */
enum exit_class {
	EXIT_ERROR,   /* it failed: back-off, counted */
	EXIT_RESTART, /* the kernel asks to load it again: at once, not counted */
	EXIT_WISH, /* somebody wanted it gone (sysrq-S, another tool, the scheduler itself): stays off */
	EXIT_PARENT, /* the parent scheduler is gone: when that is back */
	_EXIT_CLASS_MAX,
};

/* 0; -EBADMSG: the layout does not fit into size bytes, or it is none. *ret is written only on success. */
int exit_record_parse(const void *value, size_t size, const struct exit_layout *layout,
		      struct exit_record *ret);

/* Of a record that is not 0. */
enum exit_class exit_record_class(const struct exit_record *r);

/* "runnable task stall: victim[250] failed to run for 2.656s (kind 1026)". The caller frees; NULL: out of memory. */
char *exit_record_text(const struct exit_record *r);
