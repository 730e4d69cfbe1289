/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a value and counters are read, without a kernel. */
#include "live/map.h"
#include "live/rate.h"
#include "tests/live/made-btf.h"
#include "tests/unit/scratch.h"

static struct made_value sample = {
	.common = {.refcnt = 3, .state = 3},
	.data = {.name = "gentle", .flags = 5, .low = 5, .high = 17, .limits = {{7, 8, 9}}},
};

struct fixture {
	struct btf *btf;
	struct live_map *map;
};

static void decode(struct fixture *f)
{
	uint64_t id = 34;
	int type;

	memcpy(&sample.data.cong_avoid, &id, sizeof(id));
	f->btf = made_btf(MADE_ALL);
	f->map = calloc(1, sizeof(*f->map));
	assert_non_null(f->map);
	f->map->size = sizeof(sample);
	f->map->value = malloc(sizeof(sample));
	assert_non_null(f->map->value);
	memcpy(f->map->value, &sample, sizeof(sample));
	type = btf__find_by_name(f->btf, "bpf_struct_ops_tcp_congestion_ops");
	assert_true(type > 0);
	assert_int_equal(live_map_decode(f->map, f->btf, (uint32_t)type), 0);
}

static void done(struct fixture *f)
{
	live_map_free(f->map);
	btf__free(f->btf);
}

static void a_value_is_decoded(void **state)
{
	struct fixture f;
	const struct live_member *m;

	decode(&f);
	assert_string_equal(f.map->type, "tcp_congestion_ops");
	assert_string_equal(f.map->state, "ready");
	assert_int_equal(f.map->references, 3);
	assert_int_equal(f.map->data_offset, 64);
	assert_int_equal(f.map->n_members, 7);

	m = live_map_member(f.map, "name");
	assert_string_equal(m->value, "gentle");
	assert_string_equal(m->type, "char[16]");
	assert_int_equal(m->offset, offsetof(struct made_value, data.name));
	assert_string_equal(live_map_member(f.map, "flags")->value, "5");
	assert_string_equal(live_map_member(f.map, "low")->value, "5");
	assert_string_equal(live_map_member(f.map, "high")->value, "17");

	m = live_map_member(f.map, "cong_avoid");
	assert_int_equal(m->kind, TYPE_OPERATOR);
	assert_int_equal(m->program_id, 34);
	assert_string_equal(m->value, "");
	assert_int_equal(live_map_member(f.map, "ssthresh")->program_id, 0);
	assert_null(live_map_member(f.map, "nothing"));
	assert_false(live_map_is_in_use(f.map));
	done(&f);
}

/* A map whose value is shorter than its BTF says, which no kernel has, is no way to read beyond it. */
static void a_short_value_is_not_read_beyond(void **state)
{
	struct fixture f;
	struct live_map *cut = calloc(1, sizeof(*cut));
	int type;

	decode(&f);
	assert_non_null(cut);
	cut->size = offsetof(struct made_value, data.flags) + 2;
	cut->value = malloc(cut->size);
	assert_non_null(cut->value);
	memcpy(cut->value, &sample, cut->size);
	type = btf__find_by_name(f.btf, "bpf_struct_ops_tcp_congestion_ops");
	assert_int_equal(live_map_decode(cut, f.btf, (uint32_t)type), 0);
	assert_string_equal(live_map_member(cut, "name")->value, "gentle");
	assert_string_equal(live_map_member(cut, "flags")->value, "?");
	assert_string_equal(live_map_member(cut, "high")->value, "?");
	assert_string_equal(live_map_member(cut, "limits")->value, "?");
	live_map_free(cut);
	done(&f);
}

static void bits_in_a_struct_keep_their_sign(void **state)
{
	struct {
		signed int low : 3;
		unsigned int high : 5;
	} value = {.low = -2, .high = 17};
	struct btf *btf = btf__new_empty();
	int s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int bits = btf__add_struct(btf, "bits", sizeof(value));
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(btf__add_field(btf, "low", s32, 0, 3), 0);
	assert_int_equal(btf__add_field(btf, "high", u32, 3, 5), 0);
	text = btf_value_text(btf, (uint32_t)bits,
			      (struct span){(const uint8_t *)&value, sizeof(value)});
	assert_string_equal(text, "{low = -2, high = 17}");
	btf__free(btf);
}

static void what_is_no_value_is_refused(void **state)
{
	struct btf *btf = made_btf(0);
	struct live_map map = {0};
	int u32 = btf__find_by_name(btf, "unsigned int");

	assert_int_equal(live_map_decode(&map, btf, (uint32_t)u32), -EBADMSG);
	assert_int_equal(live_map_decode(&map, btf, 4711), -EBADMSG);
	btf__free(btf);
}

static void assert_at(const struct live_map *m, const char *path, const char *wanted)
{
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(live_map_value_at(m, path, &text), 0);
	assert_string_equal(text, wanted);
}

static void paths_of_policies_are_followed(void **state)
{
	static const char *const wrong[] = {"nothing",       "limits.min", "limits.max[3]",
					    "limits.max[x]", "flags[0]",   "name.first",
					    "limits.max[1",  "[0]"};
	struct fixture f;
	char *text;

	decode(&f);
	assert_at(f.map, "name", "gentle");
	assert_at(f.map, "limits.max[2]", "9");
	assert_at(f.map, "limits.max", "7, 8, 9");
	assert_at(f.map, "ssthresh", "");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(live_map_value_at(f.map, wrong[i], &text), -ENOENT);
	done(&f);
}

static void rates_are_differences(void **state)
{
	struct meter_program then[] = {
		{.id = 7, .calls = 100, .nsec = 5000, .time_nsec = 1000000000}};
	struct meter_attachment old = {.programs = then, .n_programs = 1};
	struct meter_sample before = {.attachments = &old, .n_attachments = 1};
	struct meter_program now = {.id = 7, .calls = 300, .nsec = 15000, .time_nsec = 1500000000};
	struct rate r = rate_of_program(&before, &now), twice[2], sum;

	assert_int_equal(r.calls, 200);
	assert_true(rate_calls_per_sec(&r) == 400);
	assert_true(rate_average_nsec(&r) == 50);
	assert_true(rate_share(&r) == 0.00002);

	twice[0] = twice[1] = r;
	sum = rate_sum(twice, 2);
	assert_true(rate_calls_per_sec(&sum) == 800);
	assert_true(rate_average_nsec(&sum) == 50);
}

static void without_a_before_there_is_no_rate(void **state)
{
	struct meter_program then[] = {{.id = 7, .calls = 100, .nsec = 10, .time_nsec = 10}};
	struct meter_attachment old = {.programs = then, .n_programs = 1};
	struct meter_sample before = {.attachments = &old, .n_attachments = 1};
	struct meter_program other = {.id = 8, .calls = 300, .nsec = 20, .time_nsec = 20};
	struct meter_program gone = {.id = 7, .calls = 0, .nsec = 20, .time_nsec = 20};
	struct rate r;

	assert_int_equal(rate_of_program(NULL, &other).span_nsec, 0);
	assert_int_equal(rate_of_program(&before, &other).span_nsec, 0);
	r = rate_of_program(&before, &gone);
	assert_int_equal(r.span_nsec, 0);
	assert_true(rate_calls_per_sec(&r) == 0 && rate_average_nsec(&r) == 0 &&
		    rate_share(&r) == 0);
}

static void counters_of_a_scheduler_are_read(void **state)
{
	struct scratch *s = *state;
	struct scx_status scx;

	assert_int_equal(scx_status_read(s->path, &scx), 0);
	assert_null(scx.state);
	scx_status_done(&scx);

	scratch_text(s, "sys/kernel/sched_ext/state", "enabled\n");
	scratch_text(s, "sys/kernel/sched_ext/root/ops", "fair\n");
	scratch_text(s, "sys/kernel/sched_ext/root/events",
		     "SCX_EV_SELECT_CPU_FALLBACK 12\nSCX_EV_BYPASS_DURATION 18446744073709551615\n"
		     "not a counter\n\n");
	assert_int_equal(scx_status_read(s->path, &scx), 0);
	assert_string_equal(scx.state, "enabled");
	assert_string_equal(scx.scheduler, "fair");
	assert_int_equal(scx.n_events, 2);
	assert_int_equal(scx_status_event(&scx, "SCX_EV_SELECT_CPU_FALLBACK")->count, 12);
	assert_true(scx_status_event(&scx, "SCX_EV_BYPASS_DURATION")->count == UINT64_MAX);
	assert_null(scx_status_event(&scx, "SCX_EV_OTHER"));
	scx_status_done(&scx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_decoded),
		cmocka_unit_test(a_short_value_is_not_read_beyond),
		cmocka_unit_test(bits_in_a_struct_keep_their_sign),
		cmocka_unit_test(what_is_no_value_is_refused),
		cmocka_unit_test(paths_of_policies_are_followed),
		cmocka_unit_test(rates_are_differences),
		cmocka_unit_test(without_a_before_there_is_no_rate),
		cmocka_unit_test_setup_teardown(counters_of_a_scheduler_are_read, scratch_setup,
						scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
