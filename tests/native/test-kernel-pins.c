/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pins, and what is believed of descriptors that somebody else left. The bpffs is the tests' own, in a mount namespace
 * of their own, so nothing of it survives them.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/core/strv.h"
#include "tests/native/kernel-fixture.h"

#define FOLDER_MAX 128

static const char *bpffs(void **state, char buffer[FOLDER_MAX])
{
	snprintf(buffer, FOLDER_MAX, "%s/bpf", kernel_scratch(state)->path);
	return buffer;
}

/* The folder of pins; it does not exist until something is pinned. */
static const char *pins(void **state)
{
	static char folder[FOLDER_MAX + 8];
	char mount_point[FOLDER_MAX];

	snprintf(folder, sizeof(folder), "%s/pins", bpffs(state, mount_point));
	return folder;
}

static const char *pin_path(void **state, const char *rest)
{
	static char path[2 * FOLDER_MAX];

	snprintf(path, sizeof(path), "%s/%s", pins(state), rest);
	return path;
}

static int pins_setup(void **state)
{
	char folder[FOLDER_MAX];

	assert_int_equal(kernel_setup(state), 0);
	assert_int_equal(mkdir(bpffs(state, folder), 0755), 0);
	assert_int_equal(mount("bpf", folder, "bpf", 0, NULL), 0);
	return 0;
}

static int pins_teardown(void **state)
{
	char folder[FOLDER_MAX];

	(void)umount2(bpffs(state, folder), MNT_DETACH);
	return kernel_teardown(state);
}

static void run_named(void **state, struct run *run, const struct run *old, const char *name,
		      const char *more)
{
	run_policy(state, run, old, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n%s\n", name,
		   more);
	assert_attached(run);
}

static void pin(void **state, const struct kernel_handles *h, const char *name)
{
	char *error = NULL;

	if (kernel_pin(h, pins(state), name, &error) < 0)
		fail_msg("cannot pin: %s", or_empty(error));
	assert_null(error);
}

static void unpin(void **state, const char *name)
{
	char *error = NULL;

	if (kernel_unpin(pins(state), name, &error) < 0)
		fail_msg("cannot unpin: %s", or_empty(error));
	assert_null(error);
}

/* What is pinned under the name, with what the kernel says of it. notes as one text, "" without any. */
struct found {
	struct kernel_handles handles;
	struct adoption_find facts;
	char *notes;
};
static void found_done(struct found *f)
{
	kernel_handles_close(&f->handles);
	free(f->notes);
}
#define _found_ _cleanup_(found_done)

static void find(void **state, const char *name, struct found *ret)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;

	*ret = (struct found){.facts.name = name};
	assert_int_equal(kernel_pins_open(pins(state), name, &ret->handles, &notes), 0);
	kernel_find_facts(&ret->handles, &ret->facts, &notes);
	assert_text(ret->facts.name, name);
	ret->notes = messages_join(&notes, "\n");
	assert_non_null(ret->notes);
}

static void assert_alive(const struct found *f, const struct outcome *o)
{
	assert_true(f->facts.is_struct_ops);
	assert_true(f->facts.alive);
	assert_int_equal(f->facts.link_id, o->link_id);
	assert_int_equal(f->facts.map_id, o->map_id);
	assert_text(f->facts.type, o->type);
	assert_text(f->facts.map, o->map);
	assert_text(f->notes, "");
}

/* The names that have pins, sorted by nobody: at most one here. */
static void assert_only(void **state, const char *name)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_cleanup_(strv_freep) char **names = NULL;

	assert_int_equal(kernel_pins_list(pins(state), &names, &notes), 0);
	assert_int_equal(notes.n, 0);
	assert_int_equal(strv_length(names), name ? 1 : 0);
	assert_text(names ? names[0] : NULL, name);
}

/* A child that attaches, pins and waits to be killed. It tells ids, which only the kernel could tell later. */
struct ids {
	uint32_t link_id, map_id;
};

static pid_t start_holder(void **state, const char *tcp, const char *name, struct ids *ret)
{
	int pipe_fds[2];
	pid_t pid;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_run_ struct run run = RUN_NULL;
		struct ids ids;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_named(state, &run, NULL, tcp, "");
		pin(state, &run.handles, name);
		ids = (struct ids){run.outcome.link_id, run.outcome.map_id};
		if (write(pipe_fds[1], &ids, sizeof(ids)) != sizeof(ids))
			_exit(EXIT_FAILURE);
		for (;;)
			pause();
	}
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], ret, sizeof(*ret)), sizeof(*ret));
	close(pipe_fds[0]);
	return pid;
}

static void kill_holder(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_outlives_its_holder(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL};
	char tcp[TCP_NAME_SIZE];
	struct ids ids;

	kill_holder(start_holder(state, tcp_name(tcp, "pin"), "storage.v2@x", &ids));
	assert_true(tcp_is_registered(tcp));
	assert_only(state, "storage.v2@x");
	find(state, "storage.v2@x", &f);
	assert_true(f.facts.alive);
	assert_int_equal(f.facts.link_id, ids.link_id);
	assert_int_equal(f.facts.map_id, ids.map_id);
	assert_text(f.facts.type, "tcp_congestion_ops");
	assert_text(f.facts.map, "values");

	assert_int_equal(link_detach(f.handles.link_fd), 0);
	unpin(state, "storage.v2@x");
	assert_only(state, NULL);
	assert_false(tcp_is_registered(tcp));
}

/* The kernel puts the last reference of an unpinned link on a work queue, so the end comes soon and not at once. */
static void test_unpinning_the_last_reference_detaches(void **state)
{
	char tcp[TCP_NAME_SIZE];
	struct ids ids;

	kill_holder(start_holder(state, tcp_name(tcp, "unp"), "x", &ids));
	assert_true(tcp_is_registered(tcp));
	unpin(state, "x");
	unpin(state, "x");
	for (int i = 0; i < 3000 && tcp_is_registered(tcp); i++)
		usleep(10000);
	assert_false(tcp_is_registered(tcp));
}

static void test_ended_while_pinned(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL}, again = f;
	_run_ struct run run = RUN_NULL;
	char tcp[TCP_NAME_SIZE];
	uint32_t id;

	run_named(state, &run, NULL, tcp_name(tcp, "end"), "");
	pin(state, &run.handles, "x");
	assert_int_equal(link_detach(run.handles.link_fd), 0);
	find(state, "x", &f);
	assert_true(f.facts.is_struct_ops);
	assert_false(f.facts.alive);
	assert_int_equal(f.facts.link_id, run.outcome.link_id);
	assert_int_equal(f.facts.map_id, run.outcome.map_id);
	assert_text(f.facts.type, "tcp_congestion_ops");

	/* The map that was kept is as good as before. */
	safe_close(f.handles.link_fd);
	f.handles.link_fd = -EBADF;
	assert_int_equal(kernel_relink(f.handles.map_fd, &f.handles.link_fd, &id), 0);
	pin(state, &f.handles, "x");
	find(state, "x", &again);
	assert_true(again.facts.alive);
	assert_int_equal(again.facts.link_id, id);
	assert_int_equal(again.facts.map_id, run.outcome.map_id);
}

static int make_data_map(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "data", sizeof(uint32_t), 64, 1, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void pin_as(void **state, int fd, const char *rest)
{
	const char *path = pin_path(state, rest);

	(void)unlink(path);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
}

static void test_replaces_the_former_set(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL};
	_run_ struct run first = RUN_NULL, second = RUN_NULL;
	char tcp[2][TCP_NAME_SIZE];

	run_named(state, &first, NULL, tcp_name(tcp[0], "one"), "");
	run_named(state, &second, NULL, tcp_name(tcp[1], "two"), "");
	first.handles.record_fd = make_data_map();
	second.handles.record_fd = make_data_map();
	second.handles.dump_fd = make_data_map();
	pin(state, &first.handles, "x");
	/* As a daemon that was killed while it pinned leaves it. */
	assert_int_equal(mkdir(pin_path(state, "+x"), 0700), 0);
	pin_as(state, first.handles.map_fd, "+x/map");
	pin(state, &first.handles, "x");
	pin(state, &second.handles, "x");
	assert_only(state, "x");
	find(state, "x", &f);
	assert_alive(&f, &second.outcome);
	assert_int_equal(kernel_object_id(f.handles.record_fd),
			 kernel_object_id(second.handles.record_fd));
	assert_int_equal(kernel_object_id(f.handles.dump_fd),
			 kernel_object_id(second.handles.dump_fd));
	assert_int_not_equal(kernel_object_id(f.handles.dump_fd), 0);
}

static void test_failure_leaves_the_former_set(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL};
	_cleanup_(freep) char *error = NULL;
	_run_ struct run run = RUN_NULL;
	struct kernel_handles bad;
	char tcp[TCP_NAME_SIZE];

	run_named(state, &run, NULL, tcp_name(tcp, "bad"), "");
	pin(state, &run.handles, "x");
	bad = run.handles;
	bad.dump_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(bad.dump_fd >= 0);
	assert_true(kernel_pin(&bad, pins(state), "x", &error) < 0);
	close(bad.dump_fd);
	assert_non_null(strstr(error, "+x/dump: cannot be pinned"));
	assert_int_equal(access(pin_path(state, "+x"), F_OK), -1);
	find(state, "x", &f);
	assert_alive(&f, &run.outcome);
	assert_int_equal(f.handles.dump_fd, -EBADF);
}

static void test_linkless(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL}, off = f;
	struct kernel_handles h = KERNEL_HANDLES_NULL;
	char tcp[TCP_NAME_SIZE];

	h.map_fd = kernel_register_plain(state, tcp_name(tcp, "pll"));
	pin(state, &h, "x");
	find(state, "x", &f);
	assert_true(f.facts.is_struct_ops && f.facts.alive);
	assert_int_equal(f.facts.link_id, 0);
	assert_int_equal(f.facts.map_id, kernel_object_id(h.map_fd));
	assert_text(f.facts.map, "plain");
	assert_int_equal(kernel_detach(&h, NULL, NULL), 0);
	find(state, "x", &off);
	assert_true(off.facts.is_struct_ops);
	assert_false(off.facts.alive);
	kernel_handles_close(&h);
}

/* Another process gave the link another map: that one counts, and is held. */
static void test_map_of_the_link_counts(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL};
	_run_ struct run run = RUN_NULL, update = RUN_NULL;
	char tcp[TCP_NAME_SIZE];

	run_named(state, &run, NULL, tcp_name(tcp, "upd"), "");
	pin(state, &run.handles, "x");
	run_named(state, &update, &run, tcp, "");
	assert_int_equal(update.outcome.change, CHANGE_UPDATED);
	find(state, "x", &f);
	update.outcome.link_id = run.outcome.link_id;
	assert_alive(&f, &update.outcome);
	assert_int_equal(kernel_object_id(f.handles.map_fd), update.outcome.map_id);
}

/* Programs, data maps, folders and files where links and maps should be. */
static void test_something_else(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL}, none = f, right = f;
	_cleanup_(closep) int program = -EBADF, data = make_data_map();
	_run_ struct run run = RUN_NULL;
	char tcp[TCP_NAME_SIZE];

	run_named(state, &run, NULL, tcp_name(tcp, "els"), "");
	program = bpf_prog_get_fd_by_id(run.outcome.programs[0].id);
	assert_true(program >= 0);
	pin(state, &run.handles, "x");
	pin_as(state, program, "x/link");
	pin_as(state, run.handles.map_fd, "x/record");
	find(state, "x", &f);
	assert_true(f.facts.is_struct_ops);
	assert_false(f.facts.alive);
	assert_int_equal(f.facts.link_id, 0);
	assert_int_equal(f.facts.map_id, run.outcome.map_id);
	assert_int_equal(f.handles.record_fd, -EBADF);
	assert_non_null(strstr(f.notes, "as its struct_ops link is none"));
	assert_non_null(strstr(f.notes, "as its data map (exit record) is none"));

	pin_as(state, data, "x/map");
	assert_int_equal(unlink(pin_path(state, "x/link")), 0);
	assert_int_equal(mkdir(pin_path(state, "x/link"), 0700), 0);
	find(state, "x", &none);
	assert_false(none.facts.is_struct_ops);
	assert_false(none.facts.alive);
	assert_int_equal(none.facts.map_id, 0);
	assert_non_null(strstr(none.notes, "x/link: this pin cannot be opened"));
	assert_non_null(strstr(none.notes, "as its struct_ops map is none"));

	/* None of it is in the way of the right thing, or of the end. */
	pin(state, &run.handles, "x");
	find(state, "x", &right);
	assert_alive(&right, &run.outcome);
	unpin(state, "x");
	assert_only(state, NULL);
}

static void test_list(void **state)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_cleanup_(strv_freep) char **names = NULL;
	_run_ struct run run = RUN_NULL;
	char tcp[TCP_NAME_SIZE];

	assert_only(state, NULL); /* no folder yet */
	run_named(state, &run, NULL, tcp_name(tcp, "lst"), "");
	pin(state, &run.handles, "a.b");
	assert_int_equal(mkdir(pin_path(state, "+reno"), 0700), 0);
	pin_as(state, run.handles.map_fd, "+reno/map");
	assert_int_equal(mkdir(pin_path(state, "what,is this"), 0700), 0);
	assert_int_equal(mkdir(pin_path(state, "%2Ehidden"), 0700), 0);
	assert_int_equal(kernel_pins_list(pins(state), &names, &notes), 0);
	assert_int_equal(strv_length(names), 1);
	assert_text(names[0], "a.b");
	assert_int_equal(notes.n, 2);
	assert_non_null(strstr(notes.items[0], "this is none of our pins"));
	assert_non_null(strstr(notes.items[1], "this is none of our pins"));
	assert_int_equal(access(pin_path(state, "+reno"), F_OK), -1);
	assert_int_equal(access(pin_path(state, "what,is this"), F_OK), 0);
}

static void assert_cannot_pin(void **state, const char *folder, const char *part)
{
	_cleanup_(closep) int map = make_data_map();
	struct kernel_handles h = KERNEL_HANDLES_NULL;
	_cleanup_(freep) char *error = NULL;

	h.map_fd = map;
	assert_true(kernel_pin(&h, folder, "x", &error) < 0);
	if (!error || !strstr(error, part))
		fail_msg("expected \"%s\", got: %s", part, or_empty(error));
}

static void test_no_bpffs(void **state)
{
	_cleanup_(freep) char *folder = scratch_path(kernel_scratch(state), "pins");
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_cleanup_(strv_freep) char **names = NULL;
	char *error = NULL;

	assert_cannot_pin(state, folder, "mount -t bpf");
	assert_int_equal(access(folder, F_OK), -1);
	assert_cannot_pin(state, "/nonexistent/pins", "mount -t bpf");
	assert_int_equal(kernel_unpin(folder, "x", &error), 0);
	assert_int_equal(kernel_pins_list(folder, &names, &notes), 0);
	assert_null(names);
}

static void test_read_only(void **state)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL};
	_cleanup_(freep) char *error = NULL;
	_run_ struct run run = RUN_NULL;
	char tcp[TCP_NAME_SIZE], folder[FOLDER_MAX];

	run_named(state, &run, NULL, tcp_name(tcp, "ro"), "");
	pin(state, &run.handles, "x");
	bpffs(state, folder);
	assert_int_equal(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_cannot_pin(state, pins(state), "mounted read-only");
	assert_int_equal(kernel_unpin(pins(state), "x", &error), -EROFS);
	assert_non_null(strstr(error, "mounted read-only"));
	/* Not even opened, since a link is only opened for writing; by its id it is found all the same. */
	find(state, "x", &f);
	assert_false(f.facts.is_struct_ops);
	assert_non_null(strstr(f.notes, "x/link: this pin cannot be opened: Read-only"));
	assert_int_equal(kernel_reopen(&run.outcome, &f.handles), 1);
	kernel_find_facts(&f.handles, &f.facts, &notes);
	assert_true(f.facts.alive);
}

static void test_not_permitted(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct kernel_handles h = KERNEL_HANDLES_NULL;
		char *error = NULL;

		h.map_fd = make_data_map();
		if (setuid(65534) < 0 || kernel_pin(&h, pins(state), "x", &error) >= 0)
			_exit(1);
		_exit(error && strstr(error, "pinning takes root") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_reopen(void **state)
{
	_found_ struct found f = {.handles = KERNEL_HANDLES_NULL};
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_run_ struct run run = RUN_NULL;
	struct kernel_handles none = KERNEL_HANDLES_NULL;
	char tcp[TCP_NAME_SIZE];

	assert_int_equal(kernel_reopen(&run.outcome, &none), 0);
	run_named(state, &run, NULL, tcp_name(tcp, "reo"), "");
	assert_int_equal(kernel_reopen(&run.outcome, &f.handles), 1);
	kernel_find_facts(&f.handles, &f.facts, &notes);
	f.notes = messages_join(&notes, "\n");
	assert_alive(&f, &run.outcome);
	/* Its descriptors are others than those that made it. */
	assert_int_not_equal(f.handles.link_fd, run.handles.link_fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, pins_setup, pins_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outlives_its_holder),
		TEST(test_unpinning_the_last_reference_detaches),
		TEST(test_ended_while_pinned),
		TEST(test_replaces_the_former_set),
		TEST(test_failure_leaves_the_former_set),
		TEST(test_linkless),
		TEST(test_map_of_the_link_counts),
		TEST(test_something_else),
		TEST(test_list),
		TEST(test_no_bpffs),
		TEST(test_read_only),
		TEST(test_not_permitted),
		TEST(test_reopen),
	};
	int r = kernel_tests_possible();

	if (r != 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return print_message("skipped: no mount namespace of its own: %s\n",
				     strerror(errno)),
		       77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
