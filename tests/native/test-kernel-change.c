/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes that fail half way. The linker puts this file's functions between the kernel floor and what it calls
 * (--wrap, see meson.build), so each call that a change consists of can be refused: the first of its kind, the second …
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <limits.h>

#include "common/sentence.h"
#include "daemon/kernel/map-value.h"
#include "tests/native/kernel-fixture.h"

enum call {
	CALL_FILL,
	CALL_UPDATE,
	CALL_ATTACH,
	CALL_LINK,
	CALL_DETACH,
	CALL_LINK_INFO,
	CALL_MAP_INFO,
	CALL_DUP,
	CALL_SENTENCE, /* there is no memory for it */
	_CALL_MAX,
};
static const char *const call_names[_CALL_MAX] = {
	"fill", "update", "attach", "link", "detach", "link info", "map info", "dup", "sentence"};

/* Which of them fail, counted from 1; 0: none. */
struct fault {
	unsigned first, last;
	int error;
};
static struct {
	bool active;
	struct fault faults[_CALL_MAX];
	unsigned seen[_CALL_MAX];
} injected;

static bool fails(enum call call)
{
	const struct fault *f = &injected.faults[call];
	unsigned n;

	if (!injected.active)
		return false;
	n = ++injected.seen[call];
	if (f->first == 0 || n < f->first || n > f->last)
		return false;
	errno = f->error;
	return true;
}

#define WRAPPED(call, type, name, parameters, arguments)               \
	type __real_##name parameters;                                 \
	type __wrap_##name parameters;                                 \
	type __wrap_##name parameters                                  \
	{                                                              \
		return fails(call) ? -errno : __real_##name arguments; \
	}
WRAPPED(CALL_FILL, int, bpf_map_update_elem,
	(int fd, const void *key, const void *value, __u64 flags), (fd, key, value, flags))
WRAPPED(CALL_UPDATE, int, bpf_link_update,
	(int fd, int map_fd, const struct bpf_link_update_opts *options), (fd, map_fd, options))
WRAPPED(CALL_LINK, int, bpf_link_create,
	(int fd, int target, enum bpf_attach_type type, const struct bpf_link_create_opts *options),
	(fd, target, type, options))
WRAPPED(CALL_DETACH, int, bpf_link_detach, (int fd), (fd))
WRAPPED(CALL_LINK_INFO, int, bpf_link_get_info_by_fd,
	(int fd, struct bpf_link_info *info, __u32 *size), (fd, info, size))
WRAPPED(CALL_MAP_INFO, int, bpf_map_get_info_by_fd,
	(int fd, struct bpf_map_info *info, __u32 *size), (fd, info, size))

struct bpf_link *__real_bpf_map__attach_struct_ops(const struct bpf_map *map);
struct bpf_link *__wrap_bpf_map__attach_struct_ops(const struct bpf_map *map);
struct bpf_link *__wrap_bpf_map__attach_struct_ops(const struct bpf_map *map)
{
	return fails(CALL_ATTACH) ? NULL : __real_bpf_map__attach_struct_ops(map);
}

/* The floor only dups with it. */
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...)
{
	return fails(CALL_DUP) ? -1 : __real_fcntl64(fd, command, 3);
}

char *__real_sentence_va(const char *format, va_list args);
char *__wrap_sentence_va(const char *format, va_list args);
char *__wrap_sentence_va(const char *format, va_list args)
{
	return fails(CALL_SENTENCE) ? NULL : __real_sentence_va(format, args);
}

static void inject(enum call call, unsigned first, unsigned last, int error)
{
	injected.faults[call] = (struct fault){first, last, error};
}

#define ALWAYS 1, UINT_MAX

/* The ways a change can go. On this kernel only one type has links, and it can be updated: a swap takes a refusal. */
enum way {
	WAY_UPDATE,
	WAY_BESIDE,
	WAY_SWAP,
	_WAY_MAX,
};
static const char *const way_names[_WAY_MAX] = {"update", "beside", "swap"};

struct trial {
	struct run old, new;
	char before[TCP_NAME_SIZE], after[TCP_NAME_SIZE];
	int result; /* of kernel_attach() */
};

static void trial_done(struct trial *c)
{
	injected.active = false;
	run_done(&c->old);
	run_done(&c->new);
}

/* As run_policy(), under whatever is injected. */
static void trial_run(void **state, struct trial *c, enum way way)
{
	char *folders[] = {getenv("TEST_OBJECTS"), kernel_scratch(state)->path, NULL};
	struct override name = {.path = (char *)"name", .value = c->after, .file = "change.policy"};
	struct policy policy = {
		.object_path = (char *)"values.bpf.o", .fields = &name, .n_fields = 1};
	struct kernel_job job = {.policy = &policy,
				 .object_path = folders,
				 .old = &c->old.handles,
				 .before = &c->old.outcome};

	*c = (struct trial){.old = RUN_NULL, .new = RUN_NULL};
	tcp_name(c->before, "old");
	tcp_name(c->after, way == WAY_BESIDE ? "new" : "old");
	if (way == WAY_SWAP)
		inject(CALL_UPDATE, ALWAYS, EOPNOTSUPP);
	run_policy(state, &c->old, NULL, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n",
		   c->before);
	assert_attached(&c->old);
	memset(injected.seen, 0, sizeof(injected.seen));
	injected.active = true;
	c->result = kernel_attach(&job, &c->new.outcome, &c->new.handles);
	injected.active = false;
}

static unsigned links_with(uint32_t map_id)
{
	uint32_t id = 0;
	unsigned n = 0;

	while (map_id && bpf_link_get_next_id(id, &id) == 0) {
		_cleanup_(closep) int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info = {0};
		uint32_t size = sizeof(info);

		n += fd >= 0 && bpf_link_get_info_by_fd(fd, &info, &size) == 0 &&
		     info.type == BPF_LINK_TYPE_STRUCT_OPS && info.struct_ops.map_id == map_id;
	}
	return n;
}

static void assert_new_runs(struct trial *c)
{
	bool updated = c->new.outcome.change == CHANGE_UPDATED;

	assert_int_equal(link_state(updated ? c->old.handles.link_fd : c->new.handles.link_fd), 1);
	assert_true(tcp_is_registered(c->after));
	/* The daemon lets go of it then, which ends what could not be taken off. */
	if (!updated)
		c->old.handles.link_fd = safe_close(c->old.handles.link_fd);
	assert_int_equal(links_with(c->new.outcome.map_id), 1);
	assert_int_equal(links_with(c->old.outcome.map_id), 0);
}

static void assert_old_runs(const struct trial *c)
{
	bool relinked = c->new.handles.link_fd >= 0;

	assert_int_equal(link_state(relinked ? c->new.handles.link_fd : c->old.handles.link_fd), 1);
	assert_int_equal(links_with(c->old.outcome.map_id), 1);
	assert_int_equal(links_with(c->new.outcome.map_id), 0);
	assert_int_equal(c->new.handles.map_fd, -EBADF);
	assert_true(tcp_is_registered(c->before));
}

/* The daemon lets go of everything then. */
static void assert_nothing_runs(struct trial *c)
{
	assert_int_equal(c->new.handles.link_fd, -EBADF);
	c->old.handles.link_fd = safe_close(c->old.handles.link_fd);
	assert_int_equal(links_with(c->old.outcome.map_id), 0);
	assert_int_equal(links_with(c->new.outcome.map_id), 0);
}

/* Whatever failed: what is said is what is, and nothing is attached twice. */
static void assert_truth(struct trial *c)
{
	const struct outcome *o = &c->new.outcome;

	if (c->result == -ENOMEM) {
		assert_old_runs(c);
	} else if (o->verdict == VERDICT_ATTACHED) {
		assert_new_runs(c);
	} else {
		assert_int_equal(c->result, 0);
		assert_true(o->detail || o->error == ENOMEM);
		if (o->change == CHANGE_LOST)
			assert_nothing_runs(c);
		else
			assert_old_runs(c);
	}
}

static void assert_map_has_gone(uint32_t map_id)
{
	int fd = map_id ? bpf_map_get_fd_by_id(map_id) : -ENOENT;

	assert_int_equal(fd, -ENOENT);
}

/* One change with the n-th call refused, and all after it. False: it took fewer calls of that kind. */
static bool sweep_once(void **state, enum way way, enum call call, unsigned n, unsigned last)
{
	_cleanup_(trial_done) struct trial c;
	uint32_t map_id;

	memset(&injected, 0, sizeof(injected));
	inject(call, n, last, EIO);
	trial_run(state, &c, way);
	assert_truth(&c);
	map_id = c.new.outcome.map_id;
	trial_done(&c);
	assert_map_has_gone(map_id);
	return injected.seen[call] >= n;
}

/* Looking for who is in the way asks again and again: more of that tells nothing new. */
#define PLACES_MAX 12

static void sweep(void **state, enum way way)
{
	/* Without an error there is no sentence. */
	for (enum call call = 0; call < CALL_SENTENCE; call++) {
		unsigned n = 1;

		/* Of a swap that is what makes it one. */
		if (way == WAY_SWAP && call == CALL_UPDATE)
			continue;
		while (n <= PLACES_MAX && sweep_once(state, way, call, n, n) &&
		       sweep_once(state, way, call, n, UINT_MAX))
			n++;
		print_message("%s: %s refused in %u places\n", way_names[way], call_names[call],
			      n - 1);
	}
}

static void test_update_fails_anywhere(void **state)
{
	sweep(state, WAY_UPDATE);
}

static void test_beside_fails_anywhere(void **state)
{
	sweep(state, WAY_BESIDE);
}

static void test_swap_fails_anywhere(void **state)
{
	sweep(state, WAY_SWAP);
}

static int setup(void **state)
{
	memset(&injected, 0, sizeof(injected));
	return kernel_setup(state);
}

/* A live update is the first thing that is tried: nothing is attached beside, and the link stays. */
static void test_update_comes_first(void **state)
{
	_cleanup_(trial_done) struct trial c;

	trial_run(state, &c, WAY_UPDATE);
	assert_int_equal(c.new.outcome.change, CHANGE_UPDATED);
	assert_int_equal(injected.seen[CALL_FILL], 1);
	assert_int_equal(injected.seen[CALL_UPDATE], 1);
	assert_int_equal(injected.seen[CALL_ATTACH], 0);
	assert_int_equal(injected.seen[CALL_DETACH], 0);
}

static void test_ways(void **state)
{
	for (enum way way = WAY_BESIDE; way < _WAY_MAX; way++) {
		_cleanup_(trial_done) struct trial c;

		trial_run(state, &c, way);
		assert_int_equal(c.new.outcome.change, CHANGE_SWAPPED);
		assert_int_equal(c.new.outcome.gap_usec > 0, way == WAY_SWAP);
		assert_new_runs(&c);
	}
}

/* By their names: two loads of one object have programs of their own. */
static void assert_same_program(uint64_t a, uint64_t b)
{
	const uint64_t ids[] = {a, b};
	char names[2][BPF_OBJ_NAME_LEN];

	for (size_t i = 0; i < 2; i++) {
		_cleanup_(closep) int fd = bpf_prog_get_fd_by_id((uint32_t)ids[i]);
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		assert_true(fd >= 0);
		assert_int_equal(bpf_prog_get_info_by_fd(fd, &info, &size), 0);
		memcpy(names[i], info.name, sizeof(info.name));
	}
	assert_string_equal(names[0], names[1]);
}

/* Of the value's words behind its head, how many are programs; all others are the same. */
static unsigned assert_same_value(int one_fd, int other_fd)
{
	_cleanup_(freep) char *one = NULL, *other = NULL;
	struct bpf_map_info info;
	unsigned n_programs = 0;

	assert_int_equal(map_info(one_fd, &info), 0);
	assert_int_equal(map_value(one_fd, &info, &one), 0);
	assert_int_equal(map_value(other_fd, &info, &other), 0);
	for (size_t i = sizeof(struct map_head); i < info.value_size; i += sizeof(uint64_t)) {
		uint64_t a, b;

		memcpy(&a, one + i, sizeof(a));
		memcpy(&b, other + i, sizeof(b));
		if (a == b)
			continue;
		assert_same_program(a, b);
		n_programs++;
	}
	return n_programs;
}

/* The first of each is filled by libbpf, on the way to its link; the second by fill.c, for the update. */
static void test_filled_as_libbpf_does(void **state)
{
	_cleanup_(freep) char *aimd = sentence("%s/tcp_aimd.bpf.o", getenv("SHIPPED_OBJECTS"));
	const struct {
		const char *path, *map, *fields;
		unsigned n_programs;
	} cases[] = {
		{"values.bpf.o", "values", "flags = 0x3", 4},
		{"values.bpf.o", "values", "cong_avoid = other_cong_avoid\ninit =", 3},
		{"maps.bpf.o", "plain", "", 3},
		/* Its own struct, in another order, with members that this kernel does not have. */
		{"maps.bpf.o", "future", "knob = 0", 3},
		{aimd, "aimd", "", 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const char text[] = "[Object]\nPath=%s\nMap=%s\n[Fields]\nname=%s\n%s\n";
		_run_ struct run old = RUN_NULL, new = RUN_NULL;
		char name[TCP_NAME_SIZE];

		run_policy(state, &old, NULL, text, cases[i].path, cases[i].map,
			   tcp_name(name, "same"), cases[i].fields);
		assert_attached(&old);
		run_policy(state, &new, &old, text, cases[i].path, cases[i].map, name,
			   cases[i].fields);
		assert_attached(&new);
		assert_int_equal(new.outcome.change, CHANGE_UPDATED);
		assert_true(assert_same_value(old.handles.map_fd, new.handles.map_fd) >=
			    cases[i].n_programs);
	}
}

static void assert_kept_on_the_same_link(const struct trial *c, const char *detail)
{
	assert_int_equal(c->new.outcome.change, CHANGE_KEPT);
	assert_verdict(&c->new, c->new.outcome.verdict, detail);
	assert_int_equal(c->new.handles.link_fd, -EBADF);
	assert_old_runs(c);
}

/* What the kernel refuses to fill is found out while the old one is on still, whichever way would be taken. */
static void test_refused_value(void **state)
{
	for (enum way way = 0; way < _WAY_MAX; way++) {
		_cleanup_(trial_done) struct trial c;

		inject(CALL_FILL, ALWAYS, EINVAL);
		trial_run(state, &c, way);
		assert_kept_on_the_same_link(&c, "the kernel refuses the values of map \"values\"");
		assert_int_equal(injected.seen[CALL_DETACH], 0);
	}
}

/* Updated, and then not to be believed: the link gets its old map back. */
static void test_updated_back(void **state)
{
	_cleanup_(trial_done) struct trial c;

	/* The first asks whether the old one is on. */
	inject(CALL_LINK_INFO, 2, 2, EIO);
	trial_run(state, &c, WAY_UPDATE);
	assert_int_equal(injected.seen[CALL_UPDATE], 2);
	assert_kept_on_the_same_link(&c, "the new link of map \"values\" cannot be examined");
}

/* … or, if not even that works, the old map gets another link. */
static void test_updated_back_in_vain(void **state)
{
	_cleanup_(trial_done) struct trial c;

	inject(CALL_LINK_INFO, 2, 2, EIO);
	inject(CALL_UPDATE, 2, 2, EIO);
	trial_run(state, &c, WAY_UPDATE);
	assert_int_equal(c.new.outcome.change, CHANGE_KEPT);
	assert_int_equal(link_state(c.old.handles.link_fd), 0);
	assert_true(c.new.handles.link_fd >= 0);
	assert_old_runs(&c);
}

/* Nothing can be said any more, but what was off is on again. */
static void test_swap_without_memory(void **state)
{
	_cleanup_(trial_done) struct trial c;

	inject(CALL_ATTACH, 2, 2, EIO);
	inject(CALL_SENTENCE, ALWAYS, 0);
	trial_run(state, &c, WAY_SWAP);
	assert_int_equal(c.result, 0);
	assert_int_equal(c.new.outcome.change, CHANGE_KEPT);
	assert_int_equal(c.new.outcome.verdict, VERDICT_BUSY);
	assert_int_equal(c.new.outcome.error, ENOMEM);
	assert_old_runs(&c);
}

static void test_swap_lost(void **state)
{
	_cleanup_(trial_done) struct trial c;

	inject(CALL_ATTACH, 2, 2, EIO);
	inject(CALL_LINK, ALWAYS, EBUSY);
	trial_run(state, &c, WAY_SWAP);
	assert_int_equal(c.new.outcome.change, CHANGE_LOST);
	assert_note(&c.new, "could not be attached again: Device or resource busy");
	assert_nothing_runs(&c);
}

/* The old one goes with its last descriptor then, and it is said. */
static void test_beside_cannot_take_off(void **state)
{
	_cleanup_(trial_done) struct trial c;

	inject(CALL_DETACH, ALWAYS, EPERM);
	trial_run(state, &c, WAY_BESIDE);
	assert_int_equal(c.new.outcome.verdict, VERDICT_ATTACHED);
	assert_note(&c.new, "could not be taken off (Operation not permitted)");
	assert_int_equal(links_with(c.old.outcome.map_id), 1);
	assert_new_runs(&c);
}

/* Whoever loads values.bpf.o under that name and gives its map to the link. */
static void replace_from_outside(void **state, int link_fd, const char *name)
{
	_cleanup_(freep) char *path = object_path("values.bpf.o");
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;
	size_t size;

	assert_non_null(object);
	map = bpf_object__find_map_by_name(object, "values");
	/* Behind the four operators of tests/bpf/tcp.h. */
	snprintf((char *)bpf_map__initial_value(map, &size) + 4 * sizeof(void *), TCP_NAME_SIZE,
		 "%s", name);
	for (struct bpf_program *p = NULL; (p = bpf_object__next_program(object, p));)
		if (strncmp(bpf_program__name(p), "other_", 6) == 0)
			bpf_program__set_autoload(p, false);
	assert_int_equal(bpf_object__load(object), 0);
	/* The name is taken, but the map is filled. */
	assert_null(bpf_map__attach_struct_ops(map));
	assert_int_equal(bpf_link_update(link_fd, bpf_map__fd(map), NULL), 0);
	bpf_object__close(object);
}

/* Another process has given the link a map of its own, which is not overwritten without a word. */
static void test_foreign_replacement(void **state)
{
	_run_ struct run old = RUN_NULL, new = RUN_NULL;
	uint32_t foreign = 0, map_id = 0;
	char name[TCP_NAME_SIZE];

	run_policy(state, &old, NULL, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n",
		   tcp_name(name, "for"));
	assert_attached(&old);
	replace_from_outside(state, old.handles.link_fd, name);
	assert_int_equal(kernel_state(&old.handles, &foreign), 1);
	assert_int_not_equal(foreign, old.outcome.map_id);
	run_policy(state, &new, &old, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n", name);
	assert_verdict(&new, VERDICT_BUSY, "another process replaced that with bpf_link_update");
	assert_int_equal(new.outcome.change, CHANGE_KEPT);
	assert_int_equal(kernel_state(&old.handles, &map_id), 1);
	assert_int_equal(map_id, foreign);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_update_comes_first),     TEST(test_ways),
		TEST(test_filled_as_libbpf_does),  TEST(test_refused_value),
		TEST(test_updated_back),           TEST(test_updated_back_in_vain),
		TEST(test_swap_without_memory),    TEST(test_swap_lost),
		TEST(test_beside_cannot_take_off), TEST(test_foreign_replacement),
		TEST(test_update_fails_anywhere),  TEST(test_beside_fails_anywhere),
		TEST(test_swap_fails_anywhere),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
