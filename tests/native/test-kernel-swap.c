/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways of attaching that no type of this kernel goes by itself: swaps, death on arrival, maps without a link. */
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "daemon/kernel/attach.h"
#include "daemon/kernel/scx.h"
#include "tests/native/kernel-fixture.h"

static void run_named(void **state, struct run *run, const char *name)
{
	run_policy(state, run, NULL, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n", name);
}

/* An attempt that is driven step by step. */
struct swap {
	struct policy policy;
	struct override name;
	struct object_file *file;
	struct outcome outcome;
	struct attempt attempt;
	struct kernel_handles handles;
};

/* linkless: the map "plain" of maps.bpf.o, registered as a type that refuses links would have it. */
static void swap_setup(struct swap *s, char *object, const char *name, bool linkless)
{
	static char *maps[] = {(char *)"plain", NULL};

	*s = (struct swap){.handles = KERNEL_HANDLES_NULL};
	s->name = (struct override){
		.path = (char *)"name", .value = (char *)name, .file = "swap.policy"};
	s->policy = (struct policy){.object_path = object, .fields = &s->name, .n_fields = 1};
	if (linkless)
		s->policy.maps = maps;
	assert_int_equal(object_file_read(&s->policy, NULL, false, &s->outcome, &s->file), 0);
	s->attempt = (struct attempt){
		.policy = &s->policy,
		.file = s->file,
		.wanted_map = linkless ? maps[0] : NULL,
		.linkless = linkless,
		.outcome = &s->outcome,
	};
	capture_start(&s->attempt.capture);
	assert_int_equal(attempt_open(&s->attempt), 0);
	assert_int_equal(attempt_override_fields(&s->attempt), 0);
	assert_int_equal(attempt_note_name(&s->attempt), 0);
	assert_int_equal(attempt_find_exit(&s->attempt), 0);
	assert_int_equal(attempt_load(&s->attempt), 0);
}

static void swap_done(struct swap *s)
{
	kernel_handles_close(&s->handles);
	attempt_done(&s->attempt);
	object_file_free(s->file);
	outcome_done(&s->outcome);
}

/* So many attaches find the place taken. */
static unsigned n_busy, n_attaches;

struct bpf_link *__real_bpf_map__attach_struct_ops(const struct bpf_map *map);
struct bpf_link *__wrap_bpf_map__attach_struct_ops(const struct bpf_map *map);
struct bpf_link *__wrap_bpf_map__attach_struct_ops(const struct bpf_map *map)
{
	n_attaches++;
	if (n_busy == 0)
		return __real_bpf_map__attach_struct_ops(map);
	n_busy--;
	errno = EBUSY;
	return NULL;
}

/* So many relinks find it taken. */
static unsigned n_busy_relinks;

int __real_bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type type,
			   const struct bpf_link_create_opts *opts);
int __wrap_bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type type,
			   const struct bpf_link_create_opts *opts);
int __wrap_bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type type,
			   const struct bpf_link_create_opts *opts)
{
	if (n_busy_relinks == 0)
		return __real_bpf_link_create(prog_fd, target_fd, type, opts);
	n_busy_relinks--;
	errno = EBUSY;
	return -1;
}

static void test_swap_with_a_gap(void **state)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	_cleanup_(swap_done) struct swap s = {0};
	_run_ struct run old = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &old, tcp_name(name, "swp"));
	swap_setup(&s, path, name, false);
	assert_int_equal(attach_swapping(&s.attempt, &old.handles, &s.handles), 0);
	assert_int_equal(s.outcome.change, CHANGE_SWAPPED);
	assert_true(s.outcome.gap_usec > 0);
	assert_int_equal(link_state(old.handles.link_fd), 0);
	assert_int_equal(link_state(s.handles.link_fd), 1);
	assert_true(tcp_is_registered(name));
}

static void test_swap_that_fails(void **state)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	_cleanup_(swap_done) struct swap s = {0};
	_run_ struct run old = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &old, tcp_name(name, "put"));
	swap_setup(&s, path, "reno", false);
	assert_int_equal(attach_swapping(&s.attempt, &old.handles, &s.handles), -EBADMSG);
	assert_int_equal(s.outcome.change, CHANGE_KEPT);
	assert_int_equal(s.outcome.verdict, VERDICT_BUSY);
	assert_true(s.outcome.gap_usec > 0);
	assert_int_equal(s.handles.map_fd, -EBADF);
	assert_int_equal(link_state(s.handles.link_fd), 1);
	assert_int_not_equal(s.outcome.link_id, old.outcome.link_id);
	assert_true(tcp_is_registered(name));
}

/*
 * The kernel attaches it, but does not run it: as a scheduler would be, of which this kernel has none. So the map is
 * one of TCP, and the files that tell are the test's own.
 */
static void test_dead_on_arrival(void **state)
{
	_cleanup_(freep) char *path = object_path("exit.bpf.o");
	_cleanup_(freep) char *end_file = scratch_path(kernel_scratch(state), "end");
	_cleanup_(swap_done) struct swap s = {0};
	struct outcome *o = &s.outcome;
	char name[TCP_NAME_SIZE], value[2048] = {0};
	uint32_t zero = 0;

	swap_setup(&s, path, tcp_name(name, "doa"), false);
	free(o->type);
	o->type = strdup("sched_ext_ops");
	s.attempt.end_file = end_file;
	scx_set_folder(kernel_scratch(state)->path);
	scratch_text(kernel_scratch(state), "state", "disabled\n");
	scratch_text(kernel_scratch(state), "enable_seq", "3\n");
	strcpy(value + o->exit.reason, "runtime error");
	value[o->exit.kind + 1] = 4; /* 1024 */
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(s.attempt.record_map), &zero, value, BPF_ANY), 0);
	assert_int_equal(attach_fresh(&s.attempt, &s.handles), -EBADMSG);
	assert_int_equal(o->verdict, VERDICT_DEAD);
	assert_int_equal(o->end.kind, 1024);
	assert_non_null(strstr(o->detail, "the kernel does not run it: runtime error (kind 1024)"));
	/* What it left to say is written down; it itself is off. */
	assert_text(o->end_file, end_file);
	assert_int_equal(access(end_file, R_OK), 0);
	assert_int_equal(s.handles.map_fd, -EBADF);
	assert_int_equal(s.handles.link_fd, -EBADF);
	assert_int_not_equal(o->link_id, 0);
	assert_int_equal(bpf_link_get_fd_by_id(o->link_id), -ENOENT);
	assert_false(tcp_is_registered(name));
}

/* A scheduler on its way out is waited for, one that runs is not. This kernel has none: as above. */
static void test_place_that_is_taken(void **state)
{
	static const struct {
		const char *state;
		unsigned attaches;
		enum verdict verdict;
	} cases[] = {
		/* Attached in the end, and the files do not say that it runs. */
		{"disabling\n", 4, VERDICT_DEAD},
		{"enabled\n", 1, VERDICT_TAKEN},
	};
	_cleanup_(freep) char *path = object_path("exit.bpf.o");
	char name[TCP_NAME_SIZE];

	scx_set_folder(kernel_scratch(state)->path);
	scratch_text(kernel_scratch(state), "enable_seq", "3\n");
	scratch_text(kernel_scratch(state), "root/ops", "theirs\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(swap_done) struct swap s = {0};

		swap_setup(&s, path, tcp_name(name, "busy"), false);
		free(s.outcome.type);
		s.outcome.type = strdup("sched_ext_ops");
		scratch_text(kernel_scratch(state), "state", cases[i].state);
		n_busy = 3;
		n_attaches = 0;
		assert_int_equal(attach_fresh(&s.attempt, &s.handles), -EBADMSG);
		assert_int_equal(n_attaches, cases[i].attaches);
		assert_int_equal(s.outcome.verdict, cases[i].verdict);
	}
	n_busy = 0;
}

/* What was put back must not be told dead by the record of the life before. */
static void test_putting_back_clears_the_exit_record(void **state)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	_cleanup_(freep) char *value = NULL;
	_cleanup_(swap_done) struct swap s = {0};
	_run_ struct run old = RUN_NULL;
	struct exit_record end;
	char name[TCP_NAME_SIZE];
	uint32_t zero = 0;

	run_policy(state, &old, NULL, "[Object]\nPath=exit.bpf.o\n[Fields]\nname=%s\n",
		   tcp_name(name, "end"));
	assert_attached(&old);
	value = calloc(1, old.outcome.exit.value_size);
	value[old.outcome.exit.kind] = 64;
	assert_int_equal(bpf_map_update_elem(old.handles.record_fd, &zero, value, BPF_ANY), 0);
	assert_int_equal(kernel_exit_read(&old.handles, &old.outcome, &end), 1);
	swap_setup(&s, path, "reno", false);
	s.attempt.before = &old.outcome;
	assert_int_equal(attach_swapping(&s.attempt, &old.handles, &s.handles), -EBADMSG);
	assert_int_equal(s.outcome.change, CHANGE_KEPT);
	assert_int_equal(kernel_exit_read(&old.handles, &old.outcome, &end), 0);
}

/* The one that failed is still on its way out when the old one is to be put back. This kernel has none: as above. */
static void test_putting_back_waits_for_the_place(void **state)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	_cleanup_(swap_done) struct swap s = {0};
	_run_ struct run old = RUN_NULL;
	char name[TCP_NAME_SIZE];

	scx_set_folder(kernel_scratch(state)->path);
	scratch_text(kernel_scratch(state), "enable_seq", "3\n");
	scratch_text(kernel_scratch(state), "state", "disabling\n");
	run_named(state, &old, tcp_name(name, "back"));
	swap_setup(&s, path, "reno", false);
	free(s.outcome.type);
	s.outcome.type = strdup("sched_ext_ops");
	n_busy_relinks = 3;
	assert_int_equal(attach_swapping(&s.attempt, &old.handles, &s.handles), -EBADMSG);
	assert_int_equal(n_busy_relinks, 0);
	assert_int_equal(s.outcome.change, CHANGE_KEPT);
	assert_int_equal(link_state(s.handles.link_fd), 1);
	assert_true(tcp_is_registered(name));
}

/* A link that the old map got, but that does not do what it did before, is as good as none. */
static void test_putting_back_in_vain(void **state)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	_cleanup_(swap_done) struct swap s = {0};
	_run_ struct run old = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_named(state, &old, tcp_name(name, "vain"));
	assert_attached(&old);
	old.outcome.map_id++;
	swap_setup(&s, path, "reno", false);
	s.attempt.before = &old.outcome;
	assert_int_equal(attach_swapping(&s.attempt, &old.handles, &s.handles), -EBADMSG);
	assert_int_equal(s.outcome.change, CHANGE_LOST);
	assert_int_equal(s.handles.link_fd, -EBADF);
	assert_non_null(strstr(s.outcome.notes.items[0], "another process replaced it"));
	assert_false(tcp_is_registered(name));
}

static void test_swap_that_loses_all(void **state)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	_cleanup_(swap_done) struct swap s = {0};
	_run_ struct run old = RUN_NULL;
	struct kernel_handles lost;
	char name[TCP_NAME_SIZE];

	run_named(state, &old, tcp_name(name, "lost"));
	lost = (struct kernel_handles){.map_fd = -EBADF, .link_fd = old.handles.link_fd};
	swap_setup(&s, path, "reno", false);
	assert_int_equal(attach_swapping(&s.attempt, &lost, &s.handles), -EBADMSG);
	assert_int_equal(s.outcome.change, CHANGE_LOST);
	assert_int_equal(s.handles.link_fd, -EBADF);
	assert_non_null(strstr(s.outcome.notes.items[0], "Nothing is attached"));
	assert_false(tcp_is_registered(name));
}

/* No type of this kernel refuses links, so that way is driven directly too. */
static void test_without_link(void **state)
{
	_cleanup_(freep) char *path = object_path("maps.bpf.o");
	_cleanup_(swap_done) struct swap s = {0};
	_cleanup_(freep) char *why = NULL;
	char name[TCP_NAME_SIZE];
	uint32_t map_id = 0;

	swap_setup(&s, path, tcp_name(name, "nolnk"), true);
	kernel_unregister_later(state, bpf_map__fd(s.attempt.map));
	assert_int_equal(attach_fresh(&s.attempt, &s.handles), 0);
	assert_true(s.outcome.linkless);
	assert_int_equal(s.handles.link_fd, -EBADF);
	assert_int_equal(kernel_alive(&s.handles, &s.outcome, &why), 1);
	assert_int_equal(kernel_state(&s.handles, &map_id), 1);
	assert_int_equal(map_id, s.outcome.map_id);
	assert_true(tcp_is_registered(name));
	assert_int_equal(kernel_detach(&s.handles, NULL, NULL), 0);
	assert_int_equal(kernel_state(&s.handles, NULL), 0);
	assert_int_equal(kernel_alive(&s.handles, &s.outcome, &why), 0);
	assert_non_null(strstr(why, "is not registered any more"));
	assert_int_equal(kernel_detach(&s.handles, NULL, NULL), 0);
	assert_false(tcp_is_registered(name));
}

/* A map without a link cannot be registered a second time: it must not be taken off for nothing. */
static void test_third_party_keeps_one_without_link(void **state)
{
	_cleanup_(freep) char *path = object_path("maps.bpf.o");
	_cleanup_(swap_done) struct swap old = {0}, new = {0};
	char name[TCP_NAME_SIZE];

	swap_setup(&old, path, tcp_name(name, "nlold"), true);
	kernel_unregister_later(state, bpf_map__fd(old.attempt.map));
	assert_int_equal(attach_fresh(&old.attempt, &old.handles), 0);
	swap_setup(&new, path, "reno", true);
	assert_int_equal(attach_replacing(&new.attempt, &old.handles, &new.handles), -EBADMSG);
	assert_int_equal(new.outcome.change, CHANGE_KEPT);
	assert_int_equal(kernel_state(&old.handles, NULL), 1);
	assert_int_equal(kernel_detach(&old.handles, NULL, NULL), 0);
}

/* The same name: off, then on. */
static void test_replace_one_without_link(void **state)
{
	_cleanup_(freep) char *path = object_path("maps.bpf.o");
	_cleanup_(swap_done) struct swap old = {0}, new = {0};
	char name[TCP_NAME_SIZE];

	swap_setup(&old, path, tcp_name(name, "nlrep"), true);
	swap_setup(&new, path, name, true);
	kernel_unregister_later(state, bpf_map__fd(old.attempt.map));
	kernel_unregister_later(state, bpf_map__fd(new.attempt.map));
	assert_int_equal(attach_fresh(&old.attempt, &old.handles), 0);
	assert_int_equal(attach_replacing(&new.attempt, &old.handles, &new.handles), 0);
	assert_int_equal(new.outcome.change, CHANGE_SWAPPED);
	assert_int_equal(kernel_state(&old.handles, NULL), 0);
	assert_int_equal(kernel_state(&new.handles, NULL), 1);
	assert_int_equal(kernel_detach(&new.handles, NULL, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_swap_with_a_gap),
		TEST(test_swap_that_fails),
		TEST(test_dead_on_arrival),
		TEST(test_place_that_is_taken),
		TEST(test_putting_back_clears_the_exit_record),
		TEST(test_putting_back_waits_for_the_place),
		TEST(test_putting_back_in_vain),
		TEST(test_swap_that_loses_all),
		TEST(test_without_link),
		TEST(test_third_party_keeps_one_without_link),
		TEST(test_replace_one_without_link),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
