/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/process.h"

#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/sentence.h"

/* Larger than anything outcome_encode() makes; a datagram larger than the socket's buffer cannot be sent. */
#define MESSAGE_MAX (192 * 1024)

static int shared_fd = -EBADF;

void process_share(int fd)
{
	shared_fd = fd;
}

static int compare_fds(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void close_all_but(const int *keep, size_t n_keep)
{
	int sorted[16] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	size_t n = 3;

	if (shared_fd >= 0)
		sorted[n++] = shared_fd;
	for (size_t i = 0; i < n_keep && n < ARRAY_SIZE(sorted); i++)
		if (keep[i] >= 0)
			sorted[n++] = keep[i];
	qsort(sorted, n, sizeof(*sorted), compare_fds);

	for (size_t i = 0; i + 1 < n; i++)
		if (sorted[i] + 1 < sorted[i + 1])
			close_range(sorted[i] + 1, sorted[i + 1] - 1, 0);
	close_range(sorted[n - 1] + 1, ~0U, 0);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t process_fork(const char *comm, const int *keep, size_t n_keep)
{
	pid_t daemon = getpid(), pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;

	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != daemon) /* it died before PR_SET_PDEATHSIG stood */
		_exit(EXIT_FAILURE);
	prctl(PR_SET_NAME, comm);
	close_all_but(keep, n_keep);
	return 0;
}

int message_send(int socket, const void *data, size_t length, const int *fds, size_t n_fds)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)data, .iov_len = length};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (length > MESSAGE_MAX || n_fds > MESSAGE_FDS_MAX)
		return -EMSGSIZE;
	if (n_fds > 0) {
		struct cmsghdr *c = &control.align;

		message.msg_control = control.buffer;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *message, int ret_fds[MESSAGE_FDS_MAX])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n && i < MESSAGE_FDS_MAX; i++)
			memcpy(&ret_fds[i], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

int message_receive(int socket, int flags, void **ret_data, size_t *ret_length,
		    int ret_fds[MESSAGE_FDS_MAX])
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {0};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	_cleanup_(freep) void *data = NULL;
	int fds[MESSAGE_FDS_MAX] = MESSAGE_FDS_NULL;
	ssize_t length;

	length = recv(socket, NULL, 0, MSG_PEEK | MSG_TRUNC | flags);
	if (length < 0)
		return errno == ECONNRESET ? -ENODATA : -errno;
	if (length == 0)
		return -ENODATA;
	data = malloc((size_t)length);
	if (!data)
		return -ENOMEM;

	iov.iov_base = data;
	iov.iov_len = (size_t)length;
	length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
	if (length < 0)
		return -errno;
	if (length == 0)
		return -ENODATA;
	take_fds(&message, fds);
	if (message.msg_flags & MSG_CTRUNC) {
		for (size_t i = 0; i < MESSAGE_FDS_MAX; i++)
			safe_close(fds[i]);
		return -EMFILE;
	}

	*ret_data = TAKE_PTR(data);
	*ret_length = (size_t)length;
	memcpy(ret_fds, fds, sizeof(fds));
	return 0;
}

char *process_describe_end(int code, int status)
{
	if (code == CLD_EXITED)
		return sentence("exited with status %d", status);
	return sentence("was killed by SIG%s%s", or_empty(sigabbrev_np(status)),
			code == CLD_DUMPED ? " (core dumped)" : "");
}
