/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/outcome.h"
#include "tests/unit/test.h"

static char *copy(const char *text)
{
	char *s = strdup(text);

	assert_non_null(s);
	return s;
}

/* Every member set, and set differently. */
static struct outcome full_outcome(void)
{
	struct outcome o = {
		.verdict = VERDICT_DEAD,
		.change = CHANGE_LOST,
		.error = 524,
		.detail = copy("a sentence, with ümläuts"),
		.verifier_log = copy("0: R1=ctx()\n1: (95) exit\n"),
		.object_file = copy("/usr/lib/structopsd/objects/x.bpf.o"),
		.digest = copy("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
		.stamp = {1, 2, 3, UINT64_MAX, 5},
		.type = copy("tcp_congestion_ops"),
		.map = copy("aimd"),
		.map_id = 7,
		.link_id = UINT32_MAX,
		.relinkable = true,
		.load_usec = 20000,
		.attach_usec = 300,
		.gap_usec = UINT64_MAX,
		.enable_seq = 12,
		.holder_map_id = 13,
		.slot = copy("sched_ext_ops"),
		.device = copy("/kernel/sched_ext/root"),
		.ops_name = copy("fair"),
		.exit = {1, 2, 3, 4, 5, 6, 7, 8, 9},
		.end = {.kind = -1, .code = INT64_MIN, .reason = "stall", .message = "victim[1]"},
		.end_file = copy("/run/structopsd/exits/fair"),
	};
	struct outcome_foreign *foreign = outcome_add_foreign(&o);

	assert_non_null(foreign);
	foreign->map_id = 14;
	foreign->link_id = 15;
	foreign->type = copy("Qdisc_ops");
	foreign->map = copy("fifo");
	assert_int_equal(messages_add(&foreign->holders, "bpftool[4711]"), 0);
	assert_int_equal(outcome_add_default(&o, "", "cubic"), 0);
	assert_int_equal(outcome_add_default(&o, "/run/netns/blue", NULL), 0);
	assert_int_equal(outcome_add_field(&o, "flags", "2", NULL), 0);
	assert_int_equal(outcome_add_field(&o, "cwnd_event", "", ""), 0);
	assert_int_equal(outcome_add_program(&o, "cong_avoid", "gentle_cong_avoid", 99), 0);
	assert_int_equal(messages_add(&o.notes, "member x dropped"), 0);
	assert_int_equal(messages_add(&o.notes, "%s", ""), 0);
	return o;
}

static void assert_same_lists(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->n_defaults, b->n_defaults);
	for (size_t i = 0; i < a->n_defaults; i++) {
		assert_text(a->defaults[i].netns, b->defaults[i].netns);
		assert_text(a->defaults[i].former, b->defaults[i].former);
		assert_int_equal(!a->defaults[i].former, !b->defaults[i].former);
	}
	assert_int_equal(a->n_foreign, b->n_foreign);
	for (size_t i = 0; i < a->n_foreign; i++) {
		assert_int_equal(a->foreign[i].map_id, b->foreign[i].map_id);
		assert_int_equal(a->foreign[i].link_id, b->foreign[i].link_id);
		assert_text(a->foreign[i].type, b->foreign[i].type);
		assert_text(a->foreign[i].map, b->foreign[i].map);
		assert_int_equal(a->foreign[i].holders.n, b->foreign[i].holders.n);
		for (size_t j = 0; j < a->foreign[i].holders.n; j++)
			assert_text(a->foreign[i].holders.items[j], b->foreign[i].holders.items[j]);
	}
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->change, b->change);
	assert_int_equal(a->error, b->error);
	assert_text(a->detail, b->detail);
	assert_text(a->verifier_log, b->verifier_log);
	assert_text(a->object_file, b->object_file);
	assert_text(a->digest, b->digest);
	assert_memory_equal(&a->stamp, &b->stamp, sizeof(a->stamp));
	assert_text(a->type, b->type);
	assert_text(a->map, b->map);
	assert_int_equal(a->map_id, b->map_id);
	assert_int_equal(a->link_id, b->link_id);
	assert_int_equal(a->relinkable, b->relinkable);
	assert_int_equal(a->load_usec, b->load_usec);
	assert_int_equal(a->attach_usec, b->attach_usec);
	assert_int_equal(a->gap_usec, b->gap_usec);
	assert_int_equal(a->n_fields, b->n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		assert_text(a->fields[i].member, b->fields[i].member);
		assert_text(a->fields[i].wanted, b->fields[i].wanted);
		assert_text(a->fields[i].actual, b->fields[i].actual);
		assert_int_equal(!a->fields[i].actual, !b->fields[i].actual);
	}
	assert_int_equal(a->n_programs, b->n_programs);
	for (size_t i = 0; i < a->n_programs; i++) {
		assert_text(a->programs[i].member, b->programs[i].member);
		assert_text(a->programs[i].name, b->programs[i].name);
		assert_int_equal(a->programs[i].id, b->programs[i].id);
	}
	assert_int_equal(a->enable_seq, b->enable_seq);
	assert_int_equal(a->holder_map_id, b->holder_map_id);
	assert_text(a->slot, b->slot);
	assert_text(a->device, b->device);
	assert_text(a->ops_name, b->ops_name);
	assert_memory_equal(&a->exit, &b->exit, sizeof(a->exit));
	assert_int_equal(a->end.kind, b->end.kind);
	assert_true(a->end.code == b->end.code);
	assert_text(a->end.reason, b->end.reason);
	assert_text(a->end.message, b->end.message);
	assert_text(a->end_file, b->end_file);
	assert_same_lists(a, b);
	assert_int_equal(a->notes.n, b->notes.n);
	for (size_t i = 0; i < a->notes.n; i++)
		assert_text(a->notes.items[i], b->notes.items[i]);
}

static void test_round_trip(void **state)
{
	struct outcome cases[] = {full_outcome(), OUTCOME_NULL};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) void *bytes = NULL;
		_cleanup_(outcome_done) struct outcome back = OUTCOME_NULL;
		size_t length;

		assert_int_equal(outcome_encode(&cases[i], &bytes, &length), 0);
		assert_int_equal(outcome_decode(bytes, length, &back), 0);
		assert_same(&cases[i], &back);
		outcome_done(&cases[i]);
	}
}

/* Each buffer is as long as it says, so that a read behind it is seen by ASan. */
static int decode_copy(const char *bytes, size_t length)
{
	_cleanup_(freep) char *exact = malloc(length);
	struct outcome o = OUTCOME_NULL;
	int r;

	assert_true(exact || length == 0);
	if (length > 0)
		memcpy(exact, bytes, length);
	r = outcome_decode(exact, length, &o);
	if (r < 0) {
		const struct outcome untouched = OUTCOME_NULL;

		assert_memory_equal(&o, &untouched, sizeof(o));
	}
	outcome_done(&o);
	return r;
}

static void test_prefixes(void **state)
{
	_cleanup_(outcome_done) struct outcome o = full_outcome();
	_cleanup_(freep) void *bytes = NULL;
	size_t length;

	assert_int_equal(outcome_encode(&o, &bytes, &length), 0);
	for (size_t n = 0; n < length; n++)
		assert_int_equal(decode_copy(bytes, n), -EBADMSG);
	assert_int_equal(decode_copy(bytes, length), 0);
}

static void test_bytes_behind(void **state)
{
	_cleanup_(outcome_done) struct outcome o = full_outcome();
	_cleanup_(freep) void *bytes = NULL;
	_cleanup_(freep) char *longer = NULL;
	size_t length;

	assert_int_equal(outcome_encode(&o, &bytes, &length), 0);
	longer = calloc(1, length + 1);
	assert_non_null(longer);
	memcpy(longer, bytes, length);
	assert_int_equal(decode_copy(longer, length + 1), -EBADMSG);
}

static void test_mutations(void **state)
{
	_cleanup_(outcome_done) struct outcome o = full_outcome();
	_cleanup_(freep) void *bytes = NULL;
	size_t length, n_refused = 0;

	assert_int_equal(outcome_encode(&o, &bytes, &length), 0);
	for (size_t i = 0; i < length; i++) {
		unsigned char *byte = (unsigned char *)bytes + i, good = *byte;

		for (unsigned value = 0; value < 256; value++) {
			int r;

			*byte = (unsigned char)value;
			r = decode_copy(bytes, length);
			assert_true(r == 0 || r == -EBADMSG);
			n_refused += r < 0;
		}
		*byte = good;
	}
	assert_true(n_refused > 0);
}

/* Byte offsets of the encoding, for what must not pass; the test of the round trip sees them move. */
static void test_refused(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} cases[] = {
		{0, 0},                     /* not ours */
		{4, _VERDICT_MAX},          /* verdict */
		{8, _CHANGE_MAX},           /* change */
		{12, UINT32_C(0x80000000)}, /* errno < 0 */
		{64, 2},                    /* relinkable */
	};
	const struct outcome o = OUTCOME_NULL;
	_cleanup_(freep) void *bytes = NULL;
	size_t length;

	assert_int_equal(outcome_encode(&o, &bytes, &length), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *at = (char *)bytes + cases[i].offset;
		uint32_t good;

		memcpy(&good, at, sizeof(good));
		memcpy(at, &cases[i].value, sizeof(good));
		assert_int_equal(decode_copy(bytes, length), -EBADMSG);
		memcpy(at, &good, sizeof(good));
		assert_int_equal(decode_copy(bytes, length), 0);
	}
}

/* Such a text would be shorter than it says: encode cannot have written it. */
static void test_nul_in_text(void **state)
{
	_cleanup_(outcome_done) struct outcome o = full_outcome();
	_cleanup_(freep) void *bytes = NULL;
	size_t length;
	char *sentence;

	assert_int_equal(outcome_encode(&o, &bytes, &length), 0);
	sentence = memmem(bytes, length, "sentence", strlen("sentence"));
	assert_non_null(sentence);
	*sentence = '\0';
	assert_int_equal(decode_copy(bytes, length), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_bytes_behind), cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_refused),      cmocka_unit_test(test_nul_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
