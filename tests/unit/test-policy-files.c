/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/core/policy-files.h"
#include "daemon/core/read-file.h"
#include "tests/unit/scratch.h"

/* Reads SCRATCH/etc, SCRATCH/run, SCRATCH/usr. */
static void read_collection(const struct scratch *s, struct policy_collection *ret)
{
	_cleanup_(freep) char *etc = scratch_path(s, "etc");
	_cleanup_(freep) char *run = scratch_path(s, "run");
	_cleanup_(freep) char *usr = scratch_path(s, "usr");

	assert_int_equal(policy_collection_read((char *[]){etc, run, usr, NULL}, ret), 0);
}

static const struct policy_file_set *find_set(const struct policy_collection *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (streq(c->sets[i].name, name))
			return &c->sets[i];
	fail_msg("no policy %s", name);
	return NULL;
}

/* What a set consists of: "etc/a.policy=text usr/a.policy.d/x.conf=text". */
static void assert_sources(const struct scratch *s, const struct policy_file_set *set,
			   const char *expected)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (size_t i = 0; i < set->n_sources; i++) {
		const struct policy_source *source = &set->sources[i];

		assert_memory_equal(source->path, s->path, strlen(s->path));
		assert_int_equal(source->text[source->length], '\0');
		fprintf(f, "%s%s=%s", i > 0 ? " " : "", source->path + strlen(s->path) + 1,
			source->text);
	}
	fclose(f);
	assert_string_equal(text, expected);
}

/* The one message of a list; path is put before it. */
static void assert_one_message(const struct scratch *s, const struct messages *messages,
			       const char *expected)
{
	_cleanup_(freep) char *whole = scratch_path(s, expected);

	assert_int_equal(messages->n, 1);
	assert_string_equal(messages->items[0], whole);
}

static void test_nothing_there(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	read_collection(*state, &c);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.warnings.n, 0);
}

static void test_first_folder_wins(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	scratch_text(*state, "usr/b.policy", "usr-b");
	scratch_text(*state, "usr/a.policy", "usr-a");
	scratch_text(*state, "usr/c.policy", "usr-c");
	scratch_text(*state, "run/a.policy", "run-a");
	scratch_text(*state, "run/c.policy", "run-c");
	scratch_text(*state, "etc/c.policy", "etc-c");
	read_collection(*state, &c);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.sets[0].name, "a");
	assert_sources(*state, &c.sets[0], "run/a.policy=run-a");
	assert_string_equal(c.sets[1].name, "b");
	assert_sources(*state, &c.sets[1], "usr/b.policy=usr-b");
	assert_string_equal(c.sets[2].name, "c");
	assert_sources(*state, &c.sets[2], "etc/c.policy=etc-c");
	for (size_t i = 0; i < c.n; i++) {
		assert_false(c.sets[i].masked);
		assert_int_equal(c.sets[i].errors.n, 0);
	}
	assert_int_equal(c.warnings.n, 0);
}

static void test_masks(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	scratch_text(*state, "usr/link.policy", "x");
	scratch_link(*state, "etc/link.policy", "/dev/null");
	scratch_text(*state, "usr/empty.policy", "x");
	scratch_text(*state, "run/empty.policy", "");
	scratch_text(*state, "usr/link.policy.d/1.conf", "x"); /* of no use */
	scratch_link(*state, "usr/above.policy", "/dev/null"); /* masks nothing: it comes last */
	scratch_text(*state, "etc/above.policy", "y");
	read_collection(*state, &c);
	assert_int_equal(c.n, 3);
	assert_true(find_set(&c, "link")->masked);
	assert_int_equal(find_set(&c, "link")->n_sources, 0);
	assert_true(find_set(&c, "empty")->masked);
	assert_int_equal(find_set(&c, "empty")->n_sources, 0);
	assert_false(find_set(&c, "above")->masked);
	for (size_t i = 0; i < c.n; i++)
		assert_int_equal(c.sets[i].errors.n, 0);
}

static void test_dropins(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	scratch_text(*state, "run/a.policy", "main");
	scratch_text(*state, "etc/a.policy.d/50-b.conf", "etc-b");
	scratch_text(*state, "usr/a.policy.d/10-a.conf", "usr-a");
	scratch_text(*state, "usr/a.policy.d/50-b.conf", "usr-b");
	scratch_text(*state, "run/a.policy.d/90-c.conf", "run-c");
	scratch_text(*state, "usr/a.policy.d/60-masked.conf", "x");
	scratch_link(*state, "run/a.policy.d/60-masked.conf", "/dev/null");
	scratch_text(*state, "usr/a.policy.d/70-empty.conf", "x");
	scratch_text(*state, "etc/a.policy.d/70-empty.conf", "");
	scratch_text(*state, "etc/a.policy.d/README", "x");
	scratch_text(*state, "etc/a.policy.d/.hidden.conf", "x");
	scratch_text(*state, "etc/a.policy.d/50-b.conf~", "x");
	scratch_text(*state, "etc/alone.policy.d/1.conf", "x");
	read_collection(*state, &c);
	assert_int_equal(c.n, 1);
	assert_sources(*state, &c.sets[0],
		       "run/a.policy=main usr/a.policy.d/10-a.conf=usr-a "
		       "etc/a.policy.d/50-b.conf=etc-b run/a.policy.d/90-c.conf=run-c");
	assert_int_equal(c.sets[0].errors.n, 0);
	assert_int_equal(c.warnings.n, 0);
}

static void test_names(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};
	static const char expected[] =
		": ignored, \"a b\" cannot be the name of a policy, expected at most 64 letters, "
		"digits and _.@-";
	_cleanup_(freep) char *whole = NULL;

	scratch_text(*state, "etc/.policy", "x");
	scratch_text(*state, "etc/.hidden.policy", "x");
	scratch_text(*state, "etc/a.policy~", "x");
	scratch_text(*state, "etc/#a.policy#", "x");
	scratch_text(*state, "etc/a.policy.swp", "x");
	scratch_text(*state, "etc/a.conf", "x");
	scratch_text(*state, "etc/.b.policy.d/1.conf", "x");
	read_collection(*state, &c);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.warnings.n, 0);
	policy_collection_done(&c);

	scratch_text(*state, "etc/a b.policy", "x");
	scratch_text(*state, "usr/a b.policy.d/1.conf", "x");
	read_collection(*state, &c);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.warnings.n, 2);
	assert_true(asprintf(&whole, "%s/etc/a b.policy%s", ((struct scratch *)*state)->path,
			     expected) > 0);
	assert_string_equal(c.warnings.items[0], whole);
	assert_non_null(strstr(c.warnings.items[1], "/usr/a b.policy.d: ignored, \"a b\""));
}

static void make_socket(const struct scratch *s, const char *name)
{
	_cleanup_(freep) char *path = scratch_path(s, name);
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* Errors are those of one policy; the others are read. A fifo must not block. */
static void test_bad_files(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};
	_cleanup_(freep) char *large = calloc(1, READ_FILE_MAX + 1);
	_cleanup_(freep) char *fifo = scratch_path(*state, "etc/fifo.policy");

	assert_non_null(large);
	memset(large, '#', READ_FILE_MAX + 1);
	scratch_text(*state, "etc/good.policy", "x");
	scratch_write(*state, "etc/large.policy", large, READ_FILE_MAX + 1);
	scratch_write(*state, "etc/largest.policy", large, READ_FILE_MAX);
	scratch_folder(*state, "etc/folder.policy");
	scratch_link(*state, "etc/dangling.policy", "nowhere");
	scratch_link(*state, "etc/device.policy", "/dev/zero");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	make_socket(*state, "etc/socket.policy");
	scratch_text(*state, "usr/fifo.policy", "not this one: the first folder wins");
	read_collection(*state, &c);

	assert_int_equal(c.n, 8);
	assert_sources(*state, find_set(&c, "good"), "etc/good.policy=x");
	assert_int_equal(find_set(&c, "good")->errors.n, 0);
	assert_int_equal(find_set(&c, "largest")->sources[0].length, READ_FILE_MAX);
	assert_one_message(
		*state, &find_set(&c, "large")->errors,
		"etc/large.policy: the file has 1048577 bytes, expected at most 1048576");
	assert_one_message(*state, &find_set(&c, "folder")->errors,
			   "etc/folder.policy: this is a folder, expected a regular file");
	assert_one_message(*state, &find_set(&c, "fifo")->errors,
			   "etc/fifo.policy: this is a fifo, expected a regular file");
	assert_one_message(*state, &find_set(&c, "device")->errors,
			   "etc/device.policy: this is a device, expected a regular file");
	assert_one_message(*state, &find_set(&c, "dangling")->errors,
			   "etc/dangling.policy: cannot be opened: No such file or directory");
	assert_one_message(*state, &find_set(&c, "socket")->errors,
			   "etc/socket.policy: cannot be opened: No such device or address");
	for (size_t i = 0; i < c.n; i++) {
		assert_false(c.sets[i].masked);
		assert_int_equal(c.sets[i].n_sources, c.sets[i].errors.n == 0);
	}
}

static void test_bad_dropins(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	scratch_text(*state, "etc/a.policy", "x");
	scratch_folder(*state, "etc/a.policy.d/1.conf");
	scratch_text(*state, "etc/a.policy.d/2.conf", "y");
	scratch_text(*state, "etc/b.policy", "x");
	scratch_text(*state, "run/b.policy.d", "this is a file");
	read_collection(*state, &c);
	assert_int_equal(c.n, 2);
	assert_one_message(*state, &c.sets[0].errors,
			   "etc/a.policy.d/1.conf: this is a folder, expected a regular file");
	assert_one_message(*state, &c.sets[1].errors,
			   "run/b.policy.d: the folder cannot be read: Not a directory");
	assert_int_equal(c.warnings.n, 0);
}

static void test_bad_folder(void **state)
{
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	scratch_text(*state, "run", "this is a file");
	scratch_text(*state, "usr/a.policy", "x");
	read_collection(*state, &c);
	assert_int_equal(c.n, 1);
	assert_one_message(*state, &c.warnings, "run: the folder cannot be read: Not a directory");
	assert_sources(*state, &c.sets[0], "usr/a.policy=x");
	/* Nor is it an error of each policy that has no drop-ins there. */
	assert_int_equal(c.sets[0].errors.n, 0);
}

static void test_bytes_as_they_are(void **state)
{
	static const char bytes[] = "a\0b\xff\r\n";
	_cleanup_(policy_collection_done) struct policy_collection c = {0};

	scratch_write(*state, "etc/a.policy", bytes, sizeof(bytes) - 1);
	read_collection(*state, &c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.sets[0].sources[0].length, sizeof(bytes) - 1);
	assert_memory_equal(c.sets[0].sources[0].text, bytes, sizeof(bytes));
}

static void read_one(const struct scratch *s, const char *name, struct policy_collection *ret)
{
	_cleanup_(freep) char *path = scratch_path(s, name);

	assert_int_equal(policy_collection_read_file(path, ret), 0);
	assert_int_equal(ret->n, 1);
}

/* Wherever it lies, with what lies beside it, and nothing of other folders. */
static void test_one_file(void **state)
{
	const struct scratch *s = *state;
	struct policy_collection c;

	scratch_text(s, "new/a.policy", "1");
	scratch_text(s, "new/a.policy.d/2.conf", "2");
	scratch_text(s, "new/a.policy.d/x.txt", "no drop-in");
	scratch_text(s, "etc/a.policy.d/1.conf", "elsewhere");
	read_one(s, "new/a.policy", &c);
	assert_string_equal(c.sets[0].name, "a");
	assert_sources(s, &c.sets[0], "new/a.policy=1 new/a.policy.d/2.conf=2");
	policy_collection_done(&c);
}

static void test_one_file_that_is_none(void **state)
{
	static const char *const names[] = {"new/a.conf", "new/.policy", "new/a b.policy",
					    "new/gone.policy"};
	const struct scratch *s = *state;

	scratch_text(s, "new/a.conf", "1");
	scratch_text(s, "new/a b.policy", "1");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(freep) char *path = scratch_path(s, names[i]);
		struct policy_collection c;

		read_one(s, names[i], &c);
		assert_int_equal(c.sets[0].errors.n, 1);
		assert_int_equal(c.sets[0].n_sources, 0);
		assert_memory_equal(c.sets[0].errors.items[0], path, strlen(path));
		policy_collection_done(&c);
	}
}

#define in_scratch(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_scratch(test_nothing_there),
		in_scratch(test_first_folder_wins),
		in_scratch(test_masks),
		in_scratch(test_dropins),
		in_scratch(test_names),
		in_scratch(test_bad_files),
		in_scratch(test_bad_dropins),
		in_scratch(test_bad_folder),
		in_scratch(test_bytes_as_they_are),
		in_scratch(test_one_file),
		in_scratch(test_one_file_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
