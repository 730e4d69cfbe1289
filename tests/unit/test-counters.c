/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/counters.h"
#include "tests/unit/test.h"

static void change(struct counters *c, enum state from, enum state to, enum reason reason)
{
	counters_note_change(c, &(struct event){.from = from, .to = to, .reason = reason}, 0);
}

static uint64_t sum(const uint64_t counts[_REASON_MAX])
{
	uint64_t n = 0;

	for (enum reason r = 0; r < _REASON_MAX; r++)
		n += counts[r];
	return n;
}

/* What somebody asked for is neither a detachment nor a failure nor a restart. */
static void test_wishes_do_not_count(void **state)
{
	struct counters c = {0};

	change(&c, STATE_INACTIVE, STATE_LOADING, REASON_BOOT);
	change(&c, STATE_LOADING, STATE_ATTACHED, REASON_BOOT);
	change(&c, STATE_ATTACHED, STATE_UPDATING, REASON_RELOAD);
	change(&c, STATE_UPDATING, STATE_ATTACHED, REASON_RELOAD);
	change(&c, STATE_ATTACHED, STATE_DETACHING, REASON_ADMIN);
	change(&c, STATE_DETACHING, STATE_INACTIVE, REASON_ADMIN);
	change(&c, STATE_INACTIVE, STATE_LOADING, REASON_FALLBACK);
	change(&c, STATE_LOADING, STATE_DETACHING, REASON_RELOAD);
	change(&c, STATE_INACTIVE, STATE_ATTACHED, REASON_ADOPTED);
	change(&c, STATE_LOADING, STATE_WAITING, REASON_BOOT); /* a template */
	assert_int_equal(sum(c.detachments) + sum(c.failures) + sum(c.restarts), 0);
}

static void test_an_end_and_its_restart(void **state)
{
	struct counters c = {0};

	change(&c, STATE_ATTACHED, STATE_WAITING, REASON_LINK_DETACHED);
	change(&c, STATE_WAITING, STATE_LOADING, REASON_LINK_DETACHED);
	change(&c, STATE_LOADING, STATE_ATTACHED, REASON_LINK_DETACHED);
	change(&c, STATE_ATTACHED, STATE_LOADING, REASON_KERNEL_EXIT); /* without a delay */
	change(&c, STATE_LOADING, STATE_ATTACHED, REASON_KERNEL_EXIT);
	change(&c, STATE_ATTACHED, STATE_INACTIVE, REASON_KERNEL_EXIT);
	assert_int_equal(c.detachments[REASON_LINK_DETACHED], 1);
	assert_int_equal(c.detachments[REASON_KERNEL_EXIT], 2);
	assert_int_equal(sum(c.detachments), 3);
	assert_int_equal(c.restarts[REASON_LINK_DETACHED], 1);
	assert_int_equal(c.restarts[REASON_KERNEL_EXIT], 1);
	assert_int_equal(sum(c.restarts), 2);
	assert_int_equal(sum(c.failures), 0);
}

static void test_failures(void **state)
{
	struct counters c = {0};

	change(&c, STATE_LOADING, STATE_WAITING, REASON_ATTACH_FAILED);
	change(&c, STATE_LOADING, STATE_FAILED, REASON_LOAD_FAILED);
	change(&c, STATE_UPDATING, STATE_ATTACHED, REASON_LOAD_FAILED); /* the former form stands */
	assert_int_equal(c.failures[REASON_ATTACH_FAILED], 1);
	assert_int_equal(c.failures[REASON_LOAD_FAILED], 2);
	assert_int_equal(sum(c.failures), 3);
	assert_int_equal(sum(c.detachments), 0);
}

/* Numbers come from an object: none makes the counters grow beyond their place. */
static void test_any_number_of_kinds(void **state)
{
	struct counters c = {0};
	const struct event e = {.from = STATE_ATTACHED, .to = STATE_WAITING};
	uint64_t n = 0;

	for (int kind = 1; kind <= 1000; kind++)
		counters_note_change(&c, &e, kind);
	counters_note_change(&c, &e, 1);
	assert_int_equal(c.n_exits, COUNTED_EXIT_KINDS_MAX + 1);
	assert_int_equal(c.exits[0].n, 2);
	assert_int_equal(c.exits[COUNTED_EXIT_KINDS_MAX].kind, EXIT_KIND_OTHER);
	for (size_t i = 0; i < c.n_exits; i++)
		n += c.exits[i].n;
	assert_int_equal(n, 1001);
}

static void test_spans(void **state)
{
	struct counters c = {0};
	struct outcome o = {.load_usec = 100, .attach_usec = 7};

	counters_note_attached(&c, &o);
	o.change = CHANGE_SWAPPED;
	o.gap_usec = 3;
	counters_note_attached(&c, &o);
	o.change = CHANGE_UPDATED;
	o.gap_usec = 0;
	counters_note_attached(&c, &o);
	assert_int_equal(c.load.n, 3);
	assert_int_equal(c.load.sum, 300);
	assert_int_equal(c.attach.n, 1);
	assert_int_equal(c.attach.sum, 7);
	assert_int_equal(c.update.n, 2);
	assert_int_equal(c.update.sum, 14);
	assert_int_equal(c.gap.n, 2);
	assert_int_equal(c.gap.sum, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes_do_not_count),
		cmocka_unit_test(test_an_end_and_its_restart),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_any_number_of_kinds),
		cmocka_unit_test(test_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
