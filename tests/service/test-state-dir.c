/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/log.h"
#include "daemon/core/read-file.h"
#include "daemon/service/state-dir.h"
#include "tests/unit/scratch.h"

static struct state_dir *open_dir(void **state)
{
	struct scratch *s = *state;
	struct state_dir *d;

	assert_int_equal(state_dir_new(s->path, &d), 0);
	return d;
}

static void write_one(struct state_dir *d, const char *name, uint64_t seq)
{
	const struct state_record r = {
		.policy = (char *)name,
		.last_seq = seq,
		.machine.state = STATE_ATTACHED,
	};

	assert_int_equal(state_dir_write(d, &r), 0);
}

/* The names and their numbers: "a 1, b.c 2". The caller frees. */
static char *read_all(struct state_dir *d)
{
	_cleanup_(messages_done) struct messages found = MESSAGES_NULL;
	struct state_record *records;
	char *text;
	size_t n;

	assert_int_equal(state_dir_read(d, &records, &n), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(messages_add(&found, "%s %u", records[i].policy,
					      (unsigned)records[i].last_seq),
				 0);
	state_records_free(records, n);
	text = messages_join(&found, ", ");
	assert_non_null(text);
	return text;
}

static void assert_records(struct state_dir *d, const char *expected)
{
	_cleanup_(freep) char *text = read_all(d);

	assert_text(text, expected);
}

static bool exists(void **state, const char *name)
{
	_cleanup_(freep) char *path = scratch_path(*state, name);

	return access(path, F_OK) == 0;
}

static void test_write_and_read(void **state)
{
	_cleanup_(state_dir_freep) struct state_dir *d = open_dir(state);
	_cleanup_(freep) char *path = scratch_path(*state, "state/x.state.state");
	struct stat st;

	assert_records(d, "");
	write_one(d, "x.state", 1);
	write_one(d, "hid@0003-046D-C52B.0001", 2);
	write_one(d, "x.state", 3);
	state_dir_free(d);
	d = open_dir(state); /* as the next daemon does */
	assert_records(d, "hid@0003-046D-C52B.0001 2, x.state 3");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(exists(state, "state/.unfinished"));

	state_dir_remove(d, "x.state");
	state_dir_remove(d, "nobody");
	assert_records(d, "hid@0003-046D-C52B.0001 2");
}

static void test_damaged_files_are_removed(void **state)
{
	_cleanup_(state_dir_freep) struct state_dir *d = open_dir(state);
	_cleanup_(freep) char *good = scratch_path(*state, "state/good.state");
	_cleanup_(freep) char *other = scratch_path(*state, "state/other.state");
	_cleanup_(freep) char *fifo = scratch_path(*state, "state/fifo.state");
	_cleanup_(freep) char *elsewhere = scratch_path(*state, "elsewhere");

	write_one(d, "good", 1);
	assert_int_equal(link(good, other), 0); /* a record of another name */
	scratch_text(*state, "state/empty.state", "");
	scratch_text(*state, "state/garbage.state", "once upon a time");
	scratch_text(*state, "elsewhere", "nothing of ours");
	scratch_link(*state, "state/link.state", elsewhere);
	scratch_link(*state, "state/endless.state", "/dev/zero");
	scratch_folder(*state, "state/folder.state");
	assert_int_equal(mkfifo(fifo, 0600), 0); /* to be opened without waiting for a writer */
	scratch_text(*state, "state/notes.txt", "not ours");
	scratch_text(*state, "state/.unfinished", "half a rec");
	assert_records(d, "good 1");
	assert_true(exists(state, "state/good.state"));
	assert_false(exists(state, "state/other.state"));
	assert_false(exists(state, "state/empty.state"));
	assert_false(exists(state, "state/garbage.state"));
	assert_false(exists(state, "state/link.state"));
	assert_true(exists(state, "elsewhere"));
	assert_false(exists(state, "state/endless.state"));
	assert_false(exists(state, "state/folder.state"));
	assert_false(exists(state, "state/fifo.state"));
	assert_true(exists(state, "state/notes.txt"));
	/* What a daemon that was killed left is in nobody's way. */
	write_one(d, "good", 2);
	assert_records(d, "good 2");
}

static void test_newer_files_are_set_aside(void **state)
{
	_cleanup_(state_dir_freep) struct state_dir *d = open_dir(state);
	static const unsigned char newer[] = {'S', 'O', 'S', 'R', 99, 0, 0, 0, 'x'};

	scratch_write(*state, "state/x.state", newer, sizeof(newer));
	assert_records(d, "");
	assert_false(exists(state, "state/x.state"));
	assert_true(exists(state, "state/x.newer"));
	write_one(d, "x", 1);
	assert_records(d, "x 1");
}

/* What is logged between these two; the caller frees. */
static int divert_log(void **state)
{
	_cleanup_(freep) char *path = scratch_path(*state, "log");
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	assert_true(saved >= 0);
	assert_non_null(freopen(path, "w", stderr));
	return saved;
}

static char *restore_log(void **state, int saved)
{
	_cleanup_(freep) char *path = scratch_path(*state, "log");
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	char *text = NULL;
	size_t length;
	int r;

	fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	r = read_file(path, &text, &length, &messages);
	assert_true(r >= 0);
	return r == 0 ? text : strdup("");
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* As a full file system does it: some bytes fit, then no more. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full(void **state)
{
	_cleanup_(state_dir_freep) struct state_dir *d = open_dir(state);
	const struct state_record r = {.policy = (char *)"x", .last_seq = 2};
	int results[3];

	write_one(d, "x", 1);
	write_one(d, "y", 1);
	signal(SIGXFSZ, SIG_IGN);
	limit_files(16);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		results[i] = state_dir_write(d, &r);
	limit_files(RLIM_INFINITY);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		assert_int_equal(results[i], -EFBIG);
	/* The former record would be a lie now; that of another one is not concerned. */
	assert_records(d, "y 1");
	assert_false(exists(state, "state/.unfinished"));
	write_one(d, "x", 3);
	assert_records(d, "x 3, y 1");
}

/* The folder is gone, or became something else, under a daemon that runs: said once, and when it is over. */
static void test_complains_once(void **state)
{
	_cleanup_(state_dir_freep) struct state_dir *d = open_dir(state);
	_cleanup_(freep) char *block = scratch_path(*state, "state/.unfinished"), *log = NULL;
	const struct state_record r = {.policy = (char *)"x"};
	int saved;

	write_one(d, "x", 1);
	scratch_folder(*state, "state/.unfinished");
	saved = divert_log(state);
	for (int i = 0; i < 5; i++)
		(void)state_dir_write(d, &r);
	rmdir(block);
	for (int i = 0; i < 5; i++)
		(void)state_dir_write(d, &r);
	log = restore_log(state, saved);
	assert_int_equal(count_lines(log), 2);
	assert_non_null(strstr(log, "the state of x cannot be written"));
	assert_non_null(strstr(log, "can be written again"));
}

static void test_no_folder(void **state)
{
	_cleanup_(freep) char *path = scratch_path(*state, "state"), *log = NULL;
	struct state_dir *d = NULL;
	int saved, r;

	scratch_text(*state, "state", "a file");
	saved = divert_log(state);
	r = state_dir_new(((struct scratch *)*state)->path, &d);
	log = restore_log(state, saved);
	assert_int_equal(r, -ENOTDIR);
	assert_non_null(strstr(log, path));
	assert_null(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_and_read),
		TEST(test_damaged_files_are_removed),
		TEST(test_newer_files_are_set_aside),
		TEST(test_full),
		TEST(test_complains_once),
		TEST(test_no_folder),
	};

	log_setup(LOG_TARGET_STDERR, LOG_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
