/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between the daemon and the kernel: everything that is ever asked of bpf() goes through here, and
 * tests/fake-kernel.c is the second implementation. No function here logs: sentences go into the outcome.
 *
 * A function may block (the verifier, one global struct_ops mutex, RCU) and is therefore called in a worker or in the
 * helper, never in the event loop, unless it says "quick".
 */
#pragma once

#include "daemon/core/adoption.h"
#include "daemon/core/hid-match.h"
#include "daemon/core/outcome.h"
#include "daemon/core/policy.h"
#include "daemon/core/uevent.h"

/* Descriptors of an attachment, owned by whoever has the struct. -EBADF: none. */
struct kernel_handles {
	int map_fd; /* the struct_ops map */
	int link_fd; /* its link; -EBADF with a map that is attached without one (outcome.linkless) */
	int record_fd; /* the data map with the exit record (outcome.exit) */
	int dump_fd;   /* the data map with the debug dump */
};
#define KERNEL_HANDLES_NULL       \
	((struct kernel_handles){ \
		.map_fd = -EBADF, .link_fd = -EBADF, .record_fd = -EBADF, .dump_fd = -EBADF})

void kernel_handles_close(struct kernel_handles *h);

/* As a row, in the order above: for whoever passes them on. */
#define KERNEL_HANDLES_N 4
static inline void kernel_handles_to_fds(const struct kernel_handles *h, int ret[KERNEL_HANDLES_N])
{
	const int fds[KERNEL_HANDLES_N] = {h->map_fd, h->link_fd, h->record_fd, h->dump_fd};

	memcpy(ret, fds, sizeof(fds));
}

struct kernel_job {
	const struct policy *policy;
	char *const *object_path; /* folders for a relative Path=; NULL-terminated */
	const struct kernel_handles
		*old; /* what runs now and is to be replaced; NULL: nothing runs. Not consumed */
	const struct outcome
		*before; /* of the attachment's last life (its defaults go on); NULL: none */
	/* Where kernel_exit_dump() writes what one that is dead on arrival leaves; NULL: nowhere. */
	const char *end_file;
	/* kernel_examine(): for a look only, so it does not count who could have written the object. */
	bool anybodys;
	/* Where kernel_attach() writes all that libbpf and the verifier say (made anew, mode 0600); NULL: nowhere. */
	const char *log_file;
};

/*
 * Finds, checks, hashes, opens and loads the object, writes the overrides, attaches, reads back. Always fills
 * *ret_outcome (the caller's, outcome_done()). *ret_handles has descriptors when something of the new policy is
 * attached, or when the old map was linked again after a failed swap (CHANGE_KEPT with another link: then it has
 * only a link_fd and map_fd is -EBADF; the old map stays the caller's; link_id and enable_seq of the outcome are its new
 * ones).
 * With CHANGE_UPDATED link_fd is -EBADF too: the caller's old link goes on, with the new map.
 * A real-time priority of the caller is for the attach alone; the load, which takes long, is made without.
 * Returns 0, or -ENOMEM when not even the outcome could be written.
 */
int kernel_attach(const struct kernel_job *job, struct outcome *ret_outcome,
		  struct kernel_handles *ret_handles);

/*
 * The way of kernel_attach() as far as it asks nothing of the kernel: finds, reads and hashes the object, checks the ELF
 * file, chooses the map, writes the overrides. Changes nothing and takes no privileges (beyond reading the object); old
 * and end_file of the job are not looked at. The outcome (the caller's) has verdict VERDICT_FITS where nothing speaks
 * against an attempt, and tells file, digest, stamp, type, map, ops_name, slot, and wanted of its fields; else verdict,
 * error and detail as kernel_attach() would have them. Whether this kernel has the type, and whether its verifier will
 * have the programs, remains to be seen: so of the alternatives of Map= the first is told of; what speaks against another
 * is a note. Returns 0, or -ENOMEM when not even the outcome could be written.
 */
int kernel_check(const struct kernel_job *job, struct outcome *ret_outcome);

/* A map's value as the policy leaves it, in the object's own struct; zero where operators stand. */
struct kernel_image {
	char *map;
	void *bytes;
	size_t size;
	struct kernel_operator {
		char *member, *program;
	} * operators; /* those that are set */
	size_t n_operators;
};

/* A global variable that the policy sets, as a whole and as the policy leaves it. */
struct kernel_global {
	char *name;
	void *bytes;
	size_t size;
};

struct kernel_findings {
	struct messages
		problems; /* all that is wrong with the overrides; the outcome's detail is the last */
	struct kernel_image *images; /* of each map of Map= that nothing speaks against */
	size_t n_images;
	struct kernel_global *globals; /* where there is an image */
	size_t n_globals;
};
#define KERNEL_FINDINGS_NULL ((struct kernel_findings){0})
void kernel_findings_done(struct kernel_findings *f);

/* kernel_check() that does not stop at the first mistake, for whoever shows them all. *ret is the caller's. */
int kernel_examine(const struct kernel_job *job, struct outcome *ret_outcome,
		   struct kernel_findings *ret);

/*
 * kernel_check(), and then the kernel is asked: loads programs and maps, gives the struct_ops map its value where that
 * registers nothing, and closes all. Nothing is attached; a struct_ops map without a link does nothing, of whichever
 * type it is. The outcome as kernel_attach() would have it, with VERDICT_FITS where nothing speaks against it. Takes the
 * privileges to load.
 */
int kernel_verify(const struct kernel_job *job, struct outcome *ret_outcome);

/* What is known of a struct_ops type beforehand, to be told to whoever has a kernel without it. Quick. */
struct kernel_type_needs {
	const char *since;  /* "6.12"; NULL: not known */
	const char *config; /* "CONFIG_SCHED_CLASS_EXT"; NULL: not known */
	bool built_in;      /* no module that is loaded later brings it */
};
struct kernel_type_needs kernel_type_needs(const char *type);
/*
 * ". It came with Linux 6.12 and needs CONFIG_SCHED_CLASS_EXT", to follow a sentence; "" where nothing is known. The
 * caller frees; NULL: out of memory.
 */
char *kernel_type_needs_text(const char *type);

/* Links a loaded map again. 0 with a link that is the caller's; -errno. */
int kernel_relink(int map_fd, int *ret_link_fd, uint32_t *ret_link_id);

/*
 * Gives back what was pointed at it (o->defaults; o NULL: nothing) and takes it off, whoever else holds it. Waits for
 * RCU. 0 also if it was off already. Empty handles: only the giving back. What could not be given back is no error:
 * *ret_notes (may be NULL) says it.
 */
int kernel_detach(const struct kernel_handles *h, const struct outcome *o,
		  struct messages *ret_notes);

/* 1: attached, with the map of that id (ret_map_id may be NULL); 0: detached; -errno. Quick. */
int kernel_state(const struct kernel_handles *h, uint32_t *ret_map_id);

/*
 * Whether the kernel uses it at this moment, asked of everything that can tell (link, sysfs, exit record), compared
 * with what was attached (o). 1: yes. 0: no, or not as we left it: *ret_why says what the kernel has instead (the
 * caller's; NULL: out of memory). 2: not any more, but why is not written down yet (*ret_why says that): ask again in a
 * moment. -errno: cannot be found out. Quick.
 */
int kernel_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why);

/* The exit record: 1 with *ret (kind not 0); 0: it has none or none was written; -errno. Quick. */
int kernel_exit_read(const struct kernel_handles *h, const struct outcome *o,
		     struct exit_record *ret);

/*
 * Writes what the dead attachment left to say into a file (made anew, mode 0600): record, debug dump, each program's
 * streams. 1: written; 0: there was nothing; -errno. Quick: bounded (2 MiB), nothing waits.
 */
int kernel_exit_dump(const struct kernel_handles *h, const struct outcome *o, const char *path);

/* How many use the map besides its link (sockets, namespaces, qdiscs): 0 or more; -errno. Quick. */
int kernel_users(const struct kernel_handles *h);

/* Whether the kernel counts the runs of all programs (kernel.bpf_stats_enabled); top's counting does not show here. */
bool kernel_counts_runs(void);
/* How often a program has run while that was so, and for how long. 0; -errno. Quick. */
int kernel_program_runs(uint32_t id, uint64_t *ret_calls, uint64_t *ret_nsec);

/*
 * Everything struct_ops that is attached and whose map is not among ours, into ret->foreign, with who holds it: looks
 * through all links, maps, processes and pins. 0; -ENOMEM; other -errno: not permitted.
 */
int kernel_survey(const uint32_t *ours, size_t n_ours, struct outcome *ret);

/* The HID devices there are. *ret is the caller's (hid_device_done() each, free()). 0; -errno. Quick (sysfs). */
int kernel_hid_devices(struct hid_device **ret, size_t *ret_n);

/*
 * The kernel's uevents. open: a descriptor to poll for EPOLLIN, the caller's; -errno. receive: 1 with *ret borrowed
 * from buffer; 0: nothing for us; -EAGAIN; -ENOBUFS: some were lost; other -errno. Neither blocks.
 */
#define KERNEL_UEVENT_MAX 8192
int kernel_uevent_open(void);
int kernel_uevent_receive(int fd, char *buffer, size_t size, struct uevent *ret);
/*
 * The place (outcome.slot) of which this uevent tells that somebody took it ("add") or has left it ("remove"). The caller
 * frees; NULL: of none, or out of memory. Quick.
 */
char *kernel_uevent_place(const struct uevent *e);

/* Whether the kernel tells of a detachment by EPOLLHUP (Linux 6.11 and newer). */
bool kernel_link_can_poll(int link_fd);

/*
 * Keeping. Descriptors that come back from the service manager or from pins are believed only after this: what is not
 * what its place is for is closed and noted, and where the link has another map than the one that is held, that one is
 * held instead. *ret is what is left (its name is the caller's), all zero where nothing is. Quick.
 */
void kernel_find_facts(struct kernel_handles *h, struct adoption_find *ret,
		       struct messages *ret_notes);
/* Number of a link or map within its kind, as bpftool shows it; 0: the descriptor is neither. Quick. */
uint32_t kernel_object_id(int fd);
/*
 * What was kept by nobody but is there all the same, by the ids of o: a map that is registered without a link, a link
 * that somebody else holds too. To be verified as above. 1: *ret is the caller's; 0: there is nothing. Quick.
 */
int kernel_reopen(const struct outcome *o, struct kernel_handles *ret);

/*
 * Pins: FOLDER/NAME/{link,map,record,dump}, with NAME escaped (core/pin-name.h); FOLDER is made where it does not exist,
 * the bpffs it lies in is not. The former pins of the name, if any, are replaced at once and whole, and stand where the
 * new ones cannot be made. 0; -errno with a sentence that the caller frees. Quick.
 */
int kernel_pin(const struct kernel_handles *h, const char *folder, const char *name,
	       char **ret_error);
/* 0, also where there was nothing. FOLDER goes with the last name. As above. */
int kernel_unpin(const char *folder, const char *name, char **ret_error);
/*
 * The names that have pins; what an interrupted kernel_pin() left is removed, what is none of ours noted. NULL: none,
 * or no bpffs. 0: *ret_names is the caller's (strv_free()); -errno (-ENOMEM).
 */
int kernel_pins_list(const char *folder, char ***ret_names, struct messages *ret_notes);
/* Opens what is there; what cannot be opened is noted. 0: *ret is the caller's; -ENOMEM. */
int kernel_pins_open(const char *folder, const char *name, struct kernel_handles *ret,
		     struct messages *ret_notes);
