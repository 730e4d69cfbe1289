/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sched_ext on kernels without it: an object is prepared for a kernel whose BTF the test has made, and the files that
 * tell whether a scheduler runs are the test's own. What only a real scheduler can show is shown in the VM.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "daemon/kernel/attach.h"
#include "daemon/kernel/scx.h"
#include "daemon/kernel/types.h"
#include "tests/native/kernel-fixture.h"

#define SLICE_DFL 20000000
#define DSQ_GLOBAL 0x8000000000000001

/* As the kernel's: without the members "foresee" and "knob" that the object has. */
static struct btf *kernel_of_the_test(void)
{
	struct btf *btf = btf__new_empty();
	int u64, u32, character, text;

	assert_non_null(btf);
	u64 = btf__add_int(btf, "unsigned long long", 8, 0);
	u32 = btf__add_int(btf, "unsigned int", 4, 0);
	character = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	text = btf__add_array(btf, u32, character, 128);
	assert_true(btf__add_enum64(btf, "scx_public_consts", 8, false) > 0);
	assert_int_equal(btf__add_enum64_value(btf, "SCX_SLICE_DFL", SLICE_DFL), 0);
	assert_int_equal(btf__add_enum64_value(btf, "SCX_SLICE_INF", UINT64_MAX), 0);
	assert_int_equal(btf__add_enum64_value(btf, "SCX_NARROW", 1), 0);
	assert_true(btf__add_enum64(btf, "scx_dsq_id_flags", 8, false) > 0);
	assert_int_equal(btf__add_enum64_value(btf, "SCX_DSQ_GLOBAL", DSQ_GLOBAL), 0);
	assert_true(btf__add_struct(btf, "sched_ext_ops", 168) > 0);
	assert_int_equal(btf__add_field(btf, "flags", u64, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "enqueue", u64, 64, 0), 0);
	assert_int_equal(btf__add_field(btf, "hotplug_seq", u64, 128, 0), 0);
	assert_int_equal(btf__add_field(btf, "exit_dump_len", u32, 192, 0), 0);
	assert_int_equal(btf__add_field(btf, "sub_cgroup_id", u64, 256, 0), 0);
	assert_int_equal(btf__add_field(btf, "name", text, 320, 0), 0);
	return btf;
}

/* An object that is opened and prepared, never loaded. */
struct prepared {
	struct policy *policy;
	struct object_file *file;
	struct outcome outcome;
	struct attempt attempt;
};
#define _prepared_ _cleanup_(prepared_done)

static void prepared_done(struct prepared *p)
{
	attempt_done(&p->attempt);
	object_file_free(p->file);
	policy_free(p->policy);
	outcome_done(&p->outcome);
}

static void prepare(struct prepared *p, const char *overrides)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(freep) char *text = NULL;
	char *folders[] = {getenv("TEST_OBJECTS"), NULL};
	struct policy_source source = {.path = (char *)"test.policy"};

	*p = (struct prepared){0};
	assert_true(asprintf(&text, "[Object]\nPath=scx.bpf.o\n%s", overrides) > 0);
	source.text = text;
	source.length = strlen(text);
	assert_int_equal(policy_parse("test", &source, 1, &p->policy, &messages), 0);
	assert_int_equal(object_file_read(p->policy, folders, false, &p->outcome, &p->file), 0);
	p->attempt = (struct attempt){.policy = p->policy, .file = p->file, .outcome = &p->outcome};
	capture_start(&p->attempt.capture);
	assert_int_equal(attempt_open(&p->attempt), 0);
	p->attempt.enumerators.kernel = kernel_of_the_test();
	p->attempt.enumerators.kernel_tried = true;
	assert_int_equal(attempt_prepare_type(&p->attempt), 0);
	assert_int_equal(attempt_override_fields(&p->attempt), 0);
	assert_int_equal(attempt_override_globals(&p->attempt), 0);
	assert_int_equal(attempt_note_name(&p->attempt), 0);
}

static uint64_t global(const struct prepared *p, const char *name)
{
	uint64_t number = 0;
	struct bpf_map *map = bpf_object__find_map_by_name(p->attempt.object, ".rodata");
	int id = btf__find_by_name_kind(p->attempt.btf, name, BTF_KIND_VAR);
	int section = btf__find_by_name_kind(p->attempt.btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *t = btf__type_by_id(p->attempt.btf, (uint32_t)section);
	size_t size;
	const char *image = bpf_map__initial_value(map, &size);

	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(t)[i];

		if ((int)info->type != id)
			continue;
		memcpy(&number, image + info->offset, info->size);
		return number;
	}
	fail_msg("no global %s", name);
	return 0;
}

static uint64_t member(const struct prepared *p, const char *name, size_t size)
{
	uint64_t number = 0;

	assert_true(attempt_member(&p->attempt, name, &number, size));
	return number;
}

static bool is_loaded(const struct prepared *p, const char *program)
{
	return bpf_program__autoload(bpf_object__find_program_by_name(p->attempt.object, program));
}

/* sched_ext's files; a NULL leaves the file as it is. */
static void write_files(void **state, const char *scheduler_state, const char *ops,
			const char *enable_seq)
{
	struct scratch *s = kernel_scratch(state);

	scx_set_folder(s->path);
	if (scheduler_state)
		scratch_text(s, "state", scheduler_state);
	if (ops)
		scratch_text(s, "root/ops", ops);
	if (enable_seq)
		scratch_text(s, "enable_seq", enable_seq);
}

static void test_prepare(void **state)
{
	_prepared_ struct prepared p;

	scx_set_folder(kernel_scratch(state)->path);
	scratch_text(kernel_scratch(state), "hotplug_seq", "41\n");
	prepare(&p, "");
	assert_int_equal(global(&p, "__SCX_SLICE_DFL"), SLICE_DFL);
	assert_true(global(&p, "__SCX_DSQ_GLOBAL") == DSQ_GLOBAL);
	/* Not in this kernel; not 64 bits wide; not of the convention. */
	assert_int_equal(global(&p, "__SCX_OF_ANOTHER_KERNEL"), 0);
	assert_int_equal(global(&p, "__SCX_NARROW"), 0);
	assert_int_equal(global(&p, "SCX_SLICE_INF"), 0);
	assert_int_equal(member(&p, "hotplug_seq", 8), 41);
	assert_int_equal(member(&p, "flags", 8), 1);
	/* This kernel's struct does not have these. */
	assert_int_equal(member(&p, "knob", 4), 0);
	assert_int_equal(member(&p, "foresee", 8), 0);
	assert_false(is_loaded(&p, "foresee"));
	assert_int_not_equal(member(&p, "enqueue", 8), 0);
	assert_true(is_loaded(&p, "enqueue"));
	assert_string_equal(p.outcome.ops_name, "t_fifo");
	assert_string_equal(p.outcome.slot, "sched_ext_ops");
}

/* What it asks for and this kernel lacks is left for libbpf to refuse, with the member's name. */
static void test_policy_has_the_last_word(void **state)
{
	_prepared_ struct prepared p;

	scx_set_folder(kernel_scratch(state)->path);
	scratch_text(kernel_scratch(state), "hotplug_seq", "41\n");
	prepare(&p, "[Fields]\nhotplug_seq=1\nknob=3\nname=t_other\nsub_cgroup_id=4711\n"
		    "[Globals]\n__SCX_SLICE_DFL=5\n");
	assert_int_equal(global(&p, "__SCX_SLICE_DFL"), 5);
	assert_int_equal(member(&p, "hotplug_seq", 8), 1);
	assert_int_equal(member(&p, "knob", 4), 3);
	assert_string_equal(p.outcome.ops_name, "t_other");
	assert_string_equal(p.outcome.slot, "sched_ext_ops sub-4711");
}

static void test_prepare_without_hotplug_seq(void **state)
{
	_prepared_ struct prepared p;

	scx_set_folder(kernel_scratch(state)->path);
	prepare(&p, "");
	assert_int_equal(member(&p, "hotplug_seq", 8), 0);
}

static void test_alive(void **state)
{
	static const struct {
		const char *state, *ops, *enable_seq; /* NULL: as before */
		const char *why;                      /* NULL: alive */
	} rows[] = {
		{"enabled\n", "t_fifo\n", "3\n", NULL},
		{"disabling\n", NULL, NULL, "sched_ext is \"disabling\""},
		{"disabled\n", NULL, NULL, "no BPF scheduler runs"},
		{"enabled\n", "t_fif\n", NULL,
		 "the scheduler that runs is \"t_fif\", not \"t_fifo\""},
		{NULL, "t_fifo2\n", NULL, "is \"t_fifo2\", not"},
		{NULL, "t_fifo\n", "4\n", "another scheduler was enabled since"},
		{NULL, NULL, "3\n", NULL},
	};
	const struct kernel_handles h = KERNEL_HANDLES_NULL;
	struct outcome o = {
		.ops_name = (char *)"t_fifo",
		.device = (char *)"/kernel/sched_ext/root",
		.enable_seq = 3,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *why = NULL;

		write_files(state, rows[i].state, rows[i].ops, rows[i].enable_seq);
		assert_int_equal(scx_alive(&h, &o, &why), rows[i].why ? 0 : 1);
		if (rows[i].why && !strstr(why, rows[i].why))
			fail_msg("row %zu: %s", i, why);
	}
}

static void test_alive_sub_scheduler(void **state)
{
	_cleanup_(freep) char *why = NULL;
	const struct kernel_handles h = KERNEL_HANDLES_NULL;
	struct outcome o = {
		.ops_name = (char *)"t_sub",
		.device = (char *)"/kernel/sched_ext/root/sub/sub-7",
		.enable_seq = 3,
	};

	write_files(state, "enabled\n", "t_fifo\n", "3\n");
	assert_int_equal(scx_alive(&h, &o, &why), 0);
	assert_non_null(strstr(why, "root/sub/sub-7 is not there"));
	scratch_text(kernel_scratch(state), "root/sub/sub-7/ops", "t_sub\n");
	free(TAKE_PTR(why));
	assert_int_equal(scx_alive(&h, &o, &why), 1);
}

/* A map that holds nothing but a record: its kind, and 24 bytes of reason. */
static int record_map(struct outcome *o, int32_t kind, const char *reason)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "t_record", 4, 28, 1, NULL);
	char value[28] = {0};
	uint32_t zero = 0;

	assert_true(fd >= 0);
	memcpy(value, &kind, sizeof(kind));
	memcpy(value + 4, reason, strlen(reason));
	assert_int_equal(bpf_map_update_elem(fd, &zero, value, BPF_ANY), 0);
	o->exit = (struct exit_layout){
		.value_size = 28, .code = EXIT_OFFSET_NONE, .reason = 4, .reason_size = 24};
	return fd;
}

/* The record knows why; the files may not have got that far. */
static void test_record_tells_first(void **state)
{
	_cleanup_(kernel_handles_close) struct kernel_handles h = KERNEL_HANDLES_NULL;
	_cleanup_(freep) char *why = NULL;
	struct outcome o = {
		.ops_name = (char *)"t_fifo",
		.device = (char *)"/kernel/sched_ext/root",
		.enable_seq = 3,
	};

	write_files(state, "enabled\n", "t_fifo\n", "3\n");
	h.record_fd = record_map(&o, 1025, "scx_bpf_error");
	assert_int_equal(scx_alive(&h, &o, &why), 0);
	assert_string_equal(why, "scx_bpf_error (kind 1025)");
}

/* On its way out, with a record that is still empty: nobody knows yet what its end asks for. */
static void test_record_is_waited_for(void **state)
{
	_cleanup_(kernel_handles_close) struct kernel_handles h = KERNEL_HANDLES_NULL;
	_cleanup_(freep) char *why = NULL;
	struct outcome o = {
		.ops_name = (char *)"t_fifo",
		.device = (char *)"/kernel/sched_ext/root",
		.enable_seq = 3,
	};

	write_files(state, "disabling\n", "t_fifo\n", "3\n");
	h.record_fd = record_map(&o, 0, "");
	assert_int_equal(scx_alive(&h, &o, &why), 2);
	assert_non_null(strstr(why, "the kernel is disabling it"));
	free(TAKE_PTR(why));
	write_files(state, "disabled\n", NULL, NULL);
	assert_int_equal(scx_alive(&h, &o, &why), 0);
}

static void test_after_attach(void **state)
{
	const struct kernel_handles h = KERNEL_HANDLES_NULL;
	_prepared_ struct prepared p;

	write_files(state, "enabled\n", "t_fifo\n", "3\n");
	prepare(&p, "");
	p.attempt.enable_seq_before = 2;
	p.outcome.enable_seq = scx_enable_seq();
	assert_int_equal(scx_after_attach(&p.attempt, &h), 0);
	assert_string_equal(p.outcome.device, "/kernel/sched_ext/root");
	assert_int_equal(p.outcome.enable_seq, 3);
	assert_null(p.outcome.detail);
}

/* Another scheduler of that name runs; ours never did. */
static void test_never_enabled(void **state)
{
	const struct kernel_handles h = KERNEL_HANDLES_NULL;
	_prepared_ struct prepared p;

	write_files(state, "enabled\n", "t_fifo\n", "3\n");
	prepare(&p, "");
	p.attempt.enable_seq_before = p.outcome.enable_seq = 3;
	assert_int_equal(scx_after_attach(&p.attempt, &h), -EBADMSG);
	assert_int_equal(p.outcome.verdict, VERDICT_DEAD);
	assert_non_null(
		strstr(p.outcome.detail, "the kernel does not run it: it was never enabled"));
	assert_int_equal(p.outcome.end.kind, 0);
}

static void test_dead_on_arrival(void **state)
{
	_cleanup_(kernel_handles_close) struct kernel_handles h = KERNEL_HANDLES_NULL;
	_prepared_ struct prepared p;

	write_files(state, "disabled\n", NULL, "3\n");
	prepare(&p, "");
	h.record_fd = record_map(&p.outcome, 1024, "runtime error");
	p.attempt.enable_seq_before = p.outcome.enable_seq = 3;
	assert_int_equal(scx_after_attach(&p.attempt, &h), -EBADMSG);
	assert_int_equal(p.outcome.verdict, VERDICT_DEAD);
	assert_int_equal(p.outcome.end.kind, 1024);
	assert_string_equal(p.outcome.detail,
			    "map \"fifo\" (sched_ext_ops) was attached, but the kernel does not "
			    "run it: runtime error (kind 1024)");
}

/* A sub-scheduler of a sub-scheduler stands below its parent, and the root's counter says nothing of it. */
static void test_sub_schedulers(void **state)
{
	const struct kernel_handles h = KERNEL_HANDLES_NULL;
	_prepared_ struct prepared p;

	write_files(state, "enabled\n", "t_root\n", "3\n");
	scratch_text(kernel_scratch(state), "root/sub/sub-5/ops", "t_parent\n");
	scratch_text(kernel_scratch(state), "root/sub/sub-5/sub/sub-4711/ops", "t_fifo\n");
	prepare(&p, "[Fields]\nsub_cgroup_id=4711\n");
	p.attempt.enable_seq_before = p.outcome.enable_seq = 3;
	assert_int_equal(scx_after_attach(&p.attempt, &h), 0);
	assert_string_equal(p.outcome.device, "/kernel/sched_ext/root/sub/sub-5/sub/sub-4711");
}

static void test_place_holder(void **state)
{
	_cleanup_(freep) char *name = NULL;
	_prepared_ struct prepared p;

	write_files(state, "disabling\n", "t_other\n", "3\n");
	prepare(&p, "");
	assert_int_equal(scx_place_holder(&p.attempt, &name), 0);
	write_files(state, "enabled\n", NULL, NULL);
	assert_int_equal(scx_place_holder(&p.attempt, &name), 1);
	assert_string_equal(name, "t_other");
	/* By name: whoever it is here, no struct_ops map of this kernel runs it. */
	assert_int_equal(attach_explain(&p.attempt, -EBUSY), -EBADMSG);
	assert_int_equal(p.outcome.verdict, VERDICT_TAKEN);
	assert_string_equal(p.outcome.detail,
			    "sched_ext_ops takes one attachment at a time, and \"t_other\" has the "
			    "place, attached by somebody who cannot be seen");
}

static void assert_uevent_place(const char *devpath, const char *subsystem, const char *wanted)
{
	const struct uevent e = {.action = "remove", .devpath = devpath, .subsystem = subsystem};
	_cleanup_(freep) char *place = kernel_uevent_place(&e);

	if (wanted)
		assert_string_equal(place, wanted);
	else
		assert_null(place);
}

/* The same names as those of the places that are waited for. */
static void test_uevents_of_places(void **state)
{
	const char *root = "/kernel/sched_ext/root", *scx = "sched_ext";
	_prepared_ struct prepared p;
	_prepared_ struct prepared sub;

	scx_set_folder(kernel_scratch(state)->path);
	prepare(&p, "");
	assert_uevent_place(root, scx, p.outcome.slot);
	prepare(&sub, "[Fields]\nsub_cgroup_id=4711\n");
	assert_uevent_place("/kernel/sched_ext/root/sub/sub-4711", scx, sub.outcome.slot);
	assert_uevent_place("/kernel/sched_ext/root/sub/sub-5/sub/sub-4711", scx, sub.outcome.slot);

	/* Folders for sub-schedulers, and what only looks like one. */
	assert_uevent_place("/kernel/sched_ext/root/sub", scx, NULL);
	assert_uevent_place("/kernel/sched_ext/root/sub/sub-5/sub", scx, NULL);
	assert_uevent_place("/kernel/sched_ext/roo", scx, NULL);
	assert_uevent_place("/devices/kernel/sched_ext/root", scx, NULL);
	assert_uevent_place(root, "hid", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_prepare),
		TEST(test_policy_has_the_last_word),
		TEST(test_prepare_without_hotplug_seq),
		TEST(test_alive),
		TEST(test_alive_sub_scheduler),
		TEST(test_record_tells_first),
		TEST(test_record_is_waited_for),
		TEST(test_after_attach),
		TEST(test_never_enabled),
		TEST(test_dead_on_arrival),
		TEST(test_sub_schedulers),
		TEST(test_place_holder),
		TEST(test_uevents_of_places),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
