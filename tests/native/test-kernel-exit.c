/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exit record: found by BTF, read from the map, written down. The tests play the scheduler that ends. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/kernel/exit.h"
#include "tests/native/kernel-fixture.h"

/* The section .data of exit.bpf.c. */
struct data {
	int64_t before_it;
	int32_t kind;
	int64_t exit_code;
	char reason[128];
	char msg[1024];
};

#define TEXT_MAX 8192

static void run_named(void **state, struct run *run, const char *object, const char *name)
{
	run_policy(state, run, NULL, "[Object]\nPath=%s\n[Fields]\nname=%s\n", object, name);
}

static void write_record(const struct run *run, int kind, int64_t code)
{
	struct data data = {.before_it = 7, .kind = kind, .exit_code = code};
	uint32_t zero = 0;

	strcpy(data.reason, "runnable task stall");
	strcpy(data.msg, "victim[250] failed\n");
	assert_int_equal(bpf_map_update_elem(run->handles.record_fd, &zero, &data, BPF_ANY), 0);
}

static void read_file_text(const char *path, char text[TEXT_MAX])
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, TEXT_MAX - 1, f);
	text[n] = '\0';
}

static void test_layout(void **state)
{
	_run_ struct run run = RUN_NULL;
	struct exit_record end = {.kind = 5};
	const struct exit_layout *l = &run.outcome.exit;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, "exit.bpf.o", tcp_name(name, "lay"));
	assert_attached(&run);
	assert_int_equal(l->value_size, sizeof(struct data));
	assert_int_equal(l->kind, offsetof(struct data, kind));
	assert_int_equal(l->code, offsetof(struct data, exit_code));
	assert_int_equal(l->reason, offsetof(struct data, reason));
	assert_int_equal(l->reason_size, 128);
	assert_int_equal(l->message, offsetof(struct data, msg));
	assert_int_equal(l->message_size, 1024);
	assert_true(run.handles.record_fd > 2);
	assert_int_equal(fcntl(run.handles.record_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(kernel_exit_read(&run.handles, &run.outcome, &end), 0);
	assert_int_equal(end.kind, 5);
}

static void test_read(void **state)
{
	_run_ struct run run = RUN_NULL;
	struct exit_record end;
	struct data data;
	char name[TCP_NAME_SIZE];
	uint32_t zero = 0;

	run_named(state, &run, "exit.bpf.o", tcp_name(name, "rd"));
	assert_attached(&run);
	write_record(&run, 1026, -3);
	/* Whatever becomes of the link. */
	run.handles.link_fd = safe_close(run.handles.link_fd);
	assert_int_equal(kernel_exit_read(&run.handles, &run.outcome, &end), 1);
	assert_int_equal(end.kind, 1026);
	assert_int_equal(end.code, -3);
	assert_string_equal(end.reason, "runnable task stall");
	assert_string_equal(end.message, "victim[250] failed");

	/* Only the kind tells whether there is a record; the other variables are the program's. */
	assert_int_equal(exit_record_reset(&run.handles, &run.outcome), 0);
	assert_int_equal(kernel_exit_read(&run.handles, &run.outcome, &end), 0);
	assert_int_equal(bpf_map_lookup_elem(run.handles.record_fd, &zero, &data), 0);
	assert_int_equal(data.before_it, 7);
	assert_int_equal(data.exit_code, -3);
}

static void test_unknown_layout(void **state)
{
	_run_ struct run run = RUN_NULL;
	struct exit_record end;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, "exit-odd.bpf.o", tcp_name(name, "odd"));
	assert_attached(&run);
	assert_note(&run, "exit record \"uei\" of the object is not understood (struct "
			  "user_exit_info: member \"kind\" is missing or of another type)");
	assert_int_equal(run.handles.record_fd, -EBADF);
	assert_int_equal(run.outcome.exit.value_size, 0);
	assert_int_equal(kernel_exit_read(&run.handles, &run.outcome, &end), 0);
}

static void test_object_without_a_record(void **state)
{
	_run_ struct run run = RUN_NULL;
	struct exit_record end;
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), "end");
	char name[TCP_NAME_SIZE];

	run_named(state, &run, "values.bpf.o", tcp_name(name, "none"));
	assert_attached(&run);
	assert_no_note(&run, "exit record");
	assert_int_equal(kernel_exit_read(&run.handles, &run.outcome, &end), 0);
	assert_int_equal(kernel_exit_dump(&run.handles, &run.outcome, path), 0);
	assert_int_equal(access(path, F_OK), -1);
}

/* A descriptor of something else must not write beyond what was made room for. */
static void test_other_maps(void **state)
{
	_run_ struct run run = RUN_NULL;
	struct kernel_handles wrong = KERNEL_HANDLES_NULL;
	struct exit_record end;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, "exit.bpf.o", tcp_name(name, "oth"));
	assert_attached(&run);
	wrong.record_fd = run.handles.map_fd;
	assert_int_equal(kernel_exit_read(&wrong, &run.outcome, &end), -EBADMSG);
	wrong.record_fd = run.handles.link_fd;
	assert_true(kernel_exit_read(&wrong, &run.outcome, &end) < 0);
	run.outcome.exit.value_size--;
	assert_int_equal(kernel_exit_read(&run.handles, &run.outcome, &end), -EBADMSG);
	assert_int_equal(exit_record_reset(&run.handles, &run.outcome), -EBADMSG);
}

/* libbpf 1.5 and newer can make room; the size is then what the object asks for, or the kernel's own. */
static void test_room_for_the_dump(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];
	bool possible = libbpf_major_version() > 1 || libbpf_minor_version() >= 5;

	run_policy(state, &run, NULL,
		   "[Object]\nPath=exit.bpf.o\n[Fields]\nname=%s\n[Globals]\nbefore_it=8\n",
		   tcp_name(name, "room"));
	assert_attached(&run);
	assert_field(&run, "Globals.before_it", "8");
	assert_int_equal(run.outcome.exit.dump_size, possible ? 32768 : 0);
	assert_int_equal(run.handles.dump_fd >= 0, possible);
	print_message("libbpf %s: room for the dump: %s\n", libbpf_version_string(),
		      possible ? "yes" : "no");
	if (!possible)
		return;
	run_done(&run);
	run_policy(state, &run, NULL,
		   "[Object]\nPath=exit.bpf.o\n[Fields]\nname=%s\n[Globals]\nuei_dump_len=5000\n",
		   name);
	assert_attached(&run);
	assert_field(&run, "Globals.uei_dump_len", "5000");
	assert_int_equal(run.outcome.exit.dump_size, 5000);
}

static int dump_map(uint32_t size, const char *text)
{
	_cleanup_(freep) char *value = calloc(1, size);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "t_dump", 4, size, 1, NULL);
	uint32_t zero = 0;

	assert_true(fd >= 0);
	memcpy(value, text, MIN(strlen(text), size));
	assert_int_equal(bpf_map_update_elem(fd, &zero, value, BPF_ANY), 0);
	return fd;
}

static void test_dump(void **state)
{
	_run_ struct run run = RUN_NULL;
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), "end");
	_cleanup_(freep) char *other = scratch_path(kernel_scratch(state), "other");
	char name[TCP_NAME_SIZE], text[TEXT_MAX];
	struct stat st;

	run_named(state, &run, "exit.bpf.o", tcp_name(name, "dump"));
	assert_attached(&run);
	write_record(&run, 1025, 0);
	safe_close(run.handles.dump_fd);
	/* Without a NUL: all of it is text. */
	run.handles.dump_fd = dump_map(16, "xxxxthe dump of ");
	run.outcome.exit.dump_size = 16;
	run.outcome.exit.dump = 4;

	/* Whatever stands at its path is put away, not followed. */
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(kernel_exit_dump(&run.handles, &run.outcome, path), 1);
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	read_file_text(path, text);
	assert_string_equal(text, "exit: runnable task stall: victim[250] failed (kind 1025)\n"
				  "\n"
				  "debug dump:\n"
				  "the dump of \n");
	assert_true(kernel_exit_dump(&run.handles, &run.outcome, "/nonexistent/end") < 0);
}

/* A socket that takes the algorithm calls its init(). */
static void use_algorithm(const char *name)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	assert_int_equal(bind(peer, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(peer, 1), 0);
	assert_int_equal(getsockname(peer, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)),
			 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
}

/* Printing takes a page without waiting for one, which some machines never have. */
static bool has_printed(const struct run *run)
{
	uint32_t zero = 0;
	struct data data;

	assert_int_equal(bpf_map_lookup_elem(run->handles.record_fd, &zero, &data), 0);
	if (data.before_it != 0)
		print_message("skipped: programs cannot print into streams here (%s)\n",
			      data.before_it > 0 ? "a kernel without"
						 : strerror(-(int)data.before_it));
	return data.before_it == 0;
}

static void test_streams(void **state)
{
	_run_ struct run run = RUN_NULL;
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), "end");
	char name[TCP_NAME_SIZE], text[TEXT_MAX];

	run_named(state, &run, "exit.bpf.o", tcp_name(name, "str"));
	assert_attached(&run);
	use_algorithm(name);
	if (!has_printed(&run))
		return;
	run.handles.link_fd = safe_close(run.handles.link_fd);
	assert_int_equal(kernel_exit_dump(&run.handles, &run.outcome, path), 1);
	read_file_text(path, text);
	assert_string_equal(text, "\nstdout of program \"talking_init\" (init):\nsocket 1 came\n");
	/* Reading has emptied it. */
	assert_int_equal(kernel_exit_dump(&run.handles, &run.outcome, path), 0);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_layout),         TEST(test_read),
		TEST(test_unknown_layout), TEST(test_object_without_a_record),
		TEST(test_other_maps),     TEST(test_room_for_the_dump),
		TEST(test_dump),           TEST(test_streams),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
