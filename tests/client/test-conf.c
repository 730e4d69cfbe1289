/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What conf/ ships is true: structopsd.conf names every setting with its default, and the examples are policies. */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <sys/mman.h>

#include "daemon/core/config.h"
#include "daemon/core/policy.h"
#include "tests/unit/test.h"

static const char *const settings[] = {
	"PolicyPath",    "ObjectPath", "RuntimeDir",  "LogLevel",         "KeepLinks",
	"WatchPolicies", "ViewGroup",  "ManageGroup", "WorkerTimeoutSec", "WorkersMax"};

/* The text of a shipped file; "#Key=" lines are uncommented where wanted. */
static char *read_shipped(const char *path, bool uncomment)
{
	FILE *file = fopen(path, "r");
	char *text = NULL, *line = NULL;
	size_t size = 0, room = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(file);
	while (getline(&line, &room, file) > 0) {
		const char *key = line + 1;
		size_t length = strspn(key,
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");
		bool is_setting = *line == '#' && length > 0 &&
				  (key[length] == '=' || strncmp(key + length, " =", 2) == 0);

		fputs(uncomment && is_setting ? key : line, out);
	}
	fclose(out);
	fclose(file);
	free(line);
	return text;
}

static void assert_same_folders(char *const *a, char *const *b)
{
	for (size_t i = 0; a[i] || b[i]; i++)
		assert_text(a[i], b[i]);
}

static void assert_same_config(const struct config *a, const struct config *b)
{
	assert_same_folders(a->policy_path, b->policy_path);
	assert_same_folders(a->object_path, b->object_path);
	assert_text(a->runtime_dir, b->runtime_dir);
	assert_int_equal(a->log_level, b->log_level);
	assert_int_equal(a->keep_links, b->keep_links);
	assert_text(a->view_group, b->view_group);
	assert_text(a->manage_group, b->manage_group);
	assert_int_equal(a->worker_timeout, b->worker_timeout);
	assert_int_equal(a->workers_max, b->workers_max);
}

static void assert_read(struct config *c, const char *path)
{
	struct messages messages = MESSAGES_NULL;
	int r = config_read(c, path, true, &messages);

	if (messages.n > 0)
		fail_msg("%s", messages.items[0]);
	assert_int_equal(r, 0);
}

static void structopsd_conf_names_each_default(void **state)
{
	_cleanup_(freep) char *text = read_shipped(CONF_DIR "/structopsd.conf", true);
	_cleanup_(config_done) struct config built_in = {0}, commented = {0}, shown = {0};
	int fd = memfd_create("conf", 0);
	char path[64], line[64];

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(line, sizeof(line), "\n%s=", settings[i]);
		if (!strstr(text, line))
			fail_msg("%s= is not in structopsd.conf", settings[i]);
	}
	assert_int_equal(config_init(&built_in), 0);
	assert_int_equal(config_init(&commented), 0);
	assert_int_equal(config_init(&shown), 0);
	assert_read(&commented, CONF_DIR "/structopsd.conf");
	assert_same_config(&commented, &built_in);

	assert_true(write(fd, text, strlen(text)) > 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_read(&shown, path);
	assert_same_config(&shown, &built_in);
	close(fd);
}

static struct policy *parse(const char *path, bool uncomment)
{
	struct messages messages = MESSAGES_NULL;
	struct policy_source source = {.path = (char *)path};
	struct policy *policy = NULL;

	source.text = read_shipped(path, uncomment);
	source.length = strlen(source.text);
	if (policy_parse("example", &source, 1, &policy, &messages) < 0)
		fail_msg("%s", messages.n > 0 ? messages.items[0] : "out of memory");
	free(source.text);
	return policy;
}

/* x.bpf.o is made from bpf/x.bpf.c. */
static void assert_shipped(const char *object)
{
	char source[PATH_MAX];

	snprintf(source, sizeof(source), CONF_DIR "/../bpf/%.*s.c", (int)strlen(object) - 2,
		 object);
	if (access(source, F_OK) < 0)
		fail_msg("no example comes with the object %s", object);
}

static void examples_are_policies_and_off(void **state)
{
	glob_t found;

	assert_int_equal(glob(CONF_DIR "/policies/*.policy", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct policy *policy = parse(found.gl_pathv[i], false);

		assert_false(policy->enabled);
		assert_non_null(policy->description);
		assert_shipped(policy->object_path);
		policy_free(policy);
	}
	globfree(&found);
}

/* Its [Attach] shows the defaults, in comments. */
static void tcp_aimd_shows_the_default_rules(void **state)
{
	const char *path = CONF_DIR "/policies/tcp-aimd.policy";
	struct policy *as_is = parse(path, false), *shown = parse(path, true);

	assert_memory_equal(&as_is->restart, &shown->restart, sizeof(shown->restart));
	assert_int_equal(as_is->n_globals, 0);
	assert_int_equal(shown->n_globals, 3);
	policy_free(as_is);
	policy_free(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structopsd_conf_names_each_default),
		cmocka_unit_test(examples_are_policies_and_off),
		cmocka_unit_test(tcp_aimd_shows_the_default_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
