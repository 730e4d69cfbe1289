/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy: what an administrator wrote, merged from its file and drop-ins and checked as far as that is
 * possible without the object and the kernel. Values of overrides stay text here: only BTF knows their
 * types, so the kernel floor parses them (core/value.h has the syntax).
 */
#pragma once

#include "common/macro.h"
#include "daemon/core/hid-match.h"
#include "daemon/core/ini.h"
#include "daemon/core/messages.h"
#include "daemon/core/timespan.h"

#define POLICY_NAME_MAX 64
#define POLICY_TEMPLATE_NAME_MAX (POLICY_NAME_MAX - HID_INSTANCE_MAX) /* room for "@DEVICE" */
#define POLICY_HID_MEMBER "hid_id"                                    /* of struct hid_bpf_ops */
#define POLICY_SUFFIX ".policy"
#define POLICY_LINE_MAX INI_LINE_MAX
#define POLICY_OVERRIDES_MAX 4096 /* lines of all [Fields] together, and of [Globals] */

enum restart_mode {
	RESTART_NO,
	RESTART_ON_DETACH,
	RESTART_ALWAYS,
	_RESTART_MODE_MAX,
	_RESTART_MODE_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(restart_mode, enum restart_mode);

/* [Attach]: when and how often to try again. Names and meaning as in systemd.service(5), systemd.unit(5). */
struct restart_rules {
	enum restart_mode mode;
	usec_t delay; /* RestartSec= */
	unsigned
		steps; /* RestartSteps=: after so many restarts the delay is max_delay; 0: delay is constant */
	usec_t max_delay; /* RestartMaxDelaySec= */
	unsigned
		limit_burst; /* StartLimitBurst=: starts allowed within limit_interval; 0: no limit */
	usec_t limit_interval; /* StartLimitIntervalSec=: 0: no limit. Attached for so long: all begins anew */
};

enum override_op {
	OVERRIDE_SET, /* = */
	OVERRIDE_OR,  /* |= */
	OVERRIDE_AND, /* &= */
	_OVERRIDE_OP_MAX,
	_OVERRIDE_OP_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(override_op, enum override_op); /* "=", "|=", "&=" */

/*
 * One line of [Fields], [Fields MAP] or [Globals]. An empty value with OVERRIDE_SET means: operator NULL,
 * data as the object has it. For one (map, path) there is at most one OVERRIDE_SET and it comes before the
 * OVERRIDE_OR and OVERRIDE_AND of that path: an assignment drops what stood before it.
 */
struct override {
	char *map;  /* of [Fields MAP]; NULL: [Fields], whichever map is chosen */
	char *path; /* "limits.max[2]": syntax checked, blanks removed */
	enum override_op op;
	char *value;      /* never NULL; surrounding blanks removed */
	const char *file; /* borrowed from policy.files */
	unsigned line;
};

struct policy {
	char *name;
	char *description; /* NULL: none */
	bool enabled;
	char *fallback; /* NULL: none */

	char *object_path; /* [Object] Path=; absolute or to be looked for in ObjectPath */
	char *sha256;      /* lower case hex, 64 characters; NULL: any content */
	char **maps;       /* Map=, in order; NULL-terminated; NULL: the object's only one */

	struct override *fields;
	size_t n_fields;
	struct override *globals;
	size_t n_globals;

	struct restart_rules restart;

	bool is_template; /* [Match] is there: instances are attached, one a device, never the policy itself */
	struct hid_match hid; /* [Match] Hid= */
	const char *hid_file; /* where it stands; borrowed from files */
	unsigned hid_line;
	bool tcp_default; /* [Tcp] Default= */
	char **tcp_netns; /* [Tcp] Netns=: names (of ip-netns(8)) or paths; NULL: the daemon's own only */

	char **files; /* paths it was merged from, in order; NULL-terminated */
};

/* One file of a policy, as read. */
struct policy_source {
	char *path;
	char *text; /* may contain NUL bytes (the parser refuses them); a NUL is put behind it too */
	size_t length; /* bytes */
};

/* Letters, digits and "_.@-", at most POLICY_NAME_MAX, no dot first (such files are hidden and not looked at). */
bool policy_name_is_valid(const char *name);

/*
 * Parses and merges: sources[0] is the policy file, the others its drop-ins in their order; with n == 0 (masked
 * or empty) it is an error. 0: *ret is the caller's. -EBADMSG: something is wrong and messages has every problem as
 * "file:line: [section] key: what is wrong, what was expected"; -ENOMEM. *ret is written only on success.
 */
int policy_parse(const char *name, const struct policy_source *sources, size_t n,
		 struct policy **ret, struct messages *messages);
struct policy *policy_free(struct policy *p);
DEFINE_CLEANUP(struct policy *, policy_free)

/* A copy of a policy that is no template. 0: *ret is the caller's; -ENOMEM. */
int policy_copy(const struct policy *p, struct policy **ret);

/*
 * An instance of a template: a copy with the name TEMPLATE@DEVICE, no [Match], and the override hid_id = id (it stands
 * at the line of Hid=; the template's own hid_id, if it has one, is a parse error already). 0: *ret is the caller's.
 */
int policy_instance(const struct policy *template, const struct hid_device *device,
		    struct policy **ret);

/*
 * Which parts of two policies differ. What concerns the object (path, digest, maps, overrides) needs a new load, and so
 * does [Tcp], since the worker that attaches carries it out; the rest is taken over in place. [Match] is of the rest:
 * it says which instances there are, not what they are like. Where it is written (files, lines) does not count.
 */
bool policy_same_object(const struct policy *a, const struct policy *b);
bool policy_equal(const struct policy *a, const struct policy *b);
