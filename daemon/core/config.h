/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* structopsd.conf and structopsd.conf.d/ *.conf: settings of the daemon itself, all optional. */
#pragma once

#include "daemon/core/messages.h"
#include "daemon/core/timespan.h"

enum keep_links {
	KEEP_LINKS_AUTO,
	KEEP_LINKS_FDSTORE,
	KEEP_LINKS_PIN,
	KEEP_LINKS_NO,
	_KEEP_LINKS_MAX,
	_KEEP_LINKS_INVALID = -EINVAL,
};
DECLARE_STRING_TABLE(keep_links, enum keep_links);

struct config {
	char **policy_path; /* NULL-terminated lists of absolute folders */
	char **object_path;
	char *runtime_dir;
	int log_level; /* syslog priority */
	enum keep_links keep_links;
	bool watch_policies; /* reload when policies change on disk */
	char *view_group;    /* name or number; NULL: none */
	char *manage_group;
	usec_t worker_timeout;
	unsigned workers_max; /* 0: as many as there are CPUs */
};

/* The built-in defaults. 0 or -ENOMEM; config_done() afterwards. */
int config_init(struct config *ret);
void config_done(struct config *c);

/*
 * Reads file and then file.d/ *.conf in the order of their names into c. A file that does not exist is an error
 * only if must_exist. 0; -EBADMSG with messages ("file:line: [Daemon] key: …"), -errno with a message for
 * a file that cannot be read, -ENOMEM.
 */
int config_read(struct config *c, const char *file, bool must_exist, struct messages *messages);

/* "DIR:DIR" -> list; every folder must be absolute. 0, -EINVAL, -ENOMEM. Frees the former *list on success. */
int config_set_path(char ***list, const char *text);
