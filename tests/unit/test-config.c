/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <syslog.h>

#include "daemon/core/config.h"
#include "daemon/core/strv.h"
#include "tests/unit/scratch.h"

static char *join(char *const *list)
{
	char *text = calloc(1, 1024);

	assert_non_null(text);
	for (size_t i = 0; list && list[i]; i++)
		snprintf(text + strlen(text), 1024 - strlen(text), "%s%s", i > 0 ? ":" : "",
			 list[i]);
	return text;
}

static void assert_list(char *const *list, const char *expected)
{
	_cleanup_(freep) char *text = join(list);

	assert_string_equal(text, expected);
}

static void assert_defaults(const struct config *c)
{
	assert_list(c->policy_path,
		    "/etc/structopsd/policies.d:/run/structopsd/policies.d:"
		    "/usr/local/lib/structopsd/policies.d:/usr/lib/structopsd/policies.d");
	assert_list(c->object_path,
		    "/etc/structopsd/objects:/run/structopsd/objects:"
		    "/usr/local/lib/structopsd/objects:/usr/lib/structopsd/objects");
	assert_string_equal(c->runtime_dir, "/run/structopsd");
	assert_int_equal(c->log_level, LOG_INFO);
	assert_int_equal(c->keep_links, KEEP_LINKS_AUTO);
	assert_false(c->watch_policies);
	assert_null(c->view_group);
	assert_null(c->manage_group);
	assert_int_equal(c->worker_timeout, 30 * USEC_PER_SEC);
	assert_int_equal(c->workers_max, 0);
}

/* Reads SCRATCH/x.conf and its drop-ins over the defaults. */
static int read_config(const struct scratch *s, bool must_exist, struct config *c,
		       struct messages *messages)
{
	_cleanup_(freep) char *file = scratch_path(s, "x.conf");

	assert_int_equal(config_init(c), 0);
	return config_read(c, file, must_exist, messages);
}

static void test_defaults(void **state)
{
	_cleanup_(config_done) struct config c = {0};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;

	assert_int_equal(read_config(*state, false, &c, &messages), 0);
	assert_int_equal(messages.n, 0);
	assert_defaults(&c);
}

static const char every_key[] = "[Daemon]\n"
				"PolicyPath=/a/p:/b/p\n"
				"ObjectPath=/a/o\n"
				"RuntimeDir=/tmp/run\n"
				"LogLevel=debug\n"
				"KeepLinks=no\n"
				"WatchPolicies=yes\n"
				"ViewGroup=adm\n"
				"ManageGroup=1000\n"
				"WorkerTimeoutSec=1min\n"
				"WorkersMax=3\n";

static void test_every_key(void **state)
{
	_cleanup_(config_done) struct config c = {0};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;

	scratch_text(*state, "x.conf", every_key);
	assert_int_equal(read_config(*state, true, &c, &messages), 0);
	assert_list(c.policy_path, "/a/p:/b/p");
	assert_list(c.object_path, "/a/o");
	assert_string_equal(c.runtime_dir, "/tmp/run");
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_int_equal(c.keep_links, KEEP_LINKS_NO);
	assert_true(c.watch_policies);
	assert_string_equal(c.view_group, "adm");
	assert_string_equal(c.manage_group, "1000");
	assert_int_equal(c.worker_timeout, USEC_PER_MINUTE);
	assert_int_equal(c.workers_max, 3);
}

static void test_reset(void **state)
{
	_cleanup_(config_done) struct config c = {0};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;

	scratch_text(*state, "x.conf", every_key);
	scratch_text(*state, "x.conf.d/1.conf",
		     "[Daemon]\nPolicyPath=\nObjectPath=\nRuntimeDir=\nLogLevel=\nKeepLinks=\n"
		     "WatchPolicies=\n"
		     "ViewGroup=\nManageGroup=\nWorkerTimeoutSec=\nWorkersMax=\n");
	assert_int_equal(read_config(*state, true, &c, &messages), 0);
	assert_defaults(&c);
}

static void test_dropins_in_order(void **state)
{
	_cleanup_(config_done) struct config c = {0};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;

	scratch_text(*state, "x.conf", "[Daemon]\nWorkersMax=1\nViewGroup=a\nManageGroup=m\n");
	scratch_text(*state, "x.conf.d/20.conf", "[Daemon]\nWorkersMax=20\n");
	scratch_text(*state, "x.conf.d/10.conf", "[Daemon]\nWorkersMax=10\nViewGroup=b\n");
	scratch_text(*state, "x.conf.d/30.txt", "[Daemon]\nWorkersMax=30\n");
	scratch_text(*state, "x.conf.d/.40.conf", "[Daemon]\nWorkersMax=40\n");
	scratch_link(*state, "x.conf.d/50.conf", "/dev/null");
	scratch_text(*state, "x.conf.d/60.conf", "");
	assert_int_equal(read_config(*state, true, &c, &messages), 0);
	assert_int_equal(c.workers_max, 20);
	assert_string_equal(c.view_group, "b");
	assert_string_equal(c.manage_group, "m");
}

static void test_only_dropins(void **state)
{
	_cleanup_(config_done) struct config c = {0};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;

	scratch_text(*state, "x.conf.d/10.conf", "[Daemon]\nWorkersMax=10\n");
	assert_int_equal(read_config(*state, false, &c, &messages), 0);
	assert_int_equal(c.workers_max, 10);
}

#define LEVELS "expected emerg, alert, crit, err, warning, notice, info or debug"

static void test_messages(void **state)
{
	static const struct {
		const char *text, *message; /* behind the path */
	} cases[] = {
		{"[Deamon]\nWorkersMax=1\n",
		 ":1: [Deamon]: unknown section (did you mean Daemon?), expected [Daemon]"},
		{"[Daemon]\nWorkerMax=1\n",
		 ":2: [Daemon] WorkerMax: unknown key (did you mean WorkersMax?), expected "
		 "PolicyPath, ObjectPath, RuntimeDir, LogLevel, KeepLinks, WatchPolicies, "
		 "ViewGroup, ManageGroup, "
		 "WorkerTimeoutSec or WorkersMax"},
		{"[Daemon]\nWorkersMax |= 1\n",
		 ":2: [Daemon] WorkersMax: \"|=\" is only for fields and globals, expected \"=\""},
		{"[Daemon]\nPolicyPath=/a:b\n",
		 ":2: [Daemon] PolicyPath: \"/a:b\" is no search path, expected absolute folders "
		 "with ':' between them"},
		{"[Daemon]\nObjectPath=:\n",
		 ":2: [Daemon] ObjectPath: \":\" is no search path, expected absolute folders with "
		 "':' between them"},
		{"[Daemon]\nRuntimeDir=run\n",
		 ":2: [Daemon] RuntimeDir: \"run\" is no absolute folder, expected such as "
		 "/run/structopsd"},
		{"[Daemon]\nLogLevel=loud\n",
		 ":2: [Daemon] LogLevel: unknown level \"loud\", " LEVELS},
		{"[Daemon]\nKeepLinks=yes\n",
		 ":2: [Daemon] KeepLinks: unknown word \"yes\", expected auto, fdstore, pin or no"},
		{"[Daemon]\nWorkerTimeoutSec=0\n",
		 ":2: [Daemon] WorkerTimeoutSec: 0 leaves no time to load anything, expected more "
		 "than that"},
		{"[Daemon]\nWorkerTimeoutSec=long\n",
		 ":2: [Daemon] WorkerTimeoutSec: \"long\" is no time span, expected such as 100ms, "
		 "5s or 1min 30s"},
		{"[Daemon]\nWorkersMax=many\n",
		 ":2: [Daemon] WorkersMax: \"many\" is no count, expected a whole number from 0 to "
		 "4294967295"},
		{"[Daemon]\nWorkersMax=1\n[Daemon]\nWorkersMax=2\n",
		 ":4: [Daemon] WorkersMax: \"2\" here, but \"1\" in line 2 below another header of "
		 "the same section, expected one of them"},
		{"WorkersMax=1\n",
		 ":1: \"WorkersMax\" stands before any section, expected \"[section]\" above it"},
	};
	_cleanup_(freep) char *file = scratch_path(*state, "x.conf");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_done) struct config c = {0};
		_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
		_cleanup_(freep) char *expected = NULL;

		scratch_text(*state, "x.conf", cases[i].text);
		assert_int_equal(read_config(*state, true, &c, &messages), -EBADMSG);
		assert_true(asprintf(&expected, "%s%s", file, cases[i].message) > 0);
		assert_int_equal(messages.n, 1);
		assert_string_equal(messages.items[0], expected);
	}
}

static void test_unreadable(void **state)
{
	static const struct {
		const char *what;
		int r;
	} cases[] = {
		{"cannot be opened: No such file or directory", -ENOENT},
		{"this is a folder, expected a regular file", -EINVAL},
	};
	_cleanup_(freep) char *file = scratch_path(*state, "x.conf");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(config_done) struct config c = {0};
		_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
		_cleanup_(freep) char *expected = NULL;

		if (i == 1)
			scratch_folder(*state, "x.conf");
		assert_int_equal(read_config(*state, true, &c, &messages), cases[i].r);
		assert_true(asprintf(&expected, "%s: %s", file, cases[i].what) > 0);
		assert_int_equal(messages.n, 1);
		assert_string_equal(messages.items[0], expected);
	}
}

static void test_unreadable_dropin_folder(void **state)
{
	_cleanup_(config_done) struct config c = {0};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;

	scratch_text(*state, "x.conf.d", "this is a file");
	assert_int_equal(read_config(*state, false, &c, &messages), -ENOTDIR);
	assert_int_equal(messages.n, 1);
	assert_non_null(
		strstr(messages.items[0], "/x.conf.d: the folder cannot be read: Not a directory"));
}

static void test_set_path(void **state)
{
	_cleanup_(strv_freep) char **list = NULL;
	static const char *const bad[] = {"", ":", "a", "/a:b", "/a: /b", " /a"};

	assert_int_equal(config_set_path(&list, "/a"), 0);
	assert_list(list, "/a");
	assert_int_equal(config_set_path(&list, "/b:/c d:"), 0);
	assert_list(list, "/b:/c d");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(config_set_path(&list, bad[i]), -EINVAL);
		assert_list(list, "/b:/c d");
	}
}

#define in_scratch(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_scratch(test_defaults),       in_scratch(test_every_key),
		in_scratch(test_reset),          in_scratch(test_dropins_in_order),
		in_scratch(test_only_dropins),   in_scratch(test_messages),
		in_scratch(test_unreadable),     in_scratch(test_unreadable_dropin_folder),
		cmocka_unit_test(test_set_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
