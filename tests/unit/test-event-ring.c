/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/event-ring.h"
#include "tests/unit/test.h"

static void add(struct event_ring *ring, uint64_t seq)
{
	struct event event = {.seq = seq, .to = STATE_ATTACHED, .link_id = (uint32_t)seq * 2};

	assert_true(asprintf(&event.detail, "event %llu", (unsigned long long)seq) > 0);
	assert_int_equal(event_ring_add(ring, &event), 0);
}

static void test_keeps_the_last(void **state)
{
	struct event_ring ring = EVENT_RING(3);

	assert_int_equal(ring.n, 0);
	for (uint64_t seq = 1; seq <= 10; seq++) {
		size_t n = MIN(seq, (uint64_t)3);

		add(&ring, seq);
		assert_int_equal(ring.n, n);
		for (size_t i = 0; i < n; i++) {
			const struct event *event = event_ring_get(&ring, i);
			char detail[32];

			assert_int_equal(event->seq, seq - n + 1 + i);
			assert_int_equal(event->link_id, event->seq * 2);
			snprintf(detail, sizeof(detail), "event %u", (unsigned)event->seq);
			assert_string_equal(event->detail, detail);
		}
	}
	event_ring_done(&ring);
}

static void test_done_empties(void **state)
{
	struct event_ring ring = EVENT_RING(2);

	for (uint64_t seq = 1; seq <= 3; seq++)
		add(&ring, seq);
	event_ring_done(&ring);
	assert_int_equal(ring.n, 0);
	assert_int_equal(ring.size, 2);
	add(&ring, 7);
	assert_int_equal(event_ring_get(&ring, 0)->seq, 7);
	event_ring_done(&ring);
}

/* The detail is freed also where nothing is kept (leak sanitizer). */
static void test_no_room_at_all(void **state)
{
	struct event_ring ring = EVENT_RING(0);

	add(&ring, 1);
	assert_int_equal(ring.n, 0);
	event_ring_done(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_the_last),
		cmocka_unit_test(test_done_empties),
		cmocka_unit_test(test_no_room_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
