/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others have attached, and who they are. */
#include <bpf/bpf.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/native/netns-fixture.h"

#define PINS "/run/pins"

static void run_named(void **state, struct run *run, const char *name)
{
	run_policy(state, run, NULL, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n", name);
	assert_attached(run);
}

static const struct outcome_foreign *find(const struct outcome *o, uint32_t map_id)
{
	for (size_t i = 0; i < o->n_foreign; i++)
		if (o->foreign[i].map_id == map_id)
			return &o->foreign[i];
	return NULL;
}

static bool has_holder(const struct outcome_foreign *f, const char *holder)
{
	for (size_t i = 0; i < f->holders.n; i++)
		if (streq(f->holders.items[i], holder))
			return true;
	return false;
}

static void assert_holder(const struct outcome_foreign *f, const char *holder)
{
	if (!has_holder(f, holder))
		fail_msg("%s is not among the %zu holders, the first is %s", holder, f->holders.n,
			 f->holders.n > 0 ? f->holders.items[0] : "none");
}

/* Another process with what this one has open; ends with the test at the latest. */
static pid_t start_holder(const char *comm)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, comm);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_link_of_a_process(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE], holder[64];
	const struct outcome_foreign *f;
	pid_t pid;

	run_named(state, &run, tcp_name(name, "prc"));
	/* Two descriptors of one link are one holder. */
	int twice = dup(run.handles.link_fd);

	pid = start_holder("a b) c");
	assert_int_equal(kernel_survey(NULL, 0, &o), 0);
	f = find(&o, run.outcome.map_id);
	assert_non_null(f);
	assert_int_equal(f->link_id, run.outcome.link_id);
	assert_text(f->type, "tcp_congestion_ops");
	assert_text(f->map, "values");
	snprintf(holder, sizeof(holder), "a b) c[%d]", pid);
	assert_holder(f, holder);
	/* This process, which asks, and the one that asked it to. */
	assert_int_equal(f->holders.n, 1);
	end_holder(pid);
	close(twice);
}

static void test_ours_are_left_out(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	_run_ struct run run = RUN_NULL, other = RUN_NULL;
	char name[TCP_NAME_SIZE];
	uint32_t ours[2] = {0};

	run_named(state, &run, tcp_name(name, "our"));
	run_named(state, &other, tcp_name(name, "oth"));
	ours[1] = run.outcome.map_id;
	assert_int_equal(kernel_survey(ours, 2, &o), 0);
	assert_null(find(&o, run.outcome.map_id));
	assert_non_null(find(&o, other.outcome.map_id));
}

static void test_dead_links_are_left_out(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, tcp_name(name, "ded"));
	assert_int_equal(link_detach(run.handles.link_fd), 0);
	assert_int_equal(kernel_survey(NULL, 0, &o), 0);
	assert_null(find(&o, run.outcome.map_id));
	for (size_t i = 0; i < o.n_foreign; i++)
		assert_int_not_equal(o.foreign[i].link_id, run.outcome.link_id);
}

static void test_map_without_link(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	char name[TCP_NAME_SIZE], holder[64];
	int map_fd = kernel_register_plain(state, tcp_name(name, "pln"));
	const struct outcome_foreign *f;
	pid_t pid = start_holder("keeper");

	assert_int_equal(bpf_map_get_info_by_fd(map_fd, &info, &size), 0);
	assert_int_equal(kernel_survey(NULL, 0, &o), 0);
	f = find(&o, info.id);
	assert_non_null(f);
	assert_int_equal(f->link_id, 0);
	assert_text(f->type, "tcp_congestion_ops");
	assert_text(f->map, "plain");
	snprintf(holder, sizeof(holder), "keeper[%d]", pid);
	assert_holder(f, holder);
	end_holder(pid);
	close(map_fd);
}

/* Nobody runs that has it, and it is attached. */
static void test_pin(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];
	const struct outcome_foreign *f;

	run_named(state, &run, tcp_name(name, "pin"));
	assert_int_equal(mkdir(PINS "/deep", 0700), 0);
	assert_int_equal(bpf_obj_pin(run.handles.link_fd, PINS "/deep/link"), 0);
	/* Its map alone keeps nothing attached. */
	assert_int_equal(bpf_obj_pin(run.handles.map_fd, PINS "/map"), 0);
	assert_int_equal(symlink("deep/link", PINS "/alias"), 0);
	kernel_handles_close(&run.handles);
	assert_true(tcp_is_registered(name));

	assert_int_equal(kernel_survey(NULL, 0, &o), 0);
	f = find(&o, run.outcome.map_id);
	assert_non_null(f);
	assert_holder(f, "pin " PINS "/deep/link");
	assert_int_equal(f->holders.n, 1);
	assert_int_equal(unlink(PINS "/alias"), 0);
	assert_int_equal(unlink(PINS "/map"), 0);
	assert_int_equal(unlink(PINS "/deep/link"), 0);
	assert_int_equal(rmdir(PINS "/deep"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define KERNEL_TEST(t) cmocka_unit_test_setup_teardown(t, kernel_setup, kernel_teardown)
		KERNEL_TEST(test_link_of_a_process),
		KERNEL_TEST(test_ours_are_left_out),
		KERNEL_TEST(test_dead_links_are_left_out),
		KERNEL_TEST(test_map_without_link),
		KERNEL_TEST(test_pin),
	};
	int r = netns_tests_possible();

	if (r != 0)
		return r;
	if (mkdir(PINS, 0700) < 0 || mount("bpf", PINS, "bpf", 0, NULL) < 0)
		return print_message("no bpffs: %s\n", strerror(errno)), 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
