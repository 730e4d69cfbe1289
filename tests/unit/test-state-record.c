/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/state-record.h"
#include "tests/unit/test.h"

static const uint8_t boot[BOOT_ID_SIZE] = "this very boot.";
static const uint8_t other_boot[BOOT_ID_SIZE] = "the last boot..";

static char *copy(const char *text)
{
	char *s = strdup(text);

	assert_non_null(s);
	return s;
}

/* Every member set, and set differently. */
static struct state_record full_record(void)
{
	return (struct state_record){
		.policy = copy("hid@0003-046D-C52B.0001"),
		.object = {1, 2},
		.whole = {3, UINT64_MAX},
		.enabled = true,
		.stale = true,
		.machine =
			{
				.state = STATE_WAITING,
				.reason = REASON_FALLBACK,
				.backoff = {.restarts = 4, .starts = 5, .window_start = 6},
				.restarts = 7,
				.attached_at = 8,
				.deadline = USEC_INFINITY,
				.relink = true,
				.again = true,
				.again_reason = REASON_RELOAD,
			},
		.attached_realtime = 9,
		.fallback_for = copy("main"),
		.last_seq = 10,
		.switched_from = copy("first"),
		.switch_ends = 13,
		.yields_to = copy("second"),
		.outcome =
			{
				.verdict = VERDICT_DEAD,
				.type = copy("tcp_congestion_ops"),
				.map = copy("aimd"),
				.map_id = 11,
				.link_id = 12,
			},
	};
}

static void assert_same(const struct state_record *a, const struct state_record *b)
{
	assert_text(a->policy, b->policy);
	assert_true(fingerprint_equal(a->object, b->object));
	assert_true(fingerprint_equal(a->whole, b->whole));
	assert_int_equal(a->enabled, b->enabled);
	assert_int_equal(a->stale, b->stale);
	assert_int_equal(a->machine.state, b->machine.state);
	assert_int_equal(a->machine.reason, b->machine.reason);
	assert_int_equal(a->machine.backoff.restarts, b->machine.backoff.restarts);
	assert_int_equal(a->machine.backoff.starts, b->machine.backoff.starts);
	assert_int_equal(a->machine.backoff.window_start, b->machine.backoff.window_start);
	assert_int_equal(a->machine.restarts, b->machine.restarts);
	assert_int_equal(a->machine.attached_at, b->machine.attached_at);
	assert_int_equal(a->machine.deadline, b->machine.deadline);
	assert_int_equal(a->machine.relink, b->machine.relink);
	assert_int_equal(a->machine.again, b->machine.again);
	assert_int_equal(a->machine.again_reason, b->machine.again_reason);
	assert_int_equal(a->attached_realtime, b->attached_realtime);
	assert_text(a->fallback_for, b->fallback_for);
	assert_int_equal(a->last_seq, b->last_seq);
	assert_text(a->switched_from, b->switched_from);
	assert_int_equal(a->switch_ends, b->switch_ends);
	assert_text(a->yields_to, b->yields_to);
	assert_int_equal(a->outcome.verdict, b->outcome.verdict);
	assert_text(a->outcome.type, b->outcome.type);
	assert_text(a->outcome.map, b->outcome.map);
	assert_int_equal(a->outcome.map_id, b->outcome.map_id);
	assert_int_equal(a->outcome.link_id, b->outcome.link_id);
}

static void test_round_trip(void **state)
{
	struct state_record cases[] = {full_record(), {.policy = copy("x")}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) void *bytes = NULL;
		_cleanup_(freep) char *error = NULL;
		_cleanup_(state_record_done) struct state_record back = STATE_RECORD_NULL;
		size_t length;

		assert_int_equal(state_record_encode(&cases[i], boot, &bytes, &length), 0);
		assert_int_equal(state_record_decode(bytes, length, boot, &back, &error), 0);
		assert_null(error);
		assert_same(&cases[i], &back);
		state_record_done(&cases[i]);
	}
}

/* Each buffer is as long as it says, so that a read behind it is seen by ASan. */
static int decode_copy(const void *bytes, size_t length, const uint8_t of_boot[BOOT_ID_SIZE],
		       const char *part)
{
	const struct state_record untouched = STATE_RECORD_NULL;
	struct state_record back = STATE_RECORD_NULL;
	_cleanup_(freep) char *exact = malloc(length), *error = NULL;
	int r;

	assert_true(exact || length == 0);
	if (length > 0)
		memcpy(exact, bytes, length);
	r = state_record_decode(exact, length, of_boot, &back, &error);
	if (r < 0) {
		assert_memory_equal(&back, &untouched, sizeof(back));
		assert_non_null(error);
		assert_non_null(strstr(error, part));
	}
	state_record_done(&back);
	return r;
}

static void encode(const struct state_record *r, char **ret_bytes, size_t *ret_length)
{
	void *bytes;

	assert_int_equal(state_record_encode(r, boot, &bytes, ret_length), 0);
	*ret_bytes = bytes;
}

static void test_prefixes(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record();
	_cleanup_(freep) char *bytes = NULL, *longer = NULL;
	size_t length;

	encode(&r, &bytes, &length);
	for (size_t n = 0; n < length; n++)
		assert_int_equal(decode_copy(bytes, n, boot, "is damaged"), -EBADMSG);
	longer = calloc(1, length + 1);
	assert_non_null(longer);
	memcpy(longer, bytes, length);
	assert_int_equal(decode_copy(longer, length + 1, boot, "is damaged"), -EBADMSG);
}

/* No byte can be another one without notice. */
static void test_mutations(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record();
	_cleanup_(freep) char *bytes = NULL;
	size_t length;

	encode(&r, &bytes, &length);
	for (size_t i = 0; i < length; i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
			assert_true(decode_copy(bytes, length, boot, "") < 0);
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
		}
	assert_int_equal(decode_copy(bytes, length, boot, ""), 0);
}

/* Where things stand in the encoding; the test of what must not pass sees them move. */
#define VERSION_AT 4
#define FINGERPRINT_AT 24
#define BODY_AT 40

static void seal(char *bytes, size_t length)
{
	struct fingerprint f = fingerprint_of_bytes(bytes + BODY_AT, length - BODY_AT);

	memcpy(bytes + FINGERPRINT_AT, &f.high, sizeof(f.high));
	memcpy(bytes + FINGERPRINT_AT + sizeof(f.high), &f.low, sizeof(f.low));
}

/* The fingerprint proves nothing but that somebody made it: each byte is looked at all the same. */
static void test_sealed_mutations(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record();
	_cleanup_(freep) char *bytes = NULL;
	size_t length, n_refused = 0;

	encode(&r, &bytes, &length);
	for (size_t i = BODY_AT; i < length; i++) {
		char good = bytes[i];

		for (int value = 0; value < 256; value += 5) {
			int k;

			bytes[i] = (char)value;
			seal(bytes, length);
			k = decode_copy(bytes, length, boot, "says what no structopsd writes");
			assert_true(k == 0 || k == -EBADMSG);
			n_refused += k < 0;
		}
		bytes[i] = good;
	}
	assert_true(n_refused > 1000);
}

static void test_sealed_lengths(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record();
	_cleanup_(freep) char *bytes = NULL, *longer = NULL;
	size_t length;

	encode(&r, &bytes, &length);
	longer = calloc(1, length + 1);
	assert_non_null(longer);
	for (size_t n = BODY_AT; n <= length + 1; n++) {
		memcpy(longer, bytes, length);
		seal(longer, n);
		assert_int_equal(decode_copy(longer, n, boot, "is damaged"),
				 n == length ? 0 : -EBADMSG);
	}
}

/* Written by a program that is out of its mind. */
static void test_words_that_are_none(void **state)
{
	const struct machine machines[] = {
		{.state = _STATE_MAX},
		{.reason = _REASON_MAX},
		{.again_reason = _REASON_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct state_record r = {.policy = (char *)"x", .machine = machines[i]};
		_cleanup_(freep) char *bytes = NULL;
		size_t length;

		encode(&r, &bytes, &length);
		assert_int_equal(decode_copy(bytes, length, boot, "no structopsd writes"),
				 -EBADMSG);
	}
}

static void test_name_that_is_none(void **state)
{
	struct state_record r = {.policy = (char *)"../../etc/passwd"};
	_cleanup_(freep) char *bytes = NULL;
	size_t length;

	encode(&r, &bytes, &length);
	assert_int_equal(decode_copy(bytes, length, boot, "says what no structopsd writes"),
			 -EBADMSG);
}

static void test_versions(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record();
	_cleanup_(freep) char *bytes = NULL;
	uint32_t version = STATE_RECORD_VERSION + 1;
	size_t length;

	encode(&r, &bytes, &length);
	memcpy(bytes + VERSION_AT, &version, sizeof(version));
	assert_int_equal(decode_copy(bytes, length, boot, "newer structopsd (version 3"),
			 -EOVERFLOW);
	/* Whatever that one writes behind it. */
	assert_int_equal(decode_copy(bytes, 8, boot, "newer structopsd"), -EOVERFLOW);
	version = 0;
	memcpy(bytes + VERSION_AT, &version, sizeof(version));
	assert_int_equal(decode_copy(bytes, length, boot, "is damaged"), -EBADMSG);
}

/* What the daemon before the upgrade wrote: the same without the switch behind it. */
static void test_first_version(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record(),
							 back = STATE_RECORD_NULL;
	_cleanup_(freep) char *bytes = NULL, *error = NULL;
	const uint32_t version = 1;
	size_t length;

	free(r.switched_from);
	free(r.yields_to);
	r.switched_from = r.yields_to = NULL;
	r.switch_ends = 0;
	encode(&r, &bytes, &length);
	length -= sizeof(uint32_t) + sizeof(uint64_t) + sizeof(uint32_t);
	memcpy(bytes + VERSION_AT, &version, sizeof(version));
	seal(bytes, length);
	assert_int_equal(state_record_decode(bytes, length, boot, &back, &error), 0);
	assert_same(&r, &back);
}

static void test_other_boot(void **state)
{
	_cleanup_(state_record_done) struct state_record r = full_record();
	_cleanup_(freep) char *bytes = NULL;
	size_t length;

	encode(&r, &bytes, &length);
	assert_int_equal(decode_copy(bytes, length, other_boot, "of another boot"), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_mutations),           cmocka_unit_test(test_sealed_mutations),
		cmocka_unit_test(test_name_that_is_none),   cmocka_unit_test(test_versions),
		cmocka_unit_test(test_other_boot),          cmocka_unit_test(test_sealed_lengths),
		cmocka_unit_test(test_words_that_are_none), cmocka_unit_test(test_first_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
