/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/verify.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/sentence.h"
#include "daemon/core/strv.h"
#include "daemon/core/wire.h"

/* Loading may take the verifier seconds; what takes longer than a worker may is as good as hung. */
#define CHILD_SECONDS 60
/* What a child may have to say. */
#define REPORT_MAX (16U * 1024 * 1024)

static void verified_done(struct verified *item)
{
	free(item->name);
	strv_free(item->files);
	policy_free(item->policy);
	for (size_t i = 0; i < item->n_problems; i++) {
		free(item->problems[i].file);
		free(item->problems[i].sentence);
	}
	free(item->problems);
	messages_done(&item->notes);
	*item = (struct verified){0};
}

void verify_done(struct verify *v)
{
	config_done(&v->config);
	kernel_types_free(v->types);
	for (size_t i = 0; i < v->n; i++)
		verified_done(&v->items[i]);
	free(v->items);
	messages_done(&v->notes);
	*v = (struct verify){0};
}

bool verify_is_ok(const struct verify *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->items[i].n_problems > 0)
			return false;
	return !v->incomplete;
}

/* Behind "FILE:LINE: " or "FILE: ", if text begins so; else text. */
static const char *behind_place(const char *text, const char *file, unsigned *ret_line)
{
	size_t length = strlen(file);
	unsigned long line = 0;
	char *end;

	if (strncmp(text, file, length) != 0 || text[length] != ':')
		return text;
	text += length + 1;
	if (*text >= '0' && *text <= '9') {
		line = strtoul(text, &end, 10);
		if (*end != ':')
			return text;
		text = end + 1;
	}
	*ret_line = (unsigned)line;
	return text + strspn(text, " ");
}

int verified_add_problem(struct verified *item, const char *text)
{
	struct verify_problem *problem = reallocarray(item->problems, item->n_problems + 1,
						      sizeof(*problem));
	const char *file = item->files ? item->files[0] : NULL, *rest = text;

	if (!problem)
		return -ENOMEM;
	item->problems = problem;
	problem += item->n_problems;
	*problem = (struct verify_problem){0};
	for (char **f = item->files; f && *f && rest == text; f++) {
		rest = behind_place(text, *f, &problem->line);
		if (rest != text)
			file = *f;
	}
	problem->file = file ? strdup(file) : NULL;
	problem->sentence = strdup(rest);
	if ((file && !problem->file) || !problem->sentence) {
		free(problem->file);
		free(problem->sentence);
		return -ENOMEM;
	}
	item->n_problems++;
	return 0;
}

static int add_problems(struct verified *item, const struct messages *messages)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < messages->n; i++)
		r = verified_add_problem(item, messages->items[i]);
	return r;
}

static int parse(const struct policy_file_set *set, struct verified *item)
{
	_cleanup_(messages_done) struct messages errors = MESSAGES_NULL;
	int r = 0;

	item->name = strdup(set->name);
	if (!item->name)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < set->n_sources; i++)
		r = strv_append(&item->files, set->sources[i].path, strlen(set->sources[i].path));
	if (r < 0)
		return r;
	if (set->errors.n > 0)
		return add_problems(item, &set->errors);
	r = policy_parse(set->name, set->sources, set->n_sources, &item->policy, &errors);
	return r == -EBADMSG ? add_problems(item, &errors) : r;
}

int verify_add(struct verify *v, const struct policy_collection *collection)
{
	struct verified *items;
	int r = 0;

	items = reallocarray(v->items, v->n + collection->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	v->items = items;
	for (size_t i = 0; r == 0 && i < collection->n; i++) {
		const struct policy_file_set *set = &collection->sets[i];

		if (set->masked) {
			r = messages_add(&v->notes, "%s is masked", set->name);
			continue;
		}
		v->items[v->n] = (struct verified){0};
		r = parse(set, &v->items[v->n++]);
	}
	return r;
}

/* The child's report: for each item how many problems and notes, and these. */

static void put_item(FILE *f, const struct verified *item)
{
	wire_put_u32(f, (uint32_t)item->n_problems);
	for (size_t i = 0; i < item->n_problems; i++) {
		wire_put_text(f, item->problems[i].file);
		wire_put_u32(f, item->problems[i].line);
		wire_put_text(f, item->problems[i].sentence);
	}
	wire_put_u32(f, (uint32_t)item->notes.n);
	for (size_t i = 0; i < item->notes.n; i++)
		wire_put_text(f, item->notes.items[i]);
	/* What is complete shall outlive what comes next. */
	fflush(f);
}

static void get_problem(struct wire_reader *r, struct verified *item)
{
	_cleanup_(freep) char *file = wire_get_text(r);
	unsigned line = wire_get_u32(r);
	_cleanup_(freep) char *sentence_ = wire_get_some_text(r), *text = NULL;

	if (r->error < 0)
		return;
	text = file ? sentence("%s:%u: %s", file, line, sentence_) : strdup(sentence_);
	r->error = text ? verified_add_problem(item, text) : -ENOMEM;
}

/* Only whole items count: the last one may have ended in the middle. */
static void get_item(struct wire_reader *r, struct verified *item)
{
	uint32_t n = wire_get_u32(r);

	for (uint32_t i = 0; i < n && r->error == 0; i++)
		get_problem(r, item);
	n = wire_get_u32(r);
	for (uint32_t i = 0; i < n && r->error == 0; i++) {
		_cleanup_(freep) char *note = wire_get_some_text(r);

		if (r->error == 0)
			r->error = messages_add(&item->notes, "%s", note);
	}
}

static void __attribute__((noreturn)) child_main(const struct verify *v, size_t first, int fd)
{
	FILE *f = fdopen(fd, "w");

	for (size_t i = first; f && i < v->n; i++) {
		struct verified found = {.name = v->items[i].name,
					 .files = v->items[i].files,
					 .policy = v->items[i].policy};

		if (!found.policy)
			continue;
		alarm(CHILD_SECONDS);
		if (verify_examine(v, &found) < 0)
			break;
		put_item(f, &found);
	}
	_exit(f && !ferror(f) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* All that comes until the end. 0, -ENOMEM. */
static int read_report(int fd, char **ret, size_t *ret_size)
{
	_cleanup_(freep) char *bytes = malloc(REPORT_MAX);
	size_t n = 0;
	ssize_t k;

	if (!bytes)
		return -ENOMEM;
	do {
		k = read(fd, bytes + n, REPORT_MAX - n);
		n += k > 0 ? (size_t)k : 0;
	} while (k > 0 || (k < 0 && errno == EINTR));
	*ret = TAKE_PTR(bytes);
	*ret_size = n;
	return 0;
}

static char *crash_text(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return sentence("checking its object did not end within %d s: the object is of no "
				"use to a daemon",
				CHILD_SECONDS);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return sentence(
			"the check of its object was killed (SIGKILL): for lack of memory, or "
			"over a bug of the kernel's verifier (see the kernel log), or by "
			"somebody");
	if (WIFSIGNALED(status))
		return sentence("libbpf crashed (SIG%s) while it read the object: the file is "
				"damaged, or made to do that. A daemon would refuse it",
				sigabbrev_np(WTERMSIG(status)) ?: "?");
	return sentence("the check of its object ended early, for lack of memory probably");
}

/* Takes over what the child told of items from *next on. */
static int take_report(struct verify *v, const char *bytes, size_t size, size_t *next)
{
	struct wire_reader r = {.next = bytes, .left = size};

	while (*next < v->n && r.left > 0) {
		struct verified *item = &v->items[*next];

		if (item->policy) {
			get_item(&r, item);
			if (r.error < 0)
				return r.error == -EBADMSG ? 0 : r.error;
		}
		++*next;
	}
	while (*next < v->n && !v->items[*next].policy)
		++*next;
	return 0;
}

/* One child for as many items as it survives. *next: the first that it is to check, and then that it did not. */
static int run_child(struct verify *v, size_t *next, int *ret_status)
{
	_cleanup_(freep) char *bytes = NULL;
	int pipe_fds[2], r;
	size_t size;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		r = -errno;
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return r;
	}
	if (pid == 0)
		child_main(v, *next, pipe_fds[1]);
	close(pipe_fds[1]);
	r = read_report(pipe_fds[0], &bytes, &size);
	close(pipe_fds[0]);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : take_report(v, bytes, size, next);
}

int verify_run(struct verify *v)
{
	size_t next = 0;

	while (next < v->n) {
		_cleanup_(freep) char *why = NULL;
		int status = 0, r = run_child(v, &next, &status);

		if (r < 0)
			return r;
		if (next == v->n)
			break;
		why = crash_text(status);
		r = why ? verified_add_problem(&v->items[next++], why) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}
