/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/native/kernel-fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>

struct fixture {
	struct scratch *scratch;
	size_t n_descriptors;
	int registered_map_fds[2];
	size_t n_registered;
};

/* Maps, programs, links and BTF die with their descriptors: none left open means none left behind. */
static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

int kernel_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *scratch;

	assert_non_null(f);
	assert_int_equal(scratch_setup(&scratch), 0);
	f->scratch = scratch;
	f->n_descriptors = count_descriptors();
	*state = f;
	return 0;
}

int kernel_teardown(void **state)
{
	struct fixture *f = *state;
	void *scratch = f->scratch;
	uint32_t zero = 0;
	size_t n_left;
	int r;

	while (f->n_registered > 0) {
		int fd = f->registered_map_fds[--f->n_registered];

		(void)bpf_map_delete_elem(fd, &zero);
		close(fd);
	}
	n_left = count_descriptors() - f->n_descriptors;
	r = scratch_teardown(&scratch);
	free(f);
	if (n_left != 0)
		print_error("%zu descriptors were not closed\n", n_left);
	return r != 0 || n_left != 0;
}

struct scratch *kernel_scratch(void **state)
{
	return ((struct fixture *)*state)->scratch;
}

void kernel_unregister_later(void **state, int map_fd)
{
	struct fixture *f = *state;
	int fd = fcntl(map_fd, F_DUPFD_CLOEXEC, 3);

	assert_true(fd >= 0);
	assert_true(f->n_registered < ARRAY_SIZE(f->registered_map_fds));
	f->registered_map_fds[f->n_registered++] = fd;
}

int kernel_register_plain(void **state, const char *tcp)
{
	_cleanup_(freep) char *path = object_path("holder.bpf.o");
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_link *link;
	struct bpf_map *map;
	size_t size;
	char *image;
	int fd;

	assert_non_null(object);
	bpf_map__set_autocreate(bpf_object__find_map_by_name(object, "linked"), false);
	map = bpf_object__find_map_by_name(object, "plain");
	image = bpf_map__initial_value(map, &size);
	/* Behind the four operators of tests/bpf/tcp.h. */
	snprintf(image + 4 * sizeof(void *), TCP_NAME_SIZE, "%s", tcp);
	assert_int_equal(bpf_object__load(object), 0);
	/* What libbpf gives out as a link is the map itself; the registration outlives it. */
	link = bpf_map__attach_struct_ops(map);
	assert_non_null(link);
	bpf_link__disconnect(link);
	bpf_link__destroy(link);
	fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
	assert_true(fd >= 0);
	bpf_object__close(object);
	kernel_unregister_later(state, fd);
	return fd;
}

void run_done(struct run *run)
{
	kernel_handles_close(&run->handles);
	outcome_done(&run->outcome);
}

const char *tcp_name(char buffer[TCP_NAME_SIZE], const char *tag)
{
	snprintf(buffer, TCP_NAME_SIZE, "t_%d_%s", getpid(), tag);
	return buffer;
}

bool tcp_is_registered(const char *name)
{
	_cleanup_(fclosep)
		FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "re");
	char word[64];

	assert_non_null(f);
	while (fscanf(f, "%63s", word) == 1)
		if (streq(word, name))
			return true;
	return false;
}

struct policy *policy_of_text(const char *format, va_list args)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(freep) char *text = NULL;
	struct policy_source source = {.path = (char *)"test.policy"};
	struct policy *p = NULL;

	assert_true(vasprintf(&text, format, args) >= 0);
	source.text = text;
	source.length = strlen(text);
	if (policy_parse("test", &source, 1, &p, &messages) < 0)
		fail_msg("the test's own policy is wrong: %s",
			 messages.n > 0 ? messages.items[0] : "no memory");
	return p;
}

void run_policy(void **state, struct run *run, const struct run *old, const char *format, ...)
{
	char *folders[] = {getenv("TEST_OBJECTS"), kernel_scratch(state)->path, NULL};
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct kernel_job job = {
		.object_path = folders,
		.old = old ? &old->handles : NULL,
		.before = old ? &old->outcome : NULL,
	};
	va_list args;

	va_start(args, format);
	job.policy = policy = policy_of_text(format, args);
	va_end(args);
	*run = RUN_NULL;
	assert_int_equal(kernel_attach(&job, &run->outcome, &run->handles), 0);
}

void assert_attached(const struct run *run)
{
	if (run->outcome.verdict != VERDICT_ATTACHED)
		fail_msg("not attached (verdict %d, error %d): %s", run->outcome.verdict,
			 run->outcome.error, or_empty(run->outcome.detail));
	assert_null(run->outcome.detail);
	assert_null(run->outcome.verifier_log);
	assert_true(run->handles.map_fd >= 0);
	if (run->outcome.change == CHANGE_UPDATED)
		assert_int_equal(run->handles.link_fd, -EBADF);
	else
		assert_int_equal(link_state(run->handles.link_fd), 1);
}

void assert_verdict(const struct run *run, enum verdict verdict, const char *part_of_detail)
{
	const char *detail = or_empty(run->outcome.detail);

	if (run->outcome.verdict != verdict || !strstr(detail, part_of_detail))
		fail_msg("expected verdict %d with \"%s\", got %d: %s", verdict, part_of_detail,
			 run->outcome.verdict, detail);
	assert_int_equal(run->handles.map_fd, -EBADF);
}

static bool has_note(const struct run *run, const char *part)
{
	for (size_t i = 0; i < run->outcome.notes.n; i++)
		if (strstr(run->outcome.notes.items[i], part))
			return true;
	return false;
}

void assert_note(const struct run *run, const char *part)
{
	if (!has_note(run, part))
		fail_msg("no note \"%s\", the first one is: %s", part,
			 run->outcome.notes.n > 0 ? run->outcome.notes.items[0] : "none");
}

void assert_no_note(const struct run *run, const char *part)
{
	if (has_note(run, part))
		fail_msg("unexpected note \"%s\"", part);
}

void assert_field(const struct run *run, const char *member, const char *value)
{
	for (size_t i = 0; i < run->outcome.n_fields; i++) {
		const struct outcome_field *f = &run->outcome.fields[i];

		if (!streq(f->member, member))
			continue;
		if (!streq(f->wanted, value) || !f->actual || !streq(f->actual, value))
			fail_msg("%s: expected \"%s\", wanted is \"%s\", actual \"%s\"", member,
				 value, f->wanted, f->actual ? f->actual : "(NULL)");
		return;
	}
	fail_msg("the outcome has no field %s", member);
}

void assert_program(const struct run *run, const char *member, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < run->outcome.n_programs; i++) {
		if (!streq(run->outcome.programs[i].member, member))
			continue;
		found = run->outcome.programs[i].name;
		assert_int_not_equal(run->outcome.programs[i].id, 0);
	}
	assert_text(found, name);
}

char *object_path(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", getenv("TEST_OBJECTS"), name) > 0);
	return path;
}

int kernel_tests_possible(void)
{
	if (geteuid() != 0)
		return print_message("skipped: loading BPF takes root\n"), 77;
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return print_message("skipped: this kernel offers no BTF\n"), 77;
	if (!getenv("TEST_OBJECTS"))
		return print_message("TEST_OBJECTS must name the folder of the test objects\n"), 1;
	return 0;
}
