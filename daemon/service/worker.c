/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/worker.h"

#include <sched.h>
#include <signal.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/sentence.h"

/* A worker's exit status for the one failure that it may be unable to put into a report. */
#define EXIT_NO_MEMORY 100

#define WIRE_MAGIC UINT32_C(0x31775350)

/* What stands before the outcome's bytes. Both sides are the same program: host byte order. */
struct wire_header {
	uint32_t magic;
	uint8_t has[KERNEL_HANDLES_N]; /* which of the descriptors come with it */
};
_Static_assert(KERNEL_HANDLES_N <= MESSAGE_FDS_MAX, "a report has room for all handles");

struct worker {
	TAILQ_ENTRY(worker) entry;
	struct worker_pool *pool;
	struct worker_task task;
	pid_t pid; /* 0: still queued */
	int socket;
	sd_event_source *message_source, *exit_source, *timeout_source;
	bool cancelled, holds_slot, reported;
};

TAILQ_HEAD(worker_list, worker);

struct worker_pool {
	sd_event *event;
	sd_event_source *pump_source; /* starts queued workers, from the loop only */
	unsigned max, n_running;
	usec_t timeout;
	struct worker_list queued, running;
};

static void pump_soon(struct worker_pool *pool)
{
	(void)sd_event_source_set_enabled(pool->pump_source, SD_EVENT_ONESHOT);
}

static void worker_release_slot(struct worker *w)
{
	if (!w->holds_slot)
		return;
	w->holds_slot = false;
	w->pool->n_running--;
	pump_soon(w->pool);
}

static struct worker *worker_free(struct worker *w)
{
	sd_event_source_disable_unref(w->message_source);
	sd_event_source_disable_unref(w->exit_source);
	sd_event_source_disable_unref(w->timeout_source);
	safe_close(w->socket);
	free(w);
	return NULL;
}

static void worker_report(struct worker *w, struct worker_report *report)
{
	w->reported = true;
	w->task.done(w->task.userdata, report);
	free(report->detail);
	outcome_done(&report->outcome);
	kernel_handles_close(&report->handles);
}

static void worker_report_lost(struct worker *w, char *detail)
{
	struct worker_report report = {.handles = KERNEL_HANDLES_NULL};

	report.end = w->cancelled ? WORKER_CANCELLED : WORKER_LOST;
	report.detail = detail;
	worker_report(w, &report);
}

/* 0: the descriptors are the report's; -EBADMSG: what the worker sent is no report, and they are NOT consumed. */
static int unpack(const void *data, size_t length, const int fds[MESSAGE_FDS_MAX],
		  struct worker_report *ret)
{
	int row[KERNEL_HANDLES_N] = MESSAGE_FDS_NULL;
	struct wire_header header;
	size_t next = 0;
	int r;

	if (length < sizeof(header))
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	if (header.magic != WIRE_MAGIC)
		return -EBADMSG;
	for (size_t i = 0; i < KERNEL_HANDLES_N; i++)
		if (header.has[i])
			row[i] = fds[next++];
	r = outcome_decode((const char *)data + sizeof(header), length - sizeof(header),
			   &ret->outcome);
	if (r >= 0)
		ret->handles = (struct kernel_handles){row[0], row[1], row[2], row[3]};
	return r;
}

/* Reads the worker's message, if it is there, and passes it on. */
static void worker_receive(struct worker *w)
{
	struct worker_report report = {.end = WORKER_REPORTED, .handles = KERNEL_HANDLES_NULL};
	int fds[MESSAGE_FDS_MAX] = MESSAGE_FDS_NULL;
	_cleanup_(freep) void *data = NULL;
	size_t length;
	int r;

	r = message_receive(w->socket, MSG_DONTWAIT, &data, &length, fds);
	if (r == -EAGAIN || r == -ENODATA)
		return;
	if (r >= 0)
		r = unpack(data, length, fds, &report);
	if (r >= 0) {
		worker_report(w, &report);
		return;
	}

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		safe_close(fds[i]);
	if (r == -EMFILE)
		worker_report_lost(w, sentence("the daemon has no file descriptors left to take "
					       "the new link over (LimitNOFILE=)"));
	else
		worker_report_lost(
			w, sentence("the worker's report could not be read: %s", strerror(-r)));
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct worker *w = userdata;

	if (!w->reported)
		worker_receive(w);
	/* One message a worker; what is left is its end, which on_exit tells. */
	w->message_source = sd_event_source_disable_unref(w->message_source);
	return 0;
}

/* What came instead of a report; the caller's, NULL: out of memory here, too. */
static char *describe_end(const siginfo_t *info)
{
	_cleanup_(freep) char *end = NULL;

	if (info->si_code == CLD_EXITED && info->si_status == EXIT_NO_MEMORY)
		return sentence("the worker ran out of memory");
	end = process_describe_end(info->si_code, info->si_status);
	return sentence("the worker %s before it could report", end ? end : "ended");
}

static int on_exit_of_worker(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct worker *w = userdata;

	if (!w->reported)
		worker_receive(w);
	if (!w->reported)
		worker_report_lost(w, describe_end(info));
	worker_release_slot(w);
	TAILQ_REMOVE(&w->pool->running, w, entry);
	worker_free(w);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct worker *w = userdata;
	char span[TIMESPAN_MAX];

	kill(w->pid, SIGKILL);
	if (!w->reported)
		worker_report_lost(w, sentence("the worker did not end within %s "
					       "(WorkerTimeoutSec=) and was killed",
					       timespan_format(span, w->pool->timeout)));
	/* A worker stuck inside the kernel may outlive SIGKILL for long: others need not wait for it. */
	worker_release_slot(w);
	return 0;
}

static int send_report(int socket, const struct outcome *outcome, const struct kernel_handles *h)
{
	struct wire_header header = {.magic = WIRE_MAGIC};
	_cleanup_(freep) void *bytes = NULL;
	_cleanup_(freep) char *data = NULL;
	int row[KERNEL_HANDLES_N], fds[MESSAGE_FDS_MAX];
	size_t length, n_fds = 0;
	int r;

	r = outcome_encode(outcome, &bytes, &length);
	if (r < 0)
		return r;
	kernel_handles_to_fds(h, row);
	for (size_t i = 0; i < KERNEL_HANDLES_N; i++) {
		header.has[i] = row[i] >= 0;
		if (row[i] >= 0)
			fds[n_fds++] = row[i];
	}

	data = malloc(sizeof(header) + length);
	if (!data)
		return -ENOMEM;
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), bytes, length);
	return message_send(socket, data, sizeof(header) + length, fds, n_fds);
}

static void __attribute__((noreturn)) worker_main(const struct worker_task *task, int socket)
{
	struct kernel_handles handles = KERNEL_HANDLES_NULL;
	struct outcome outcome = OUTCOME_NULL;
	int r;

	r = task->run(task->userdata, &outcome, &handles);
	if (r >= 0)
		r = send_report(socket, &outcome, &handles);
	_exit(r == -ENOMEM ? EXIT_NO_MEMORY : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Parsing and verifying somebody's object is nothing to starve the machine for. */
static void give_up_priority(void)
{
	const struct sched_param none = {.sched_priority = 0};

	if (sched_getscheduler(0) != SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_OTHER, &none);
}

static int worker_watch(struct worker *w)
{
	sd_event *event = w->pool->event;
	int r;

	r = sd_event_add_io(event, &w->message_source, w->socket, EPOLLIN, on_message, w);
	if (r < 0)
		return r;
	/* The message is read before the end is noticed. */
	(void)sd_event_source_set_priority(w->message_source, SD_EVENT_PRIORITY_NORMAL - 10);
	r = sd_event_add_time_relative(event, &w->timeout_source, CLOCK_MONOTONIC, w->pool->timeout,
				       0, on_timeout, w);
	if (r < 0)
		return r;
	return sd_event_add_child(event, &w->exit_source, w->pid, WEXITED, on_exit_of_worker, w);
}

static int worker_start(struct worker *w)
{
	int keep[1 + MESSAGE_FDS_MAX];
	_cleanup_(closep) int child_end = -EBADF;
	size_t n_keep = 1;
	int pair[2], r;
	char comm[16];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	w->socket = pair[0];
	keep[0] = child_end = pair[1];
	if (w->task.keep_fds) {
		w->task.keep_fds(w->task.userdata, keep + 1);
		n_keep = ARRAY_SIZE(keep);
	}

	snprintf(comm, sizeof(comm), "w:%.13s", w->task.name);
	r = process_fork(comm, keep, n_keep);
	if (r < 0)
		return r;
	if (r == 0) {
		if (!w->task.keeps_priority)
			give_up_priority();
		worker_main(&w->task, child_end);
	}

	w->pid = r;
	r = worker_watch(w);
	if (r < 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		w->pid = 0;
	}
	return r;
}

static void worker_start_or_report(struct worker *w)
{
	int r = w->cancelled ? -ECANCELED : worker_start(w);

	if (r >= 0) {
		w->holds_slot = true;
		w->pool->n_running++;
		TAILQ_INSERT_TAIL(&w->pool->running, w, entry);
		return;
	}
	worker_report_lost(w, sentence("no worker could be started: %s%s", strerror(-r),
				       r == -EMFILE ? ", the daemon has no file descriptors left "
						      "(LimitNOFILE=)"
						    : ""));
	worker_free(w);
}

/* It is never queued behind workers that a scheduler starves: urgent ones have a place more. */
static bool may_run(const struct worker *w)
{
	return w->cancelled || w->pool->n_running < w->pool->max + w->task.urgent;
}

static int on_pump(sd_event_source *source, void *userdata)
{
	struct worker_pool *pool = userdata;
	struct worker *w;

	while ((w = TAILQ_FIRST(&pool->queued)) && may_run(w)) {
		TAILQ_REMOVE(&pool->queued, w, entry);
		worker_start_or_report(w);
	}
	return 0;
}

int worker_submit(struct worker_pool *pool, const struct worker_task *task, struct worker **ret)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->pool = pool;
	w->task = *task;
	w->socket = -EBADF;
	if (task->urgent)
		TAILQ_INSERT_HEAD(&pool->queued, w, entry);
	else
		TAILQ_INSERT_TAIL(&pool->queued, w, entry);
	pump_soon(pool);
	*ret = w;
	return 0;
}

void worker_cancel(struct worker *w)
{
	w->cancelled = true;
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		return;
	}
	/* It needs no slot to be reported as cancelled. */
	TAILQ_REMOVE(&w->pool->queued, w, entry);
	TAILQ_INSERT_HEAD(&w->pool->queued, w, entry);
	pump_soon(w->pool);
}

int worker_pool_new(sd_event *event, unsigned max, usec_t timeout, struct worker_pool **ret)
{
	_cleanup_(worker_pool_freep) struct worker_pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return -ENOMEM;
	pool->event = sd_event_ref(event);
	pool->max = max;
	pool->timeout = timeout;
	TAILQ_INIT(&pool->queued);
	TAILQ_INIT(&pool->running);

	r = sd_event_add_defer(event, &pool->pump_source, on_pump, pool);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(pool->pump_source, SD_EVENT_OFF);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pool);
	return 0;
}

struct worker_pool *worker_pool_free(struct worker_pool *pool)
{
	struct worker *w;

	if (!pool)
		return NULL;
	while ((w = TAILQ_FIRST(&pool->queued))) {
		TAILQ_REMOVE(&pool->queued, w, entry);
		worker_free(w);
	}
	while ((w = TAILQ_FIRST(&pool->running))) {
		TAILQ_REMOVE(&pool->running, w, entry);
		w->exit_source = sd_event_source_disable_unref(w->exit_source);
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		worker_free(w);
	}
	sd_event_source_disable_unref(pool->pump_source);
	sd_event_unref(pool->event);
	free(pool);
	return NULL;
}
