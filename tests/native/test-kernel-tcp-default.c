/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Tcp]: the default of network namespaces, which are the test's own. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "daemon/kernel/tcp-default.h"
#include "tests/native/netns-fixture.h"

#define DEFAULT "/proc/sys/net/ipv4/tcp_congestion_control"
#define ALLOWED "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
#define BLUE "/run/netns/blue"
#define GREEN "/run/netns/green"
/* Namespaces other than the first take only algorithms with TCP_CONG_NON_RESTRICTED, and the test is in such. */
#define OPEN_FLAGS "flags |= 1\n"

static void run_tcp(void **state, struct run *run, const struct run *old, const char *name,
		    const char *fields, const char *tcp)
{
	run_policy(state, run, old, "[Object]\nPath=values.bpf.o\n[Fields]\nname=%s\n%s%s%s\n",
		   name, fields, *tcp ? "[Tcp]\n" : "", tcp);
}

/* As the daemon does it at the end, with what becomes of the notes. */
static void take_off(struct run *run, struct messages *ret_notes)
{
	assert_int_equal(kernel_detach(&run->handles, &run->outcome, ret_notes), 0);
}

static void assert_former(const struct run *run, size_t i, const char *netns, const char *former)
{
	assert_true(i < run->outcome.n_defaults);
	assert_string_equal(run->outcome.defaults[i].netns, netns);
	assert_text(run->outcome.defaults[i].former, former);
}

static int set_up(void **state)
{
	netns_set_default(NULL, "reno");
	netns_set_default(BLUE, "reno");
	netns_set_default(GREEN, "reno");
	return kernel_setup(state);
}

static void test_set_and_given_back(void **state)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_tcp(state, &run, NULL, tcp_name(name, "def"), OPEN_FLAGS, "Default=yes");
	assert_attached(&run);
	assert_int_equal(run.outcome.notes.n, 0);
	assert_int_equal(run.outcome.n_defaults, 1);
	assert_former(&run, 0, "", "reno");
	netns_assert_default(NULL, name);
	netns_assert_default(BLUE, "reno");
	take_off(&run, &notes);
	netns_assert_default(NULL, "reno");
	assert_int_equal(notes.n, 0);
	/* Nothing keeps the map, so nobody goes on with it. */
	assert_int_equal(kernel_users(&run.handles), 0);
}

static void test_without_tcp_section(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_tcp(state, &run, NULL, tcp_name(name, "no"), OPEN_FLAGS, "");
	assert_attached(&run);
	assert_int_equal(run.outcome.n_defaults, 0);
	netns_assert_default(NULL, "reno");
}

/* Somebody wants another by now: that stays. */
static void test_changed_meanwhile(void **state)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_run_ struct run run = RUN_NULL, other = RUN_NULL;
	char name[TCP_NAME_SIZE], wanted[TCP_NAME_SIZE];

	run_tcp(state, &run, NULL, tcp_name(name, "chg"), OPEN_FLAGS, "Default=yes");
	run_tcp(state, &other, NULL, tcp_name(wanted, "oth"), OPEN_FLAGS, "");
	netns_set_default(NULL, wanted);
	take_off(&run, &notes);
	netns_assert_default(NULL, wanted);
	assert_int_equal(notes.n, 0);
	netns_set_default(NULL, "reno");
}

static void test_names_and_paths(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_tcp(state, &run, NULL, tcp_name(name, "ns"), OPEN_FLAGS,
		"Default=yes\nNetns=blue nowhere /run/not-one " GREEN);
	assert_attached(&run);
	netns_assert_default(NULL, "reno");
	netns_assert_default(BLUE, name);
	netns_assert_default(GREEN, name);
	assert_int_equal(run.outcome.n_defaults, 2);
	assert_former(&run, 0, BLUE, "reno");
	assert_former(&run, 1, GREEN, "reno");
	assert_note(&run, "[Tcp] Netns=nowhere: no such network namespace (/run/netns/nowhere)");
	assert_note(&run, "[Tcp] Netns=/run/not-one: it is not a network namespace");
	take_off(&run, NULL);
	netns_assert_default(BLUE, "reno");
	netns_assert_default(GREEN, "reno");
}

/* Taken only where it is the first namespace, or free for all. */
static void test_restricted(void **state)
{
	_run_ struct run run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_tcp(state, &run, NULL, tcp_name(name, "res"), "", "Default=yes\nNetns=blue");
	assert_attached(&run);
	assert_int_equal(run.outcome.n_defaults, 0);
	netns_assert_default(BLUE, "reno");
	assert_note(&run, "network namespace " BLUE ": ");
	assert_note(&run, "flags |= 1 (TCP_CONG_NON_RESTRICTED)");
	/* Nobody must try: the kernel would keep a reference for each refusal, and with it the map until the next boot. */
	assert_int_equal(kernel_users(&run.handles), 0);
}

static void test_other_type_is_refused(void **state)
{
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	struct policy policy = {.tcp_default = true};
	struct attempt a = {.policy = &policy, .outcome = &o};

	o.type = strdup("Qdisc_ops");
	o.map = strdup("fifo");
	assert_int_equal(tcp_default_check(&a), -EBADMSG);
	assert_int_equal(o.verdict, VERDICT_REFUSED);
	assert_string_equal(o.detail, "[Tcp] Default= is for tcp_congestion_ops, and this object's "
				      "map \"fifo\" is of type Qdisc_ops");
	policy.tcp_default = false;
	assert_int_equal(tcp_default_check(&a), 0);
}

/* Cubic where that may be (it may not in each namespace), else some other; and it is said. */
static void assert_chosen(const struct messages *notes, const char *ours, const char *what)
{
	char allowed[512], chosen[64], expected[128];

	netns_read(ALLOWED, allowed, sizeof(allowed));
	netns_read(DEFAULT, chosen, sizeof(chosen));
	assert_string_not_equal(chosen, ours);
	if (strstr(allowed, "cubic"))
		assert_string_equal(chosen, "cubic");
	assert_int_equal(notes->n, 1);
	snprintf(expected, sizeof(expected), "\"%s\" is %s", chosen, what);
	assert_non_null(strstr(notes->items[0], expected));
}

/* It was the default before the policy said so: what to give back then is chosen, and said. */
static void test_former_unknown(void **state)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_run_ struct run old = RUN_NULL, run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_tcp(state, &old, NULL, tcp_name(name, "unk"), OPEN_FLAGS, "");
	netns_set_default(NULL, name);
	run_tcp(state, &run, &old, name, OPEN_FLAGS, "Default=yes");
	assert_attached(&run);
	assert_int_equal(run.outcome.change, CHANGE_UPDATED);
	assert_former(&run, 0, "", NULL);
	assert_int_equal(tcp_default_give_back(&run.outcome, &notes), 0);
	assert_chosen(&notes, name, "it now");
}

static void test_former_gone(void **state)
{
	_cleanup_(messages_done) struct messages notes = MESSAGES_NULL;
	_run_ struct run former = RUN_NULL, run = RUN_NULL;
	char name[TCP_NAME_SIZE], before[TCP_NAME_SIZE];

	run_tcp(state, &former, NULL, tcp_name(before, "frm"), OPEN_FLAGS, "");
	netns_set_default(NULL, before);
	run_tcp(state, &run, NULL, tcp_name(name, "gone"), OPEN_FLAGS, "Default=yes");
	assert_former(&run, 0, "", before);
	take_off(&former, NULL);
	take_off(&run, &notes);
	assert_chosen(&notes, name, "the default now: there is no algorithm of that name");
	assert_non_null(strstr(notes.items[0], before));
}

/* In a namespace that only a process has; goes when the pipe is closed. */
static pid_t start_elsewhere(const char *name, int *ret_pipe)
{
	int ready[2], stay[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stay), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(stay[1]);
		assert_int_equal(unshare(CLONE_NEWNET), 0);
		FILE *f = fopen("/proc/sys/net/ipv4/tcp_congestion_control", "we");
		bool done = f && fputs(name, f) >= 0 && fclose(f) == 0;

		_exit(!(done && write(ready[1], "x", 1) == 1 && read(stay[0], &byte, 1) == 0));
	}
	close(ready[1]);
	close(stay[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*ret_pipe = stay[1];
	return pid;
}

/*
 * A namespace keeps a pointer, and each counts as a user of the map: after an update all are users of the new one,
 * whoever made it the default, and however the namespace is found.
 */
static void test_update_takes_all_along(void **state)
{
	_run_ struct run old = RUN_NULL, run = RUN_NULL;
	struct kernel_handles updated;
	char name[TCP_NAME_SIZE];
	int stay, status;
	pid_t pid;

	run_tcp(state, &old, NULL, tcp_name(name, "upd"), OPEN_FLAGS, "Default=yes");
	netns_set_default(BLUE, name);
	pid = start_elsewhere(name, &stay);
	assert_int_equal(kernel_users(&old.handles), 3);

	run_tcp(state, &run, &old, name, OPEN_FLAGS, "Default=yes");
	assert_attached(&run);
	assert_int_equal(run.outcome.change, CHANGE_UPDATED);
	assert_int_equal(run.outcome.notes.n, 0);
	/* What the first life found is what is given back one day. */
	assert_former(&run, 0, "", "reno");
	updated = (struct kernel_handles){
		.map_fd = run.handles.map_fd,
		.link_fd = old.handles.link_fd,
		.record_fd = -EBADF,
		.dump_fd = -EBADF,
	};
	assert_int_equal(kernel_users(&updated), 3);
	assert_int_equal(kernel_users(&old.handles), 0);

	close(stay);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(kernel_detach(&updated, &run.outcome, NULL), 0);
	netns_assert_default(NULL, "reno");
}

/* The changed policy does not want it any more. */
static void test_update_without_default(void **state)
{
	_run_ struct run old = RUN_NULL, run = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_tcp(state, &old, NULL, tcp_name(name, "drop"), OPEN_FLAGS, "Default=yes\nNetns=blue");
	netns_assert_default(BLUE, name);
	run_tcp(state, &run, &old, name, OPEN_FLAGS, "Default=yes");
	assert_attached(&run);
	netns_assert_default(BLUE, "reno");
	netns_assert_default(NULL, name);
	assert_int_equal(run.outcome.n_defaults, 1);
	assert_int_equal(tcp_default_give_back(&run.outcome, NULL), 0);
	netns_assert_default(NULL, "reno");
}

/* What was the default when a link was taken off for the first time (the linker makes the kernel floor call this). */
static char default_at_detach[64];

int __real_bpf_link_detach(int link_fd);
int __wrap_bpf_link_detach(int link_fd);
int __wrap_bpf_link_detach(int link_fd)
{
	if (!*default_at_detach)
		netns_read(DEFAULT, default_at_detach, sizeof(default_at_detach));
	return __real_bpf_link_detach(link_fd);
}

/*
 * Another name: the default goes along before the old one is off, and what was before both is given back. So it does
 * where somebody else made the policy's algorithm the default.
 */
static void test_renamed(void **state)
{
	_run_ struct run old = RUN_NULL, run = RUN_NULL;
	char name[TCP_NAME_SIZE], other[TCP_NAME_SIZE];

	run_tcp(state, &old, NULL, tcp_name(name, "one"), OPEN_FLAGS, "Default=yes");
	netns_set_default(BLUE, name);
	*default_at_detach = '\0';
	run_tcp(state, &run, &old, tcp_name(other, "two"), OPEN_FLAGS, "Default=yes");
	assert_attached(&run);
	assert_int_equal(run.outcome.change, CHANGE_SWAPPED);
	assert_string_equal(default_at_detach, other);
	netns_assert_default(NULL, other);
	netns_assert_default(BLUE, other);
	netns_assert_default(GREEN, "reno");
	assert_int_equal(kernel_users(&old.handles), 0);
	assert_int_equal(run.outcome.n_defaults, 1);
	assert_former(&run, 0, "", "reno");
	take_off(&run, NULL);
	netns_assert_default(NULL, "reno");
	netns_set_default(BLUE, "reno");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define NETNS_TEST(t) cmocka_unit_test_setup_teardown(t, set_up, kernel_teardown)
		NETNS_TEST(test_set_and_given_back),
		NETNS_TEST(test_without_tcp_section),
		NETNS_TEST(test_changed_meanwhile),
		NETNS_TEST(test_names_and_paths),
		NETNS_TEST(test_restricted),
		NETNS_TEST(test_other_type_is_refused),
		NETNS_TEST(test_former_unknown),
		NETNS_TEST(test_former_gone),
		NETNS_TEST(test_update_takes_all_along),
		NETNS_TEST(test_update_without_default),
		NETNS_TEST(test_renamed),
	};
	FILE *not_one;
	int r = netns_tests_possible();

	if (r != 0)
		return r;
	not_one = fopen("/run/not-one", "we");
	if (!not_one || fclose(not_one) != 0)
		return 1;
	netns_make(BLUE);
	netns_make(GREEN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
