/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon believes and what the kernel says: how both are shown, and what counts. */
#include "client/exit-text.h"
#include "client/text.h"
#include "tests/client/capture.h"

#define NOW (UINT64_C(1700000000) * 1000000)
#define HID_DEVICE "/devices/virtual/misc/uhid/0003:1209:0001.0001"

static const struct style plain = STYLE_PLAIN;
static const struct style coloured = {.utf8 = true, .colour = true};

static const char *two_disagreements[] = {"link 9 is detached", "the scheduler is \"other\""};

static struct policy_row sched = {
	.name = "sched",
	.state = "attached",
	.reason = "boot",
	.type = "sched_ext_ops",
	.enabled = 1,
	.link_id = 9,
	.disagreements = {two_disagreements, 2},
};

/* A template with two instances, and another one that waits for its first. */
static struct policy_row templates[] = {
	{.name = "keys",
	 .state = "waiting",
	 .reason = "boot",
	 .enabled = 1,
	 .is_template = true,
	 .instances = 2},
	{.name = "keys@1",
	 .state = "attached",
	 .reason = "device-gone",
	 .enabled = 1,
	 .template = "keys",
	 .device = HID_DEVICE,
	 .map_id = 4,
	 .link_id = 5},
	{.name = "keys@2", .state = "failed", .reason = "load-failed", .template = "keys"},
	{.name = "mice", .state = "waiting", .reason = "boot", .is_template = true},
};
static const struct policy_rows all_templates = {templates, ARRAY_SIZE(templates)};

static void assert_status(struct policy_row *row, const struct policy_rows *all, const char *wanted)
{
	struct policy_rows rows = {row, 1};
	struct capture c;

	assert_int_equal(text_status(capture_open(&c), &plain, &rows, all, NOW), 0);
	assert_captured(&c, wanted);
}

static void list_marks_what_the_kernel_denies(void **state)
{
	struct policy_rows rows = {&sched, 1};
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &plain, &rows, NOW), 0);
	assert_captured(
		&c, "  NAME   STATE      TYPE           MAP  LINK  SINCE  RESTARTS  DESCRIPTION\n"
		    "● sched  attached!  sched_ext_ops  -    9     -      0         -\n"
		    "\n"
		    "sched: the kernel says: link 9 is detached\n"
		    "sched: the kernel says: the scheduler is \"other\"\n"
		    "\n"
		    "1 policy: 1 attached.\n");
}

static void what_the_kernel_denies_is_red(void **state)
{
	struct policy_rows rows = {&sched, 1};
	struct capture c;

	capture_open(&c);
	assert_int_equal(text_list(c.file, &coloured, &rows, NOW), 0);
	assert_int_equal(text_status(c.file, &coloured, &rows, &rows, NOW), 0);
	fflush(c.file);
	assert_non_null(strstr(c.text, "\033[1;31mattached!\033[0m"));
	assert_non_null(
		strstr(c.text, "\n\033[1;31msched: the kernel says: link 9 is detached\033[0m\n"));
	assert_non_null(strstr(c.text, "\n\033[1;31mKernel says: link 9 is detached\033[0m\n"));
	assert_non_null(strstr(c.text, "State: \033[1;31mattached\033[0m (boot)"));
	assert_null(strstr(c.text, "\033[1;32m")); /* nothing about it is green */
	fclose(c.file);
	free(c.text);
}

static void list_counts_instances(void **state)
{
	struct capture c;

	assert_int_equal(text_list(capture_open(&c), &plain, &all_templates, NOW), 0);
	assert_captured(
		&c,
		"  NAME    STATE                  TYPE  MAP  LINK  SINCE  RESTARTS  DESCRIPTION\n"
		"● keys    waiting (2 instances)  -     -    -     -      0         -\n"
		"● keys@1  attached               -     -    5     -      0         -\n"
		"● keys@2  failed (load-failed)   -     -    -     -      0         -\n"
		"● mice    waiting (0 instances)  -     -    -     -      0         -\n"
		"\n"
		"4 policies: 1 attached, 2 waiting, 1 failed.\n");
}

static void status_says_what_the_kernel_says(void **state)
{
	assert_status(&sched, &all_templates,
		      "● sched\n"
		      "      State: attached (boot)\n"
		      "Kernel says: link 9 is detached\n"
		      "Kernel says: the scheduler is \"other\"\n"
		      "       Type: sched_ext_ops\n"
		      "       Link: id 9\n"
		      "   Restarts: 0\n"
		      "    Enabled: yes\n");
}

static void status_of_a_template_lists_its_instances(void **state)
{
	assert_status(&templates[0], &all_templates,
		      "● keys\n"
		      "      State: waiting (boot)\n"
		      "   Restarts: 0\n"
		      "  Instances: 2\n"
		      "             keys@1  attached\n"
		      "             keys@2  failed (load-failed)\n"
		      "    Enabled: yes\n");
	assert_status(&templates[3], &all_templates,
		      "● mice\n"
		      "      State: waiting (boot)\n"
		      "   Restarts: 0\n"
		      "  Instances: 0\n"
		      "    Enabled: no\n");
}

static void status_of_an_instance_has_device_and_template(void **state)
{
	assert_status(&templates[1], &all_templates,
		      "● keys@1\n"
		      "      State: attached (device-gone)\n"
		      "       Link: id 5\n"
		      "     Device: " HID_DEVICE "\n"
		      "   Restarts: 0\n"
		      "   Template: keys\n"
		      "    Enabled: yes\n");
}

static void status_tells_users_and_defaults(void **state)
{
	struct row_default defaults[] = {{"", "cubic"}, {"/run/netns/blue", ""}};
	struct policy_row row = {.name = "tcp",
				 .state = "attached",
				 .link_id = 5,
				 .users_known = true,
				 .users = 3,
				 .defaults = defaults,
				 .n_defaults = 2};

	assert_status(&row, &all_templates,
		      "● tcp\n"
		      "      State: attached\n"
		      "       Link: id 5\n"
		      "    Used by: 3 sockets, namespaces or qdiscs besides its link\n"
		      " Default of: this network namespace (before: cubic)\n"
		      "             /run/netns/blue (before: not known)\n"
		      "   Restarts: 0\n"
		      "    Enabled: no\n");
}

static void nobody_is_an_answer(void **state)
{
	struct policy_row row = {
		.name = "tcp", .state = "attached", .link_id = 5, .users_known = true};

	assert_status(&row, &all_templates,
		      "● tcp\n"
		      "      State: attached\n"
		      "       Link: id 5\n"
		      "    Used by: nothing besides its link\n"
		      "   Restarts: 0\n"
		      "    Enabled: no\n");
	row.users = 1;
	row.link_id = 0;
	assert_status(&row, &all_templates,
		      "● tcp\n"
		      "      State: attached\n"
		      "    Used by: 1 socket, namespace or qdisc\n"
		      "   Restarts: 0\n"
		      "    Enabled: no\n");
}

static void status_tells_the_last_exit(void **state)
{
	struct policy_row row = {.name = "s",
				 .state = "failed",
				 .exit_kind = 66,
				 .exit_code = INT64_C(0x1000100000000),
				 .exit_reason = "unregistered from the main kernel",
				 .exit_message = "cpu 1\033[2J going offline",
				 .exit_file = "/run/structopsd/exits/s"};

	assert_status(&row, &all_templates,
		      "● s\n"
		      "      State: failed\n"
		      "   Restarts: 0\n"
		      "  Last exit: unregistered from the main kernel (kind 66, UNREG_KERN)\n"
		      "             cpu 1?[2J going offline\n"
		      "             code 0x1000100000000 (ACT_RESTART, RSN_HOTPLUG)\n"
		      "             /run/structopsd/exits/s\n"
		      "    Enabled: no\n");
}

static void an_exit_may_say_little(void **state)
{
	struct policy_row row = {.name = "s", .state = "failed", .exit_kind = 4000};

	assert_status(&row, &all_templates,
		      "● s\n"
		      "      State: failed\n"
		      "   Restarts: 0\n"
		      "  Last exit: (kind 4000)\n"
		      "    Enabled: no\n");
}

static void codes_are_named(void **state)
{
	static const struct {
		int64_t code;
		const char *text;
	} cases[] = {
		{77, "0x4d"},
		{-1, "0xffffffffffffffff"},
		{INT64_C(1) << 48, "0x1000000000000 (ACT_RESTART)"},
		{INT64_C(2) << 32, "0x200000000 (RSN_CGROUP_OFFLINE)"},
		{(INT64_C(1) << 48) + 77, "0x100000000004d (ACT_RESTART, 0x4d)"},
		{(INT64_C(3) << 32) + (INT64_C(1) << 48),
		 "0x1000300000000 (ACT_RESTART, 0x300000000)"},
		{(INT64_C(0x10002) << 32) + UINT32_MAX,
		 "0x10002ffffffff (ACT_RESTART, RSN_CGROUP_OFFLINE, 0xffffffff)"},
	};
	char buffer[EXIT_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(exit_code_text(buffer, cases[i].code), cases[i].text);
	assert_string_equal(exit_kind_name(1026), "ERROR_STALL");
	assert_null(exit_kind_name(63));
}

static void foreign_attachments_have_a_line_a_holder(void **state)
{
	const char *holders[] = {"bpftool[4711]", "pin /sys/fs/bpf/theirs"};
	struct foreign_row items[] = {
		{.type = "tcp_congestion_ops",
		 .map = "bpf_theirs",
		 .map_id = 31,
		 .link_id = 17,
		 .holders = {holders, 2}},
		{.map_id = 32},
	};
	struct foreign_rows rows = {items, 2, true};
	struct capture c;

	assert_int_equal(text_foreign(capture_open(&c), &plain, &rows), 0);
	assert_captured(&c,
			"\n"
			"Attached by others:\n"
			"  TYPE                MAP         MAP-ID  LINK  HELD BY\n"
			"  tcp_congestion_ops  bpf_theirs  31      17    bpftool[4711]\n"
			"                                                pin /sys/fs/bpf/theirs\n"
			"  -                   -           32      -     -\n");
	rows.n = 0;
	assert_int_equal(text_foreign(capture_open(&c), &plain, &rows), 0);
	assert_captured(&c, "\nAttached by others: nothing.\n");
}

static void what_is_in_effect(void **state)
{
	struct policy_row updating = {.name = "a", .state = "updating"};
	struct policy_row waiting = {.name = "a", .state = "waiting"};
	struct policy_row of_keys[] = {templates[1], templates[1]};
	struct policy_rows all_attached = {of_keys, 2}, none = {0};

	assert_true(policy_row_is_in_effect(&updating, &none));
	assert_false(policy_row_is_in_effect(&waiting, &none));
	assert_false(policy_row_is_in_effect(&sched, &none));

	assert_true(policy_row_is_in_effect(&templates[0], &all_attached));
	assert_false(policy_row_is_in_effect(&templates[0], &all_templates)); /* one has failed */
	assert_false(policy_row_is_in_effect(&templates[0], &none));
	assert_false(policy_row_is_in_effect(&templates[3], &all_attached)); /* those of another */
	of_keys[1].disagreements = sched.disagreements;
	assert_false(policy_row_is_in_effect(&templates[0], &all_attached));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_marks_what_the_kernel_denies),
		cmocka_unit_test(what_the_kernel_denies_is_red),
		cmocka_unit_test(list_counts_instances),
		cmocka_unit_test(status_says_what_the_kernel_says),
		cmocka_unit_test(status_of_a_template_lists_its_instances),
		cmocka_unit_test(status_of_an_instance_has_device_and_template),
		cmocka_unit_test(status_tells_users_and_defaults),
		cmocka_unit_test(nobody_is_an_answer),
		cmocka_unit_test(status_tells_the_last_exit),
		cmocka_unit_test(an_exit_may_say_little),
		cmocka_unit_test(codes_are_named),
		cmocka_unit_test(foreign_attachments_have_a_line_a_holder),
		cmocka_unit_test(what_is_in_effect),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
