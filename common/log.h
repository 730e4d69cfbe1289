/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logging: to the journal with fields where the journal reads our stderr, plain lines on stderr otherwise.
 * Upper floors log; core and kernel never do (they return sentences), so nothing is logged twice.
 */
#pragma once

#include <syslog.h>

#include "common/macro.h"

enum log_target {
	LOG_TARGET_AUTO, /* journal where stderr is connected to it, stderr otherwise */
	LOG_TARGET_JOURNAL,
	LOG_TARGET_STDERR,
	_LOG_TARGET_MAX,
	_LOG_TARGET_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(log_target, enum log_target);

/* emerg … debug, the words of syslog(3); the value is the priority. -EINVAL for another word. */
int log_level_from_string(const char *text);
const char *log_level_to_string(int level);

void log_setup(enum log_target target, int max_level);
void log_set_max_level(int max_level);

/*
 * What the journal gets beside the text. Members may be NULL or 0: then the field is left out. POLICY= is
 * also put before the text on stderr.
 */
struct log_fields {
	const char *policy;
	const char *state;
	const char *reason;
	unsigned link_id;
	int exit_kind;     /* enum scx_exit_kind: of the exit record that the change is about */
	int64_t exit_code; /* only with exit_kind */
	const char *message_id; /* one of MESSAGE_ID_… below */
};

void log_full(int level, const struct log_fields *fields, const char *format, ...) _printf_(3, 4);

#define log_error(...) log_full(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_full(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_full(LOG_DEBUG, NULL, __VA_ARGS__)

/* Log and return: "return log_error_errno(r, "cannot …")"; error is negative, ": strerror" is appended. */
#define log_error_errno(error, format, ...)                                             \
	({                                                                              \
		int _e = (error);                                                       \
		log_error(format ": %s" __VA_OPT__(, ) __VA_ARGS__, strerror(abs(_e))); \
		-abs(_e);                                                               \
	})
#define log_warning_errno(error, format, ...)                                             \
	({                                                                                \
		int _e = (error);                                                         \
		log_warning(format ": %s" __VA_OPT__(, ) __VA_ARGS__, strerror(abs(_e))); \
		-abs(_e);                                                                 \
	})
#define log_oom() (log_error("out of memory"), -ENOMEM)

/* journalctl MESSAGE_ID=…: made once with "systemd-id128 new", never changed. */
#define MESSAGE_ID_ATTACHED "00f47f7cd0904e95ab9bbeefa33e3686"
#define MESSAGE_ID_DETACHED "f101a20a70804243923352eac5405dbb"
#define MESSAGE_ID_FAILED "87f7c4e463be4ecdaaf55dc8120abe1f"
#define MESSAGE_ID_INVALID "f2838aa06c9a4276b73a7dc99ad42cbd"
#define MESSAGE_ID_STATE "bd197d545d8d4894ad8e7ace66a7ac48"
#define MESSAGE_ID_RELOADED "30dda5e2354342338d33dca4f4c97a91"
