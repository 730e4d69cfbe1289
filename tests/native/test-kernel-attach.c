/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links: made, watched, detached, made again, replaced; and who is in the way. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/native/kernel-fixture.h"

static void run_named(void **state, struct run *run, const struct run *old, const char *name,
		      const char *more)
{
	run_policy(state, run, old, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n%s\n", name,
		   more);
}

static bool has_hung_up(int link_fd)
{
	struct pollfd p = {.fd = link_fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static void test_detach(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, NULL, tcp_name(name, "det"), "");
	assert_attached(&run);
	assert_true(kernel_link_can_poll(run.handles.link_fd));
	assert_false(has_hung_up(run.handles.link_fd));
	assert_int_equal(link_detach(run.handles.link_fd), 0);
	assert_int_equal(link_state(run.handles.link_fd), 0);
	assert_true(has_hung_up(run.handles.link_fd));
	assert_false(tcp_is_registered(name));
	/* Off already is as good as taken off. */
	assert_int_equal(link_detach(run.handles.link_fd), 0);
}

static void assert_not_alive(const struct run *run, const char *sentence)
{
	_cleanup_(freep) char *why = NULL;

	assert_int_equal(kernel_alive(&run->handles, &run->outcome, &why), 0);
	assert_text(why, sentence);
}

static void test_alive(void **state)
{
	_run_ struct run run = RUN_NULL, other = RUN_NULL;
	char name[TCP_NAME_SIZE], other_name[TCP_NAME_SIZE], sentence[128];
	_cleanup_(freep) char *why = NULL;
	_cleanup_(freep) char *slot = NULL;

	run_named(state, &run, NULL, tcp_name(name, "alv"), "");
	run_named(state, &other, NULL, tcp_name(other_name, "alv2"), "");
	assert_attached(&run);
	assert_true(asprintf(&slot, "tcp_congestion_ops %s", name) > 0);
	assert_string_equal(run.outcome.ops_name, name);
	assert_string_equal(run.outcome.slot, slot);
	assert_int_equal(kernel_alive(&run.handles, &run.outcome, &why), 1);
	/* The same link, another map. */
	snprintf(sentence, sizeof(sentence),
		 "link %u has map %u now, not %u: another process replaced it with bpf_link_update",
		 run.outcome.link_id, run.outcome.map_id, other.outcome.map_id);
	run.outcome.map_id = other.outcome.map_id;
	assert_not_alive(&run, sentence);
	assert_int_equal(link_detach(run.handles.link_fd), 0);
	snprintf(sentence, sizeof(sentence), "link %u is detached", run.outcome.link_id);
	assert_not_alive(&run, sentence);
}

static void test_closing_detaches(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &run, NULL, tcp_name(name, "cls"), "");
	assert_attached(&run);
	kernel_handles_close(&run.handles);
	assert_int_equal(run.handles.link_fd, -EBADF);
	assert_false(tcp_is_registered(name));
}

static void test_wrong_descriptors(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];
	uint32_t id;
	int fd;

	run_named(state, &run, NULL, tcp_name(name, "bad"), "");
	assert_attached(&run);
	assert_true(link_state(-EBADF) < 0);
	assert_true(link_state(run.handles.map_fd) < 0);
	assert_true(link_detach(run.handles.map_fd) < 0);
	/* Nothing to take off. */
	assert_int_equal(link_detach(-EBADF), 0);
	assert_true(kernel_relink(-EBADF, &fd, &id) < 0);
	/* Its name is still taken by its own first link. */
	assert_int_equal(kernel_relink(run.handles.map_fd, &fd, &id), -EEXIST);
}

static void test_relink_200_times(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];
	uint32_t last_id;

	run_named(state, &run, NULL, tcp_name(name, "re"), "");
	assert_attached(&run);
	last_id = run.outcome.link_id;
	for (int i = 0; i < 200; i++) {
		uint32_t id = 0;
		int fd = -EBADF;

		assert_int_equal(link_detach(run.handles.link_fd), 0);
		assert_int_equal(kernel_relink(run.handles.map_fd, &fd, &id), 0);
		assert_int_not_equal(id, last_id);
		assert_int_equal(link_state(fd), 1);
		close(run.handles.link_fd);
		run.handles.link_fd = fd;
		last_id = id;
	}
	assert_true(tcp_is_registered(name));
}

/* The kernel has "reno" built in: no struct_ops map explains it. */
static void test_name_of_the_kernel(void **state)
{
	_run_ struct run run = RUN_NULL;

	run_named(state, &run, NULL, "reno", "");
	assert_verdict(&run, VERDICT_BUSY,
		       "the name \"reno\" is taken by the kernel itself or a module");
	assert_int_equal(run.outcome.error, EEXIST);
}

/* In a child: the attempts of a worker, beside a daemon that has the link. */
static void expect_taken(void **state, const char *name, const char *expected, const char *also)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		_run_ struct run run = RUN_NULL;
		const char *detail;

		run_named(state, &run, NULL, name, "");
		detail = or_empty(run.outcome.detail);
		if (run.outcome.verdict == VERDICT_BUSY && strstr(detail, expected) &&
		    strstr(detail, also))
			_exit(0);
		print_error("verdict %d: %s\n", run.outcome.verdict, detail);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_name_of_another_link(void **state)
{
	_run_ struct run run = RUN_NULL, bystander = RUN_NULL;
	char name[TCP_NAME_SIZE], other[TCP_NAME_SIZE], expected[128], process[64];

	run_named(state, &bystander, NULL, tcp_name(other, "oth"), "");
	run_named(state, &run, NULL, tcp_name(name, "tkn"), "");
	assert_attached(&bystander);
	assert_attached(&run);
	snprintf(expected, sizeof(expected),
		 "the name \"%s\" is taken by struct_ops link %u (map \"values\"), held by ", name,
		 run.outcome.link_id);
	snprintf(process, sizeof(process), "[%d]", getpid());
	expect_taken(state, name, expected, process);
}

/* Loads only one map of an object, as it is. */
static struct bpf_object *load_only(const char *file, const char *map_name, const char *tcp)
{
	_cleanup_(freep) char *path = object_path(file);
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *p = NULL;
	struct bpf_map *map = NULL;

	assert_non_null(object);
	while ((map = bpf_object__next_map(object, map)))
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, streq(bpf_map__name(map), map_name));
	while ((p = bpf_object__next_program(object, p)))
		if (streq(bpf_program__name(p), "wild_ssthresh"))
			bpf_program__set_autoload(p, false);
	/* The name is the fifth member, behind four operators. */
	map = bpf_object__find_map_by_name(object, map_name);
	snprintf((char *)bpf_map__initial_value(map, NULL) + 32, TCP_NAME_SIZE, "%s", tcp);
	assert_int_equal(bpf_object__load(object), 0);
	return object;
}

/* "bpftool struct_ops register" of a map without the link flag leaves a registration that no link shows. */
static void test_name_of_a_map_without_link(void **state)
{
	char name[TCP_NAME_SIZE], expected[64];
	struct bpf_object *object = load_only("maps.bpf.o", "plain", tcp_name(name, "nol"));
	struct bpf_map *plain = bpf_object__find_map_by_name(object, "plain");
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	struct bpf_link *link;

	kernel_unregister_later(state, bpf_map__fd(plain));
	link = bpf_map__attach_struct_ops(plain);
	assert_non_null(link);
	assert_int_equal(bpf_map_get_info_by_fd(bpf_map__fd(plain), &info, &size), 0);
	snprintf(expected, sizeof(expected), "is taken by struct_ops map %u (\"plain\"), which is",
		 info.id);
	expect_taken(state, name, expected, "bpftool struct_ops unregister id");
	assert_int_equal(bpf_link__destroy(link), 0);
	bpf_object__close(object);
	assert_false(tcp_is_registered(name));
}

/* A name that is taken speaks of this moment, not against the map: no alternative is tried. */
static void test_busy_is_no_reason_for_an_alternative(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_policy(state, &run, NULL,
		   "[Object]\nPath=maps.bpf.o\nMap=first second\n"
		   "[Fields first]\nname=reno\n[Fields second]\nname=%s\n",
		   tcp_name(name, "alt"));
	assert_verdict(&run, VERDICT_BUSY, "the name \"reno\" is taken");
	assert_false(tcp_is_registered(name));
}

/* Same name: the link stays, with the new map. */
static void test_replace_by_update(void **state)
{
	_run_ struct run old = RUN_NULL, new = RUN_NULL;
	char name[TCP_NAME_SIZE];
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	run_named(state, &old, NULL, tcp_name(name, "upd"), "flags=1");
	assert_attached(&old);
	run_named(state, &new, &old, name, "flags=2");
	assert_attached(&new);
	assert_int_equal(new.outcome.change, CHANGE_UPDATED);
	assert_field(&new, "flags", "2");
	assert_int_equal(new.outcome.gap_usec, 0);
	assert_int_equal(new.outcome.link_id, old.outcome.link_id);
	assert_int_not_equal(new.outcome.map_id, old.outcome.map_id);
	assert_int_equal(bpf_link_get_info_by_fd(old.handles.link_fd, &info, &size), 0);
	assert_int_equal(info.struct_ops.map_id, new.outcome.map_id);
	assert_false(has_hung_up(old.handles.link_fd));
}

/* Another name: both at once for a moment, so there is no gap. */
static void test_replace_beside(void **state)
{
	_run_ struct run old = RUN_NULL, new = RUN_NULL;
	char before[TCP_NAME_SIZE], after[TCP_NAME_SIZE];

	run_named(state, &old, NULL, tcp_name(before, "bef"), "");
	run_named(state, &new, &old, tcp_name(after, "aft"), "");
	assert_attached(&new);
	assert_int_equal(new.outcome.change, CHANGE_SWAPPED);
	assert_int_equal(new.outcome.gap_usec, 0);
	assert_int_equal(link_state(old.handles.link_fd), 0);
	assert_false(tcp_is_registered(before));
	assert_true(tcp_is_registered(after));
}

static void assert_kept(const struct run *old, const struct run *new, const char *name)
{
	assert_int_equal(new->outcome.change, CHANGE_KEPT);
	assert_int_equal(new->handles.link_fd, -EBADF);
	assert_int_equal(link_state(old->handles.link_fd), 1);
	assert_false(has_hung_up(old->handles.link_fd));
	assert_true(tcp_is_registered(name));
}

/* Whatever is wrong with the new one: the old one is not touched. */
static void test_failures_keep_the_old_one(void **state)
{
	static const struct {
		const char *text;
		enum verdict verdict;
	} wrong[] = {
		{"[Object]\nPath=nowhere.bpf.o\n", VERDICT_REFUSED},
		{"[Object]\nPath=values.bpf.o\n[Fields]\nflags=x\n", VERDICT_REFUSED},
		{"[Object]\nPath=maps.bpf.o\nMap=imagined\n", VERDICT_NO_TYPE},
		{"[Object]\nPath=maps.bpf.o\nMap=wild\n", VERDICT_REFUSED},
		{"[Object]\nPath=maps.bpf.o\nMap=unfinished\n", VERDICT_REFUSED},
		{"[Object]\nPath=maps.bpf.o\nMap=imagined wild\n", VERDICT_NO_TYPE},
	};
	_run_ struct run old = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &old, NULL, tcp_name(name, "kept"), "");
	assert_attached(&old);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_run_ struct run new = RUN_NULL;

		run_policy(state, &new, &old, "%s", wrong[i].text);
		assert_verdict(&new, wrong[i].verdict, "");
		assert_kept(&old, &new, name);
	}
}

/* The wanted name is a third one's: taking the old one off would be for nothing. */
static void test_third_party_keeps_the_old_one(void **state)
{
	_run_ struct run old = RUN_NULL, third = RUN_NULL, new = RUN_NULL, reno = RUN_NULL;
	char name[TCP_NAME_SIZE], taken[TCP_NAME_SIZE];

	run_named(state, &old, NULL, tcp_name(name, "mine"), "");
	run_named(state, &third, NULL, tcp_name(taken, "his"), "");
	run_named(state, &new, &old, taken, "");
	assert_verdict(&new, VERDICT_BUSY, "is taken by struct_ops link");
	assert_kept(&old, &new, name);
	run_named(state, &reno, &old, "reno", "");
	assert_verdict(&reno, VERDICT_BUSY, "is taken by the kernel itself");
	assert_kept(&old, &reno, name);
}

/* Somebody detached the old one while the new one was loading: then replacing is attaching. */
static void test_replace_what_is_detached(void **state)
{
	_run_ struct run old = RUN_NULL, new = RUN_NULL, failed = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &old, NULL, tcp_name(name, "gone"), "");
	assert_int_equal(link_detach(old.handles.link_fd), 0);
	run_named(state, &new, &old, name, "");
	assert_attached(&new);
	assert_int_equal(new.outcome.change, CHANGE_SWAPPED);
	assert_true(new.handles.link_fd >= 0);

	assert_int_equal(link_detach(new.handles.link_fd), 0);
	run_named(state, &failed, &new, "reno", "");
	assert_verdict(&failed, VERDICT_BUSY, "the name \"reno\" is taken");
	assert_int_equal(failed.outcome.change, CHANGE_KEPT);
	assert_int_equal(link_state(failed.handles.link_fd), 1);
	assert_true(tcp_is_registered(name));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_detach),
		TEST(test_alive),
		TEST(test_closing_detaches),
		TEST(test_wrong_descriptors),
		TEST(test_relink_200_times),
		TEST(test_name_of_the_kernel),
		TEST(test_name_of_another_link),
		TEST(test_name_of_a_map_without_link),
		TEST(test_busy_is_no_reason_for_an_alternative),
		TEST(test_replace_by_update),
		TEST(test_replace_beside),
		TEST(test_failures_keep_the_old_one),
		TEST(test_third_party_keeps_the_old_one),
		TEST(test_replace_what_is_detached),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
