/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follow and Metrics: what is told of the past, and what was counted. */
#include "tests/service/bed.h"

#define EVENTS_MAX 64

struct seen {
	uint64_t seqs[EVENTS_MAX];
	size_t n;
};

static void note(struct seen *seen, sd_bus_message *m, const char *signature, int *ret_more)
{
	const char *policy, *from, *to, *reason, *detail;
	uint64_t seq, realtime, monotonic;
	uint32_t link;

	*ret_more = sd_bus_message_read(m, signature, &seq, &realtime, &monotonic, &policy, &from,
					&to, &reason, &detail, &link);
	assert_true(*ret_more >= 0);
	if (*ret_more == 0)
		return;
	assert_true(seen->n < EVENTS_MAX);
	seen->seqs[seen->n++] = seq;
}

static int on_event(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	int more;

	note(userdata, m, SIGNATURE_EVENT, &more);
	return 0;
}

static void read_past(struct answer *answer, struct seen *seen)
{
	int more = 1;

	assert_null(sd_bus_message_get_error(answer->m));
	assert_true(sd_bus_message_enter_container(answer->m, 'a', "(" SIGNATURE_EVENT ")") > 0);
	while (more > 0)
		note(seen, answer->m, "(" SIGNATURE_EVENT ")", &more);
	answer->m = sd_bus_message_unref(answer->m);
}

static void assert_contiguous(const struct seen *seen, uint64_t first, size_t n)
{
	assert_int_equal(seen->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen->seqs[i], first + i);
}

/* Those of both policies in one order, then what happens from then on: no gap, nothing twice. */
static void test_follow(void **state)
{
	struct bed *b = *state;
	struct seen seen = {0};
	struct answer answer;

	rig_policy(b->rig, "a", "");
	rig_policy(b->rig, "b", "");
	bed_start(b);
	assert_true(sd_bus_match_signal(b->bus, NULL, NULL, PROTOCOL_PATH, PROTOCOL_INTERFACE,
					SIGNAL_EVENT, on_event, &seen) >= 0);
	/* Also what the daemon does before it looks at the call, in the same turn of the loop. */
	bed_call_async(b->bus, &answer, METHOD_FOLLOW, "tt", UINT64_C(0), UINT64_C(0));
	attachment_stop(rig_get(b->rig, "a"), REASON_ADMIN, NULL);
	rig_run_until(b->rig, answer.m);
	read_past(&answer, &seen);
	assert_true(seen.n >= 5);
	bed_call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	bed_call(b, &answer, METHOD_DETACH, "sb", "b", 1);
	assert_verdict(&answer, true, "inactive");
	rig_run_until(b->rig, seen.n >= 8);
	assert_contiguous(&seen, 1, 8);
}

static void test_follow_from_a_number_or_a_time(void **state)
{
	struct bed *b = *state;
	struct seen seen = {0};
	struct answer answer;

	rig_policy(b->rig, "a", "");
	bed_start(b);
	bed_call(b, &answer, METHOD_DETACH, "sb", "a", 1);
	assert_verdict(&answer, true, "inactive");
	bed_call(b, &answer, METHOD_FOLLOW, "tt", UINT64_C(2), UINT64_C(0));
	read_past(&answer, &seen);
	assert_contiguous(&seen, 3, 2);
	seen.n = 0;
	bed_call(b, &answer, METHOD_FOLLOW, "tt", UINT64_C(0), UINT64_MAX);
	read_past(&answer, &seen);
	assert_int_equal(seen.n, 0);
	seen.n = 0;
	bed_call(b, &answer, METHOD_FOLLOW, "tt", UINT64_C(0),
		 event_ring_get(&rig_get(b->rig, "a")->events, 3)->realtime);
	read_past(&answer, &seen);
	assert_true(seen.n >= 1 && seen.seqs[seen.n - 1] == 4);
}

/* Metrics. */

static uint64_t count(const uint64_t counts[_REASON_MAX])
{
	uint64_t n = 0;

	for (enum reason r = 0; r < _REASON_MAX; r++)
		n += counts[r];
	return n;
}

static void test_an_attachment_is_counted(void **state)
{
	struct bed *b = *state;
	const struct counters *c;

	rig_policy(b->rig, "a", "RestartSec=0");
	fake_kernel_script_all("a", FAKE_ATTACHED, FAKE_SWAPPED, FAKE_KEPT, FAKE_CRASH);
	bed_start(b);
	c = &rig_get(b->rig, "a")->counters;
	assert_int_equal(c->load.n, 1);
	assert_int_equal(c->attach.n, 1);

	fake_kernel_detach_foreign("a");
	rig_run_until(b->rig, fake_kernel_counts("a").relinks == 1 &&
				      rig_state(b->rig, "a") == STATE_ATTACHED);
	assert_int_equal(c->detachments[REASON_LINK_DETACHED], 1);
	assert_int_equal(c->restarts[REASON_LINK_DETACHED], 1);
	assert_int_equal(c->load.n, 1);

	attachment_replace(rig_get(b->rig, "a"), REASON_ADMIN, NULL);
	rig_run_until(b->rig, rig_state(b->rig, "a") == STATE_ATTACHED);
	assert_int_equal(c->update.n, 1);
	assert_int_equal(c->load.n, 2);
	assert_int_equal(c->attach.n, 1);

	attachment_replace(rig_get(b->rig, "a"), REASON_ADMIN, NULL);
	rig_run_until(b->rig, rig_state(b->rig, "a") == STATE_ATTACHED);
	assert_int_equal(count(c->failures), 1);
	assert_int_equal(c->update.n, 1);

	attachment_replace(rig_get(b->rig, "a"), REASON_ADMIN, NULL);
	rig_run_until(b->rig, !state_is_busy(rig_state(b->rig, "a")));
	assert_int_equal(c->worker_failures, 1);
}

static void test_exits_are_counted(void **state)
{
	const struct exit_record stall = {.kind = 1026, .reason = "runnable task stall"};
	struct bed *b = *state;
	const struct counters *c;

	rig_policy(b->rig, "s", "RestartSec=0");
	fake_kernel_set_scheduler("s", true);
	bed_start(b);
	c = &rig_get(b->rig, "s")->counters;
	for (unsigned i = 1; i <= 2; i++) {
		fake_kernel_exit("s", &stall);
		rig_run_until(b->rig, fake_kernel_counts("s").attaches == 1 + i &&
					      rig_state(b->rig, "s") == STATE_ATTACHED);
	}
	assert_int_equal(c->n_exits, 1);
	assert_int_equal(c->exits[0].kind, 1026);
	assert_int_equal(c->exits[0].n, 2);
	assert_int_equal(c->restarts[REASON_KERNEL_EXIT], 2);
}

static void test_reloads_are_counted(void **state)
{
	struct bed *b = *state;
	const struct daemon_counters *c;
	bool ok;

	rig_policy(b->rig, "a", "");
	fake_kernel_script_all("b", FAKE_REFUSED);
	bed_start(b);
	c = manager_counters(b->rig->manager);
	assert_true(c->started > UINT64_C(1600000000) * USEC_PER_SEC);
	free(rig_reload(b->rig, &ok));
	rig_policy(b->rig, "b", "");
	free(rig_reload(b->rig, &ok));
	rig_policy_text(b->rig, "b", "nonsense\n");
	free(rig_reload(b->rig, &ok));
	assert_int_equal(c->reloads[RELOAD_OK], 1);
	assert_int_equal(c->reloads[RELOAD_FAILED], 1);
	assert_int_equal(c->reloads[RELOAD_REFUSED], 1);
}

static void skip_daemon(struct answer *answer)
{
	const char *version = NULL;

	assert_null(sd_bus_message_get_error(answer->m));
	assert_true(sd_bus_message_enter_container(answer->m, 'a', "{sv}") > 0);
	assert_true(sd_bus_message_enter_container(answer->m, 'e', "sv") > 0);
	assert_true(sd_bus_message_read(answer->m, "sv", &version, "s", &version) > 0);
	assert_string_equal(version, STRUCTOPSD_VERSION);
	assert_true(sd_bus_message_exit_container(answer->m) >= 0);
	while (sd_bus_message_skip(answer->m, "{sv}") > 0)
		if (sd_bus_message_at_end(answer->m, false))
			break;
	assert_true(sd_bus_message_exit_container(answer->m) >= 0);
}

/* A row has what List has, what the kernel contradicts included, and the counts. */
static void test_metrics(void **state)
{
	struct bed *b = *state;
	struct answer answer;
	bool found;

	rig_policy(b->rig, "a", "");
	rig_policy_text(b->rig, "bad", "nonsense\n");
	fake_kernel_set_users("a", 3);
	bed_start(b);
	bed_call(b, &answer, METHOD_METRICS, "");
	skip_daemon(&answer);
	assert_int_equal(count_rows(&answer, KEY_METRICS_LOAD, &found), 2);
	assert_true(found);
	bed_call(b, &answer, METHOD_METRICS, "");
	skip_daemon(&answer);
	assert_row_number(&answer, KEY_STATUS_USERS, 3);
	fake_kernel_replace_unseen("a");
	bed_call(b, &answer, METHOD_METRICS, "");
	skip_daemon(&answer);
	assert_int_equal(count_rows(&answer, KEY_DISAGREEMENTS, &found), 2);
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bed_test(test_follow),
		bed_test(test_follow_from_a_number_or_a_time),
		bed_test(test_an_attachment_is_counted),
		bed_test(test_exits_are_counted),
		bed_test(test_reloads_are_counted),
		bed_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
