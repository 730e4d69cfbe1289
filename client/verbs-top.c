/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* top: what the programs of each attachment cost. A daemon adds names and states, and is not needed. */
#include <signal.h>
#include <time.h>

#include "client/ask.h"
#include "client/screen.h"
#include "client/top-view.h"
#include "client/verbs.h"

struct top {
	struct client *client;
	struct meter *meter;
	struct screen *screen; /* NULL: output goes on line by line */
	struct meter_sample before;
};

static void top_done(struct top *top)
{
	screen_free(top->screen);
	meter_sample_done(&top->before);
	meter_free(top->meter);
}

static enum exit_status failed(struct top *top, int r, const char *error)
{
	/* What is said must outlive the screen. */
	top->screen = screen_free(top->screen);
	return failed_by(r, error);
}

static int show_on_screen(struct top *top, const struct top_view *view)
{
	struct style style = {.utf8 = top->client->style.utf8};
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r;

	if (!f)
		return -ENOMEM;
	r = text_top(f, &style, view);
	if (fclose(f) != 0)
		return -ENOMEM;
	return r < 0 ? r : screen_show(top->screen, text);
}

static int show(struct top *top, const struct top_view *view)
{
	const struct client *client = top->client;
	int r;

	if (top->screen)
		return show_on_screen(top, view);
	if (client->json)
		r = json_top(stdout, view);
	else
		r = text_top(stdout, &client->style, view);
	if (r == 0 && !client->json && !client->once)
		fputc('\n', stdout);
	/* What reads a pipe wants each sample at once. */
	return r == 0 && fflush(stdout) != 0 ? -errno : r;
}

static enum exit_status show_sample(struct top *top, const struct meter_sample *now)
{
	_cleanup_(policy_rows_done) struct policy_rows policies = {0};
	_cleanup_(top_view_done) struct top_view view = {0};
	_cleanup_(freep) char *problem = NULL;
	int r;

	ask_list_quietly(top->client, &policies, &problem);
	r = top_view_make(&top->before, now, &policies, &view);
	if (r == 0) {
		view.time_usec = now_usec();
		view.problem = problem;
		r = show(top, &view);
	}
	if (r < 0)
		top->screen = screen_free(top->screen);
	return written(r);
}

/* false: a signal or a key ended it. */
static bool wait_for_the_next(struct top *top)
{
	uint64_t usec = top->client->interval_usec;
	struct timespec span = {
		.tv_sec = (time_t)(usec / 1000000),
		.tv_nsec = (long)(usec % 1000000) * 1000,
	};
	sigset_t ends;

	if (top->screen)
		return screen_wait(top->screen, usec);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	while (sigtimedwait(&ends, NULL, &span) < 0)
		if (errno == EAGAIN)
			return true;
	return false;
}

static enum exit_status run(struct top *top)
{
	_cleanup_(freep) char *error = NULL;
	enum exit_status status = EXIT_DONE;
	struct meter_sample now;
	int r;

	r = meter_read(top->meter, &top->before, &error);
	if (r == 0 && top->screen)
		r = screen_show(top->screen, "counting…");
	if (r < 0)
		return failed(top, r, error);
	while (status == EXIT_DONE && wait_for_the_next(top)) {
		r = meter_read(top->meter, &now, &error);
		if (r < 0)
			return failed(top, r, error);
		status = show_sample(top, &now);
		meter_sample_done(&top->before);
		top->before = now;
		if (top->client->once)
			break;
	}
	return status;
}

enum exit_status verb_top(struct client *client, const struct verb *verb, char *const *names,
			  size_t n)
{
	_cleanup_(top_done) struct top top = {.client = client};
	_cleanup_(freep) char *error = NULL;
	int r;

	r = meter_new(&top.meter, &error);
	if (r < 0)
		return failed(&top, r, error);
	if (!client->json && !client->once && isatty(STDOUT_FILENO)) {
		r = screen_new(&client->style, &top.screen);
		/* A terminal that nobody knows can still have lines. */
		if (r < 0 && r != -ENOTTY)
			return out_of_memory();
	}
	return run(&top);
}
