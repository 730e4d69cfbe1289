/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/helper.h"

#include <signal.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/log.h"
#include "daemon/kernel/kernel.h"
#include "daemon/service/process.h"

/* The map's descriptor travels beside the request, the link's beside the answer. */
struct request_wire {
	uint64_t id;
};

struct answer_wire {
	uint64_t id;
	int32_t error; /* 0 or negative errno */
	uint32_t link_id;
};

struct request {
	TAILQ_ENTRY(request) entry;
	uint64_t id;
	usec_t deadline; /* CLOCK_MONOTONIC */
	helper_done_t done;
	void *userdata;
};

TAILQ_HEAD(request_list, request);

struct helper {
	sd_event *event;
	usec_t timeout;
	pid_t pid;
	int socket;
	uint64_t last_id;
	sd_event_source *answer_source, *exit_source, *timeout_source;
	struct request_list
		requests; /* in the order of their deadlines, which is that of their ids */
};

static void __attribute__((noreturn)) helper_main(int socket)
{
	for (;;) {
		int fds[MESSAGE_FDS_MAX] = MESSAGE_FDS_NULL, link_fd = -EBADF;
		_cleanup_(freep) void *data = NULL;
		struct answer_wire answer = {0};
		struct request_wire request;
		size_t length;

		if (message_receive(socket, 0, &data, &length, fds) < 0 ||
		    length != sizeof(request))
			_exit(EXIT_SUCCESS); /* the daemon has closed its end */
		memcpy(&request, data, sizeof(request));

		answer.id = request.id;
		answer.error = kernel_relink(fds[0], &link_fd, &answer.link_id);
		if (message_send(socket, &answer, sizeof(answer), &link_fd, link_fd >= 0) < 0)
			_exit(EXIT_FAILURE);
		safe_close(link_fd);
		safe_close(fds[0]);
	}
}

static void arm_timeout(struct helper *h)
{
	struct request *first = TAILQ_FIRST(&h->requests);

	if (!first) {
		(void)sd_event_source_set_enabled(h->timeout_source, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(h->timeout_source, first->deadline);
	(void)sd_event_source_set_enabled(h->timeout_source, SD_EVENT_ONESHOT);
}

static void finish(struct helper *h, struct request *request, int error, int link_fd,
		   uint32_t link_id)
{
	TAILQ_REMOVE(&h->requests, request, entry);
	request->done(request->userdata, error, link_fd, link_id);
	free(request);
}

static void fail_all(struct helper *h, int error)
{
	struct request_list failed = TAILQ_HEAD_INITIALIZER(failed);
	struct request *request;

	/* done() may ask again: those are for the next helper. */
	TAILQ_CONCAT(&failed, &h->requests, entry);
	arm_timeout(h);
	while ((request = TAILQ_FIRST(&failed))) {
		TAILQ_REMOVE(&failed, request, entry);
		request->done(request->userdata, error, -EBADF, 0);
		free(request);
	}
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	int fds[MESSAGE_FDS_MAX] = MESSAGE_FDS_NULL;
	_cleanup_(freep) void *data = NULL;
	struct helper *h = userdata;
	struct answer_wire answer;
	struct request *request;
	size_t length;
	int r;

	r = message_receive(h->socket, MSG_DONTWAIT, &data, &length, fds);
	if (r == -EAGAIN)
		return 0;
	if (r == -ENODATA) { /* on_exit_of_helper says the rest */
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	request = TAILQ_FIRST(&h->requests); /* answers come in the order of the requests */
	if (r < 0 || length != sizeof(answer)) {
		if (request)
			finish(h, request, r < 0 ? r : -EBADMSG, -EBADF, 0);
		safe_close(fds[0]);
		arm_timeout(h);
		return 0;
	}

	memcpy(&answer, data, sizeof(answer));
	if (request && request->id == answer.id)
		finish(h, request, answer.error, fds[0], answer.link_id);
	else
		safe_close(fds[0]);
	arm_timeout(h);
	return 0;
}

static int helper_start(struct helper *h);

static int on_exit_of_helper(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct helper *h = userdata;
	_cleanup_(freep) char *end = process_describe_end(info->si_code, info->si_status);
	int r;

	log_warning("the relink helper (pid %d) %s; starting another", (int)h->pid,
		    end ? end : "ended");
	h->answer_source = sd_event_source_disable_unref(h->answer_source);
	h->exit_source = sd_event_source_disable_unref(h->exit_source);
	h->socket = safe_close(h->socket);
	h->pid = 0;

	r = helper_start(h);
	if (r < 0)
		log_error_errno(r,
				"cannot start the relink helper; until the daemon is restarted a "
				"detached link is brought back by loading its object again");
	fail_all(h, -EPIPE);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct helper *h = userdata;

	/* Its end starts another one; those that wait need not wait for that. */
	if (h->pid > 0)
		kill(h->pid, SIGKILL);
	fail_all(h, -ETIMEDOUT);
	return 0;
}

static int helper_watch(struct helper *h)
{
	int r;

	r = sd_event_add_io(h->event, &h->answer_source, h->socket, EPOLLIN, on_answer, h);
	if (r < 0)
		return r;
	(void)sd_event_source_set_priority(h->answer_source, SD_EVENT_PRIORITY_NORMAL - 10);
	return sd_event_add_child(h->event, &h->exit_source, h->pid, WEXITED, on_exit_of_helper, h);
}

static int helper_start(struct helper *h)
{
	_cleanup_(closep) int child_end = -EBADF;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	h->socket = pair[0];
	child_end = pair[1];
	r = process_fork("structops-relnk", &child_end, 1);
	if (r == 0)
		helper_main(child_end);
	if (r > 0) {
		h->pid = r;
		r = helper_watch(h);
	}
	if (r < 0)
		h->socket = safe_close(h->socket);
	return r;
}

int helper_relink(struct helper *h, int map_fd, helper_done_t done, void *userdata)
{
	struct request_wire wire = {.id = h->last_id + 1};
	_cleanup_(freep) struct request *request = NULL;
	usec_t now;
	int r;

	if (h->socket < 0)
		return -EPIPE;
	request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	r = sd_event_now(h->event, CLOCK_MONOTONIC, &now);
	if (r < 0)
		return r;
	r = message_send(h->socket, &wire, sizeof(wire), &map_fd, 1);
	if (r < 0)
		return r;

	h->last_id = request->id = wire.id;
	request->deadline = now + h->timeout;
	request->done = done;
	request->userdata = userdata;
	TAILQ_INSERT_TAIL(&h->requests, request, entry);
	request = NULL;
	arm_timeout(h);
	return 0;
}

int helper_new(sd_event *event, usec_t timeout, struct helper **ret)
{
	_cleanup_(helper_freep) struct helper *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->event = sd_event_ref(event);
	h->timeout = timeout;
	h->socket = -EBADF;
	TAILQ_INIT(&h->requests);
	r = sd_event_add_time(event, &h->timeout_source, CLOCK_MONOTONIC, 0, 0, on_timeout, h);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(h->timeout_source, SD_EVENT_OFF);
	r = helper_start(h);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(h);
	return 0;
}

struct helper *helper_free(struct helper *h)
{
	struct request *request;

	if (!h)
		return NULL;
	h->exit_source = sd_event_source_disable_unref(h->exit_source);
	h->answer_source = sd_event_source_disable_unref(h->answer_source);
	sd_event_source_disable_unref(h->timeout_source);
	safe_close(h->socket);
	if (h->pid > 0) {
		kill(h->pid, SIGKILL);
		waitpid(h->pid, NULL, 0);
	}
	while ((request = TAILQ_FIRST(&h->requests))) {
		TAILQ_REMOVE(&h->requests, request, entry);
		free(request);
	}
	sd_event_unref(h->event);
	free(h);
	return NULL;
}
