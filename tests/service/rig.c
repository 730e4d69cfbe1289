/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/service/rig.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common/log.h"

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int rig_setup(void **state)
{
	static bool prepared;
	struct rig *r = calloc(1, sizeof(*r));
	sigset_t child;
	char *path;

	if (!prepared) {
		sigemptyset(&child);
		sigaddset(&child, SIGCHLD);
		sigprocmask(SIG_BLOCK, &child, NULL);
		log_setup(LOG_TARGET_STDERR, getenv("TEST_DEBUG") ? LOG_DEBUG : LOG_EMERG);
		prepared = true;
	}
	assert_non_null(r);
	assert_int_equal(scratch_setup((void **)&r->scratch), 0);
	r->fds_before = count_fds();
	fake_kernel_reset(r->scratch->path);

	assert_int_equal(config_init(&r->config), 0);
	path = scratch_path(r->scratch, "policies");
	assert_int_equal(config_set_path(&r->config.policy_path, path), 0);
	free(path);
	free(r->config.runtime_dir);
	r->config.runtime_dir = strdup(r->scratch->path);
	r->config.worker_timeout = 20 * USEC_PER_SEC;
	r->config.workers_max = 2;
	r->config.keep_links = KEEP_LINKS_NO;
	scratch_folder(r->scratch, "policies");
	assert_true(sd_event_new(&r->event) >= 0);
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	manager_free(r->manager);
	sd_event_unref(r->event);
	config_done(&r->config);
	fake_kernel_done();
	assert_int_equal(count_fds(), r->fds_before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(scratch_teardown((void **)&r->scratch), 0);
	free(r);
	return 0;
}

void rig_policy_text(struct rig *r, const char *name, const char *text)
{
	char file[128];

	snprintf(file, sizeof(file), "policies/%s.policy", name);
	scratch_text(r->scratch, file, text);
}

void rig_policy(struct rig *r, const char *name, const char *lines)
{
	char text[1024];

	snprintf(text, sizeof(text), "[Object]\nPath=/object\n[Attach]\n%s\n", lines);
	rig_policy_text(r, name, text);
}

void rig_remove_policy(struct rig *r, const char *name)
{
	char file[128], *path;

	snprintf(file, sizeof(file), "policies/%s.policy", name);
	path = scratch_path(r->scratch, file);
	assert_int_equal(unlink(path), 0);
	free(path);
}

usec_t rig_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

void rig_turn(struct rig *r)
{
	int n;

	if (r->loop_ended) {
		/* What is outside of the loop (the fake kernel) may need a moment. */
		usleep(1000);
		return;
	}
	n = sd_event_run(r->event, 10 * USEC_PER_MSEC);
	assert_true(n >= 0);
	r->loop_ended = sd_event_get_state(r->event) == SD_EVENT_FINISHED;
}

static bool all_settled(struct rig *r)
{
	for (size_t i = 0; i < manager_count(r->manager); i++)
		if (state_is_busy(manager_get(r->manager, i)->machine.state))
			return false;
	return true;
}

void rig_start(struct rig *r)
{
	assert_int_equal(manager_new(r->event, &r->config, &r->manager), 0);
	assert_int_equal(manager_start(r->manager), 0);
	rig_run_until(r, all_settled(r));
}

static void start_anew(struct rig *r)
{
	r->manager = manager_free(r->manager);
	sd_event_unref(r->event);
	assert_true(sd_event_new(&r->event) >= 0);
	r->loop_ended = false;
}

void rig_end(struct rig *r)
{
	rig_run_until(r, r->loop_ended);
	start_anew(r);
}

void rig_kill(struct rig *r)
{
	start_anew(r);
}

struct attachment *rig_get(struct rig *r, const char *name)
{
	struct attachment *a = manager_find(r->manager, name);

	if (!a)
		fail_msg("there is no %s", name);
	return a;
}

enum state rig_state(struct rig *r, const char *name)
{
	return rig_get(r, name)->machine.state;
}

void rig_assert(struct rig *r, const char *name, const char *state_and_reason)
{
	const struct machine *m = &rig_get(r, name)->machine;
	char got[64];

	snprintf(got, sizeof(got), "%s %s", state_to_string(m->state), reason_to_string(m->reason));
	assert_string_equal(got, state_and_reason);
}

void rig_add_sentinel(struct rig *r)
{
	rig_policy(r, "sentinel", "");
	fake_kernel_script_all("sentinel", FAKE_NO_TYPE);
}

void rig_read_uevents(struct rig *r)
{
	unsigned n = fake_kernel_counts("sentinel").attaches;

	fake_kernel_load_module();
	rig_run_until(r, fake_kernel_counts("sentinel").attaches > n &&
				 rig_state(r, "sentinel") == STATE_WAITING);
}

struct reload_answer {
	bool come, ok;
	char *text;
};

static void on_reloaded(void *userdata, bool ok, const struct reload_line *lines, size_t n)
{
	struct reload_answer *answer = userdata;
	size_t size;
	FILE *f = open_memstream(&answer->text, &size);

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s: %s\n", lines[i].name, lines[i].text);
	fclose(f);
	answer->ok = ok;
	answer->come = true;
}

char *rig_reload(struct rig *r, bool *ret_ok)
{
	struct reload_answer answer = {0};

	assert_int_equal(manager_reload(r->manager, on_reloaded, &answer, NULL), 0);
	rig_run_until(r, answer.come);
	*ret_ok = answer.ok;
	return answer.text;
}
