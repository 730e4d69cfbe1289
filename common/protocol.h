/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bus between structopsctl and structopsd: D-Bus, peer to peer, over RUNTIME_DIR/bus. This header is
 * the whole contract of names; both sides include it and neither writes one of these strings itself.
 *
 * Types are D-Bus signatures. Times are µs; ids are 0 where there is none; an entry of an a{sv} that does
 * not apply (null in JSON) is left out.
 */
#pragma once

#define PROTOCOL_RUNTIME_DIR "/run/structopsd"
#define PROTOCOL_SOCKET_NAME "bus"
#define PROTOCOL_SOCKET PROTOCOL_RUNTIME_DIR "/" PROTOCOL_SOCKET_NAME

#define PROTOCOL_PATH "/org/structopsd/manager"
#define PROTOCOL_INTERFACE "org.structopsd.Manager1"

/* List() -> aa{sv}: a dictionary a policy, in the order of the names, with the KEY_ entries below. */
#define METHOD_LIST "List"
/* Status(as names) -> aa{sv}: as List, with the KEY_STATUS_ entries too. No names: all policies. */
#define METHOD_STATUS "Status"
/*
 * Attach, Detach, Restart (s name, b wait) -> (b done, s sentence). With wait the answer comes when the
 * outcome is known; without it at once. ResetFailed(s name) -> (b done, s sentence).
 */
#define METHOD_ATTACH "Attach"
#define METHOD_DETACH "Detach"
#define METHOD_RESTART "Restart"
#define METHOD_RESET_FAILED "ResetFailed"
/*
 * Switch(s name, t span, b wait) -> (b done, s sentence): puts a policy in place of whichever has the same slot, for
 * that many µs or SWITCH_SPAN_…. SwitchBack(s name, b wait) -> the same: puts back in whose place it is.
 */
#define METHOD_SWITCH "Switch"
#define METHOD_SWITCH_BACK "SwitchBack"
#define SWITCH_SPAN_UNTIL_RESTART 0     /* of the daemon */
#define SWITCH_SPAN_FOR_GOOD UINT64_MAX /* until somebody switches back */
/*
 * Reload(b wait) -> (b done, a(sbs) lines): (policy, whether it is as it should be, what became of it). Where a file
 * does not parse, or an object does not fit its policy, done is false, nothing was changed, and the lines are
 * ("" or policy, false, message).
 */
#define METHOD_RELOAD "Reload"
/* Cat(s name) -> a(ss): (path, content) of each file that the policy was merged from, in that order. */
#define METHOD_CAT "Cat"
/*
 * Log(s name, t offset) -> (s text, t next): what libbpf and the verifier said in the last attempt, a piece from that
 * byte on. next: where the next piece begins; 0: this is the last. Empty: nothing was said.
 */
#define METHOD_LOG "Log"
/*
 * Foreign() -> aa{sv}: the struct_ops that others have attached: KEY_TYPE, KEY_MAP, KEY_MAP_ID, KEY_LINK_ID,
 * KEY_HOLDERS. For those who may manage: it names other users' processes.
 */
#define METHOD_FOREIGN "Foreign"
/* Subscribe(): from now on this connection gets Event signals. */
#define METHOD_SUBSCRIBE "Subscribe"
/*
 * Follow(t seq, t realtime) -> a(tttsssssu): Subscribe(), and the events that the daemon still has (the last of each
 * policy that there is), later than both, in their order. All others come as signals behind the answer: none is
 * missing between, and none comes twice.
 */
#define METHOD_FOLLOW "Follow"
/*
 * Metrics() -> (a{sv} daemon, aa{sv} policies): what was counted. The first with the KEY_DAEMON_ entries, the others
 * as List, with the KEY_METRICS_ entries too.
 */
#define METHOD_METRICS "Metrics"
/* Event: seq, realtime, monotonic, policy, from, to, reason, detail, link id. */
#define SIGNAL_EVENT "Event"

#define SIGNATURE_ROWS "aa{sv}"
#define SIGNATURE_VERDICT "bs"
#define SIGNATURE_RELOAD "ba(sbs)"
#define SIGNATURE_FILES "a(ss)"
#define SIGNATURE_LOG "st"
#define SIGNATURE_EVENT "tttsssssu"
#define SIGNATURE_EVENTS "a(" SIGNATURE_EVENT ")"
#define SIGNATURE_METRICS "a{sv}aa{sv}"

/* Entries of List: the names are those of the JSON schema. */
#define KEY_NAME "name"                   /* s */
#define KEY_DESCRIPTION "description"     /* s */
#define KEY_ENABLED "enabled"             /* b */
#define KEY_STATE "state"                 /* s: common/names.h */
#define KEY_REASON "reason"               /* s: common/names.h */
#define KEY_DETAIL "detail"               /* s: a sentence for a person */
#define KEY_TYPE "type"                   /* s: the kernel's struct, such as tcp_congestion_ops */
#define KEY_MAP "map"                     /* s: the map's name in the object */
#define KEY_MAP_ID "map_id"               /* u */
#define KEY_LINK_ID "link_id"             /* u */
#define KEY_OBJECT "object"               /* s: path of the object file */
#define KEY_ATTACHED_USEC "attached_usec" /* t: realtime */
#define KEY_RESTARTS "restarts"           /* u: automatic ones since the last start by hand */
#define KEY_NEXT_ATTEMPT_USEC "next_attempt_usec" /* t: realtime */
#define KEY_FALLBACK "fallback"                   /* s: policy name */

#define KEY_TEMPLATE "template"           /* s: the policy that this is an instance of */
#define KEY_INSTANCES "instances"         /* u: of a template; left out where the policy is none */
#define KEY_SWITCHED_FROM "switched_from" /* s: attached in place of that policy */
/* t: when that one is put back: realtime; 0: at the next start of the daemon; left out: not by itself */
#define KEY_SWITCH_ENDS_USEC "switch_ends_usec"
#define KEY_DEVICE "device" /* s: DEVPATH that the attachment lives and dies with */
#define KEY_DISAGREEMENTS \
	"disagreements" /* as: where the kernel says otherwise at this moment; left out: nowhere */
#define KEY_HOLDERS "holders" /* as: Foreign() only: "bpftool[4711]", "pin /sys/fs/bpf/x" */

/* What Status adds. */
#define KEY_STATUS_USERS \
	"users" /* u: sockets, namespaces, qdiscs that use the map, besides its link */
#define KEY_STATUS_DEFAULTS \
	"defaults" /* a(ss): [Tcp] Default=: network namespace ("": the daemon's), value before */
/* The last exit that the kernel reported; left out where there was none. */
#define KEY_STATUS_EXIT_KIND "exit_kind"       /* i: enum scx_exit_kind */
#define KEY_STATUS_EXIT_CODE "exit_code"       /* x */
#define KEY_STATUS_EXIT_REASON "exit_reason"   /* s */
#define KEY_STATUS_EXIT_MESSAGE "exit_message" /* s */
#define KEY_STATUS_EXIT_FILE "exit_file"       /* s: dump and streams */
#define KEY_STATUS_FIELDS "fields"     /* a(sss): member, wanted, actual; globals as Globals.NAME */
#define FIELD_UNREADABLE "?"           /* as actual: it could not be read back */
#define KEY_STATUS_PROGRAMS "programs" /* a(ssu): member, program, program id */
#define KEY_STATUS_EVENTS "events"     /* a(tttsssssu), oldest first */
#define KEY_STATUS_VERIFIER_LOG "verifier_log" /* s: its last lines */
#define KEY_STATUS_NOTES "notes"   /* as: members dropped, alternatives passed over, … */
#define KEY_STATUS_DIGEST "digest" /* s: SHA-256 of the object as loaded, hex */
#define KEY_STATUS_WATCH "watch"   /* s: how a detachment is noticed */
#define KEY_STATUS_KEPT "kept"     /* s: by what it outlives the daemon */
#define KEY_STATUS_FILES "files"   /* as: the policy file and its drop-ins */
#define KEY_STATUS_ATTACH_USEC "attach_usec" /* t: how long the last load and attach took */

/* What Metrics tells of the daemon. All counts are since its start. */
#define KEY_DAEMON_VERSION "version" /* s */
#define KEY_DAEMON_STARTED "started" /* t: realtime */
#define KEY_DAEMON_RELOADS "reloads" /* a(st): daemon/core/counters.h, "ok", "failed", "refused" */

/* What Metrics adds to a policy. Counts by reason: a(st), those that are 0 are left out. */
#define KEY_METRICS_SINCE "since_usec"        /* t: realtime of the last change of state */
#define KEY_METRICS_DETACHMENTS "detachments" /* a(st): it ended, and nobody asked for it */
#define KEY_METRICS_FAILURES "failures" /* a(st): attempts to attach or to bring a change in */
#define KEY_METRICS_RESTARTS "restarts_by_reason"     /* a(st): automatic attempts */
#define KEY_METRICS_EXITS "exits"                     /* a(it): enum scx_exit_kind; 0: others */
#define KEY_METRICS_WORKER_FAILURES "worker_failures" /* t */
/* a(stt): program, calls, ns; of each program once. Only while kernel.bpf_stats_enabled is on. */
#define KEY_METRICS_RUNS "runs"
/* (tt): how many, and how long all of them took together. */
#define KEY_METRICS_LOAD "load"
#define KEY_METRICS_ATTACH "attach"
#define KEY_METRICS_UPDATE "update"
#define KEY_METRICS_GAP "gap" /* of the updates: the time in which nothing was attached */

#define ERROR_NO_SUCH_POLICY "org.structopsd.Error.NoSuchPolicy"
#define ERROR_SHUTTING_DOWN "org.structopsd.Error.ShuttingDown"
#define ERROR_ACCESS_DENIED "org.freedesktop.DBus.Error.AccessDenied"
