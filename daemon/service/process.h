/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Child processes of the daemon: forked, never executed, with nothing of the daemon's but what they are given. */
#pragma once

#include "common/macro.h"

#include <sys/types.h>

/*
 * Forks. In the parent: the pid. In the child: 0, and everything is prepared: signals as in a fresh process,
 * all descriptors but 0-2 and keep[] (-EBADF entries are skipped) closed, comm named, and SIGKILL when the
 * daemon dies. The child must end with _exit(). -errno: no child.
 */
pid_t process_fork(const char *comm, const int *keep, size_t n_keep);

/* From now on all children have this one open, too, as long as they live. -EBADF: none. NOT consumed. */
void process_share(int fd);

#define MESSAGE_FDS_MAX 4
#define MESSAGE_FDS_NULL                       \
	{                                      \
		-EBADF, -EBADF, -EBADF, -EBADF \
	}

/*
 * One datagram with descriptors (SOCK_SEQPACKET). send: descriptors are NOT consumed. receive: *ret_data is
 * malloc()ed; ret_fds[] are the caller's, -EBADF where the sender gave fewer. 0; -ENODATA: the peer is gone;
 * -EAGAIN: nothing there yet (flags MSG_DONTWAIT); -EMFILE: descriptors came that this process had no room for;
 * other -errno.
 */
int message_send(int socket, const void *data, size_t length, const int *fds, size_t n_fds);
int message_receive(int socket, int flags, void **ret_data, size_t *ret_length,
		    int ret_fds[MESSAGE_FDS_MAX]);

/* "was killed by SIGSEGV", "exited with status 3": for waitid()'s si_code and si_status. The caller frees. */
char *process_describe_end(int code, int status);
