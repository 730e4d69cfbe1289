/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bus server: listens on the socket, lets in whom the rights allow, speaks D-Bus peer to peer with each
 * (common/protocol.h). A bad, slow or silent client costs a bounded amount.
 */
#pragma once

#include <sys/types.h>

#include "daemon/service/manager.h"

struct server;

#define SERVER_NO_GROUP ((gid_t)-1)

struct server_rights {
	gid_t view_group;   /* SERVER_NO_GROUP: root only */
	gid_t manage_group; /* may do what viewers may, too */
};

/*
 * Binds and listens; what stands at the path is replaced (the caller holds the runtime dir's lock). 0 with a
 * descriptor; -errno with *ret_error, a sentence that the caller frees.
 */
int server_listen(const char *path, const struct server_rights *rights, int *ret_fd,
		  char **ret_error);

/* listen_fd is consumed, also on failure. */
int server_new(sd_event *event, struct manager *manager, int listen_fd,
	       const struct server_rights *rights, struct server **ret);
struct server *server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free)
