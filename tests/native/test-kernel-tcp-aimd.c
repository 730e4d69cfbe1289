/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The congestion control that is shipped: it carries data, its window grows, and its knobs do what they say. */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/native/kernel-fixture.h"

#define TRANSFER_BYTES (4U * 1024 * 1024)
#define LOSSY_BYTES (512U * 1024) /* each loss may cost a timeout of 200 ms and more */
#define INITIAL_WINDOW 10
#define NO_SSTHRESH 0x7fffffff

static void run_aimd(void **state, struct run *run, const char *map, const char *more)
{
	char name[TCP_NAME_SIZE];

	run_policy(state, run, NULL,
		   "[Object]\nPath=%s/tcp_aimd.bpf.o\nMap=%s\n[Fields]\nname=%s\n%s\n",
		   getenv("SHIPPED_OBJECTS"), map, tcp_name(name, "aimd"), more);
	assert_attached(run);
}

/*
 * Small segments, as on a real network: with loopback's own of 64 KiB the receiver's window, not the sender's,
 * would hold the data back, and the sender's had no reason to grow.
 */
static void make_realistic(int fd)
{
	int segment = 1400, buffer = 4 * 1024 * 1024;

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)), 0);
}

static int listen_on_loopback(struct sockaddr_in *ret)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	make_realistic(fd);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret = address;
	return fd;
}

/* Drops one segment in thirty-two before TCP sees it: a network that loses something. */
static void make_lossy(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, UINT32_MAX / 32, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
			 0);
}

/* The other end, in a child: reads all and says by its exit status whether it was right. */
static pid_t start_reader(int listener, size_t size, bool lossy)
{
	pid_t pid = fork();
	static char buffer[65536];
	size_t n = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = accept(listener, NULL, NULL);
		ssize_t k;

		if (lossy)
			make_lossy(fd);
		while ((k = read(fd, buffer, sizeof(buffer))) > 0)
			n += (size_t)k;
		_exit(n == size ? 0 : 1);
	}
	return pid;
}

static void write_all(int fd, size_t size)
{
	static const char buffer[65536];

	while (size > 0) {
		ssize_t k = write(fd, buffer, MIN(size, sizeof(buffer)));

		assert_true(k > 0);
		size -= (size_t)k;
	}
}

/* Sends data over a connection that uses the algorithm; its state at the end. */
static struct tcp_info transfer(const char *algorithm, bool lossy)
{
	const size_t bytes = lossy ? LOSSY_BYTES : TRANSFER_BYTES;
	struct sockaddr_in address;
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int listener = listen_on_loopback(&address);
	/* Before our end is opened: a copy of it in the child would never let it see the end of the data. */
	pid_t reader = start_reader(listener, bytes, lossy);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status;

	assert_true(fd >= 0);
	make_realistic(fd);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm,
				    (socklen_t)strlen(algorithm)),
			 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	write_all(fd, bytes);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	close(fd);
	close(listener);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	return info;
}

static const char *const variants[] = {
	"",
	"cong_avoid = gentle_cong_avoid\ncwnd_event =\n[Globals]\nbackoff_percent = 80",
	"ssthresh = reno_ssthresh\n[Globals]\nincrease_segments = 8\nmin_cwnd = 4",
};

/* Slow start leaves the window that a connection begins with far behind. */
static void test_transfer(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		_run_ struct run run = RUN_NULL;
		char name[TCP_NAME_SIZE];
		struct tcp_info info;

		run_aimd(state, &run, "aimd", variants[i]);
		info = transfer(tcp_name(name, "aimd"), false);
		assert_true(info.tcpi_snd_cwnd > INITIAL_WINDOW);
	}
}

/* After a loss the threshold is the operator's, and all the data still arrives. */
static void test_transfer_with_losses(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		_run_ struct run run = RUN_NULL;
		char name[TCP_NAME_SIZE];
		struct tcp_info info;

		run_aimd(state, &run, "aimd", variants[i]);
		do {
			info = transfer(tcp_name(name, "aimd"), true);
		} while (info.tcpi_total_retrans == 0); /* that one was lucky */
		assert_in_range(info.tcpi_snd_ssthresh, 2, NO_SSTHRESH - 1);
		assert_in_range(info.tcpi_snd_cwnd, 1, 1000);
	}
}

static void test_both_maps(void **state)
{
	_run_ struct run first = RUN_NULL, second = RUN_NULL;

	run_aimd(state, &first, "aimd aimd___v1", "flags |= TCP_CONG_NEEDS_ECN");
	assert_string_equal(first.outcome.map, "aimd");
	assert_field(&first, "flags", "2");
	assert_program(&first, "cwnd_event", "aimd_cwnd_event");
	run_done(&first);
	first = RUN_NULL;
	run_aimd(state, &second, "aimd___v1", "");
	assert_string_equal(second.outcome.type, "tcp_congestion_ops");
	assert_program(&second, "cwnd_event", NULL);
	assert_program(&second, "ssthresh", "aimd_ssthresh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_transfer, kernel_setup, kernel_teardown),
		cmocka_unit_test_setup_teardown(test_transfer_with_losses, kernel_setup,
						kernel_teardown),
		cmocka_unit_test_setup_teardown(test_both_maps, kernel_setup, kernel_teardown),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
