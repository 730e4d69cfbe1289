/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keeper, between the service manager and the kernel of keeper-world.h. */
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/log.h"
#include "tests/service/keeper-world.h"

static int setup(void **state)
{
	assert_int_equal(scratch_setup(state), 0);
	unsetenv("FDSTORE");
	unsetenv("STRUCTOPSD_FDSTORE");
	unsetenv("NOTIFY_SOCKET");
	pin_error = 0;
	n_pinnings = 0;
	*said = '\0';
	return 0;
}

static int teardown(void **state)
{
	while (n_store > 0)
		safe_close(store[--n_store].fd);
	while (n_pins > 0)
		kernel_handles_close(&pins[--n_pins].handles);
	notify_fd = safe_close(notify_fd);
	for (int fd = 3; fd < 2 * OWN_FDS; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			print_error("descriptor %d was not closed\n", fd);
			return 1;
		}
	return scratch_teardown(state);
}

static struct keeper *make_keeper(void **state, enum keep_links mode, const char *fdstore)
{
	struct keeper *k;

	if (fdstore) {
		if (notify_fd < 0)
			start_service_manager(*state);
		setenv("FDSTORE", fdstore, 1);
	}
	assert_int_equal(keeper_new(mode, "/tmp/x", &k), 0);
	return k;
}

static struct kernel_handles make_handles(uint32_t link, uint32_t map)
{
	struct kernel_handles h = KERNEL_HANDLES_NULL;

	if (link)
		h.link_fd = make(KEPT_LINK, link, false);
	if (map)
		h.map_fd = make(KEPT_MAP, map, false);
	return h;
}

#define _keeper_ _cleanup_(keeper_freep) struct keeper *
#define _handles_ _cleanup_(kernel_handles_close) struct kernel_handles

static void assert_described(const struct keeper *k, const char *name, const char *expected)
{
	_cleanup_(freep) char *text = keeper_describe(k, name);

	assert_text(text, expected);
}

/* What is found, as "name link/map alive, …". */
static void assert_collected(struct keeper *k, const char *expected)
{
	char text[512] = "";
	struct keeper_find *finds;
	size_t n, length = 0;

	assert_int_equal(keeper_collect(k, &finds, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(finds[i].name, finds[i].facts.name);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s %u/%u%s",
					   i ? ", " : "", finds[i].name, finds[i].facts.link_id,
					   finds[i].facts.map_id,
					   finds[i].facts.alive ? " alive" : "");
	}
	keeper_finds_free(finds, n);
	assert_text(text, expected);
}

static int receive(struct keeper *k)
{
	int socket = -EBADF, r = keeper_receive(k, &socket);

	assert_int_equal(socket, -EBADF);
	return r;
}

static void test_fdstore(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	_handles_ h = make_handles(1, 2);

	h.record_fd = make(KEPT_RECORD, 3, false);
	h.dump_fd = make(KEPT_DUMP, 4, false);
	keeper_store(k, "a.b@c", &h);
	assert_said("+link.1.a.b@c +map.2.a.b@c! +record.3.a.b@c! +dump.4.a.b@c! ");
	assert_described(k, "a.b@c", "fd store of the service manager");
	keeper_store(k, "a.b@c", &h);
	assert_said("");
	keeper_remove(k, "a.b@c");
	assert_said("-link.1.a.b@c -map.2.a.b@c -record.3.a.b@c -dump.4.a.b@c ");
	assert_described(k, "a.b@c", "not kept");
	keeper_remove(k, "a.b@c");
	assert_said("");
	assert_int_equal(n_pinnings, 0);
}

/* What is new is there before what is old goes; a link that goes on is not touched. */
static void test_change(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	_handles_ first = make_handles(1, 2), updated = make_handles(1, 3);
	_handles_ swapped = make_handles(4, 5), waiting = make_handles(0, 5);

	keeper_store(k, "x", &first);
	assert_said("+link.1.x +map.2.x! ");
	keeper_store(k, "x", &updated);
	assert_said("+map.3.x! -map.2.x ");
	keeper_store(k, "x", &swapped);
	assert_said("+link.4.x +map.5.x! -link.1.x -map.3.x ");
	keeper_store(k, "x", &waiting);
	assert_said("-link.4.x ");
	assert_int_equal(n_store, 1);
}

static void test_restart(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	_handles_ a = make_handles(1, 2), b = make_handles(3, 4);

	keeper_store(k, "b", &b);
	keeper_store(k, "a", &a);
	keeper_free(k);
	pass_store();
	k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	assert_int_equal(receive(k), 0);
	assert_collected(k, "a 1/2 alive, b 3/4 alive");
	assert_int_equal(keeper_where(k, "a"), KEEPER_FDSTORE);
	/* It is there already. */
	keeper_store(k, "a", &a);
	keeper_store(k, "b", &b);
	assert_said("");
	keeper_remove(k, "b");
	assert_said("-link.3.b -map.4.b ");
}

/* The service manager drops a link that hangs up; the map tells that there was one. */
static void test_restart_after_the_end_of_a_link(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	_handles_ a = make_handles(1, 2), again = make_handles(5, 2);

	keeper_store(k, "a", &a);
	serve_all();
	forget_stored("link.1.a");
	pass_store();
	keeper_free(k);
	k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	assert_int_equal(receive(k), 0);
	assert_collected(k, "a 0/2");
	keeper_store(k, "a", &again);
	assert_said("+link.5.a ");
}

/* The last daemon ended between storing the new ones and removing the old ones. */
static void test_doubles(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	int fds[] = {make(KEPT_LINK, 8, false), make(KEPT_LINK, 9, true),
		     make(KEPT_MAP, 3, false),  make(KEPT_MAP, 2, false),
		     make(KEPT_LINK, 5, false), make(KEPT_LINK, 4, false)};

	pass(fds[0], "link.8.x");
	pass(fds[1], "link.9.x");
	pass(fds[2], "map.3.x");
	pass(fds[3], "map.2.x");
	pass(fds[4], "link.5.y");
	pass(fds[5], "link.4.y");
	assert_int_equal(receive(k), 0);
	assert_collected(k, "x 8/3 alive, y 5/0 alive");
	assert_said("-link.9.x -map.2.x -link.4.y ");
	assert_int_equal(k->n_stored, 3);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void test_what_is_passed(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	_cleanup_(closep) int socket_fd = own(socket(AF_UNIX, SOCK_STREAM, 0));
	_cleanup_(closep) int link = make(KEPT_LINK, 1, false);
	const struct sockaddr_un any = {.sun_family = AF_UNIX}; /* the kernel makes up a name */
	int got = -EBADF;

	assert_int_equal(bind(socket_fd, (const struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(socket_fd, 1), 0);
	pass(link, "stored");
	pass(socket_fd, "bus");
	pass(link, "link.1.x");
	assert_int_equal(keeper_receive(k, &got), 0);
	assert_int_equal(got, 4);
	close(got);
	assert_said("-stored ");
	assert_collected(k, "x 1/0 alive");
	assert_null(getenv("LISTEN_FDS"));

	keeper_free(k);
	k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	pass(socket_fd, "bus");
	pass(socket_fd, "bus");
	assert_int_equal(receive(k), -EINVAL);
}

static void test_nothing_passed(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, NULL);

	assert_int_equal(receive(k), 0);
	assert_collected(k, "");
}

static void test_pins(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, NULL);
	_handles_ a = make_handles(1, 2), changed = make_handles(1, 3);

	keeper_store(k, "a.b", &a);
	keeper_store(k, "a.b", &a);
	assert_int_equal(n_pinnings, 1);
	assert_described(k, "a.b", "pins in /sys/fs/bpf/structopsd%2Ftmp%2Fx/a%2Eb");
	keeper_free(k);
	k = make_keeper(state, KEEP_LINKS_AUTO, NULL);
	assert_collected(k, "a.b 1/2 alive");
	keeper_store(k, "a.b", &changed);
	assert_int_equal(look(pins[0].handles.map_fd).id, 3);
	keeper_remove(k, "a.b");
	assert_int_equal(n_pins, 0);
}

static void test_full(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "3");
	_handles_ a = make_handles(1, 2), b = make_handles(3, 4), b_changed = make_handles(3, 5);

	keeper_store(k, "a", &a);
	keeper_store(k, "b", &b);
	keeper_store(k, "b", &b);
	assert_said("+link.1.a +map.2.a! ");
	assert_int_equal(keeper_where(k, "b"), KEEPER_PINNED);
	assert_int_equal(n_pinnings, 1);
	/* A change of what is stored has no room for both maps either. */
	keeper_store(k, "a",
		     &(struct kernel_handles){.link_fd = b.link_fd,
					      .map_fd = b.map_fd,
					      .record_fd = -EBADF,
					      .dump_fd = -EBADF});
	assert_said("-link.1.a -map.2.a ");
	assert_int_equal(keeper_where(k, "a"), KEEPER_PINNED);
	/* Now there is room. */
	keeper_store(k, "b", &b_changed);
	assert_said("+link.3.b +map.5.b! ");
	assert_int_equal(n_pins, 1);
	assert_text(pins[0].name, "a");
}

/* With KeepLinks=fdstore there is no other way; what is stored and still right stays. */
static void test_full_without_another_way(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_FDSTORE, "2");
	_handles_ a = make_handles(1, 2), updated = make_handles(1, 3),
		  swapped = make_handles(4, 5);

	keeper_store(k, "a", &a);
	assert_said("+link.1.a +map.2.a! ");
	keeper_store(k, "b", &swapped);
	assert_described(k, "b", "not kept");
	keeper_store(k, "a", &updated);
	assert_said("-map.2.a ");
	assert_int_equal(keeper_where(k, "a"), KEEPER_FDSTORE);
	keeper_store(k, "a", &updated);
	assert_said("+map.3.a! ");
	keeper_store(k, "a", &swapped);
	assert_said("-link.1.a -map.3.a ");
	assert_int_equal(n_pinnings, 0);
}

/* It is offered, and then nobody takes what is sent. */
static void test_refused(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	_handles_ a = make_handles(1, 2);

	notify_fd = safe_close(notify_fd);
	keeper_store(k, "a", &a);
	assert_int_equal(keeper_where(k, "a"), KEEPER_PINNED);
	assert_int_equal(k->n_stored, 0);
	keeper_free(k);

	assert_int_equal(keeper_new(KEEP_LINKS_FDSTORE, "/tmp/x", &k), 0);
	keeper_store(k, "b", &a);
	assert_described(k, "b", "not kept");
	assert_int_equal(k->n_stored, 0);
	assert_int_equal(n_pins, 1);
}

/* All names have to fit into one string of the environment. */
static void test_long_names(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "100000");
	_handles_ h = make_handles(4000000000, 0);
	char name[POLICY_NAME_MAX + 1];
	size_t n = 0, size = 0;

	do {
		snprintf(name, sizeof(name), "%0*zu", POLICY_NAME_MAX, n++);
		keeper_store(k, name, &h);
		serve_all();
		/* Its descriptors are not the point here. */
		while (n_store > 0) {
			size += strlen(store[--n_store].name) + 1;
			safe_close(store[n_store].fd);
		}
	} while (n_pins == 0);
	assert_true(size <= 120 * 1024);
	assert_true(size > 119 * 1024);
	*said = '\0';
}

static void test_modes(void **state)
{
	_handles_ h = make_handles(1, 2);
	_keeper_ k = make_keeper(state, KEEP_LINKS_PIN, "16");

	keeper_store(k, "x", &h);
	assert_said("");
	assert_int_equal(n_pins, 1);
	keeper_free(k);

	/* Another setting at the next start: it moves there, what is new first. */
	k = make_keeper(state, KEEP_LINKS_FDSTORE, "16");
	assert_collected(k, "x 1/2 alive");
	keeper_store(k, "x", &h);
	assert_said("+link.1.x +map.2.x! ");
	assert_int_equal(n_pins, 0);
	pass_store();
	keeper_free(k);

	k = make_keeper(state, KEEP_LINKS_PIN, "16");
	assert_int_equal(receive(k), 0);
	assert_collected(k, "x 1/2 alive");
	keeper_store(k, "x", &h);
	assert_int_equal(n_pins, 1);
	assert_said("-link.1.x -map.2.x ");
	keeper_free(k);

	k = make_keeper(state, KEEP_LINKS_NO, "16");
	assert_collected(k, "x 1/2 alive");
	keeper_store(k, "x", &h);
	assert_int_equal(n_pins, 0);
	assert_described(k, "x", "not kept (KeepLinks=no)");
}

/* Stored and pinned: what lives counts. */
static void test_both_ways(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, "16");
	int fds[] = {make(KEPT_LINK, 1, true), make(KEPT_LINK, 2, false)};
	_handles_ a = make_handles(11, 12), b = make_handles(13, 14);
	char *error = NULL;

	assert_int_equal(kernel_pin(&a, k->folder, "a", &error), 0);
	assert_int_equal(kernel_pin(&b, k->folder, "b", &error), 0);
	pass(fds[0], "link.1.a");
	pass(fds[1], "link.2.b");
	assert_int_equal(receive(k), 0);
	assert_collected(k, "a 11/12 alive, b 2/0 alive");
	assert_said("-link.1.a ");
	assert_int_equal(keeper_where(k, "a"), KEEPER_PINNED);
	assert_int_equal(keeper_where(k, "b"), KEEPER_FDSTORE);
	assert_int_equal(n_pins, 1);
	close(fds[0]);
	close(fds[1]);
}

static void test_cannot_pin(void **state)
{
	_keeper_ k = make_keeper(state, KEEP_LINKS_AUTO, NULL);
	_handles_ a = make_handles(1, 2), changed = make_handles(4, 3);

	pin_error = EROFS;
	keeper_store(k, "x", &a);
	assert_described(k, "x", "not kept");
	keeper_store(k, "y", &a); /* said once: not to be seen here, but in the log */
	pin_error = 0;
	keeper_store(k, "x", &a);
	assert_int_equal(n_pins, 1);
	/* The former pins are better than none. */
	pin_error = EROFS;
	keeper_store(k, "x", &changed);
	assert_int_equal(keeper_where(k, "x"), KEEPER_PINNED);
	assert_int_equal(n_pins, 1);
}

static void test_what_is_offered(void **state)
{
	static const struct {
		const char *fdstore, *ours;
		size_t expected;
	} cases[] = {
		{"16", NULL, 16}, {NULL, "16", 16}, {"0", "16", 0},   {NULL, NULL, 0},
		{"x", "16", 0},   {"-1", NULL, 0},  {NULL, "16 ", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsetenv("FDSTORE");
		unsetenv("STRUCTOPSD_FDSTORE");
		if (cases[i].fdstore)
			setenv("FDSTORE", cases[i].fdstore, 1);
		if (cases[i].ours)
			setenv("STRUCTOPSD_FDSTORE", cases[i].ours, 1);
		unsetenv("NOTIFY_SOCKET");
		assert_int_equal(fdstore_offered(), 0);
		setenv("NOTIFY_SOCKET", "/run/x", 1);
		assert_int_equal(fdstore_offered(), cases[i].expected);
	}
}

static void test_fdnames(void **state)
{
	static const char *const bad[] = {
		"",           "link",
		"link.1",     "link.1.",
		"link.0.x",   "lnk.1.x",
		"link.01.x",  "link.+1.x",
		"link. 1.x",  "link.-1.x",
		"link.1.x y", "link.1..x",
		"Link.1.x",   "link.99999999999.x",
	};
	enum kept_kind kind;
	const char *name;
	uint32_t id;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (fdname_parse(bad[i], &kind, &id, &name) == 0)
			fail_msg("taken for one of ours: %s", bad[i]);
	assert_int_equal(fdname_parse("record.4294967295.a.1@b", &kind, &id, &name), 0);
	assert_int_equal(kind, KEPT_RECORD);
	assert_int_equal(id, UINT32_MAX);
	assert_text(name, "a.1@b");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fdstore),        TEST(test_change),
		TEST(test_restart),        TEST(test_restart_after_the_end_of_a_link),
		TEST(test_doubles),        TEST(test_what_is_passed),
		TEST(test_nothing_passed), TEST(test_pins),
		TEST(test_full),           TEST(test_full_without_another_way),
		TEST(test_refused),        TEST(test_long_names),
		TEST(test_modes),          TEST(test_both_ways),
		TEST(test_cannot_pin),     TEST(test_what_is_offered),
		TEST(test_fdnames),
	};

	/* Whatever the shell left open is none of ours. */
	assert_int_equal(close_range(3, UINT_MAX, 0), 0);
	log_setup(LOG_TARGET_STDERR, LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
