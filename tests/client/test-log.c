/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What log_full() sends where. The linker puts the journal of this file in place of the real one (--wrap). */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "common/log.h"
#include "tests/unit/test.h"

#define MAX_TEXT 8192

static struct {
	char fields[MAX_TEXT]; /* one a line */
	int n_fields;
	bool is_there, takes_it;
} journal;

static bool memory_is_short;

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);
int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
	journal.n_fields = n;
	for (int i = 0; i < n; i++) {
		strncat(journal.fields, iov[i].iov_base, iov[i].iov_len);
		strcat(journal.fields, "\n");
	}
	return journal.takes_it ? 0 : -ECONNREFUSED;
}

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	errno = ENOENT;
	return journal.is_there ? 0 : -1;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return memory_is_short ? NULL : __real_malloc(size);
}

/* stderr is a file in memory while a test runs. */
struct capture {
	int file, saved;
	char text[MAX_TEXT];
};

static char program[] = "structopsd";

static int start(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));

	fflush(stderr);
	c->saved = dup(STDERR_FILENO);
	c->file = memfd_create("stderr", 0);
	dup2(c->file, STDERR_FILENO);
	memset(&journal, 0, sizeof(journal));
	journal.is_there = journal.takes_it = true;
	unsetenv("JOURNAL_STREAM");
	program_invocation_short_name = program;
	*state = c;
	return 0;
}

static int stop(void **state)
{
	struct capture *c = *state;

	memory_is_short = false;
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->file);
	free(c);
	return 0;
}

/* What came to stderr since the last call. */
static const char *captured(void **state)
{
	struct capture *c = *state;
	ssize_t n = pread(c->file, c->text, sizeof(c->text) - 1, 0);

	assert_true(n >= 0);
	c->text[n] = '\0';
	assert_int_equal(ftruncate(c->file, 0), 0);
	lseek(c->file, 0, SEEK_SET);
	return c->text;
}

static void connect_stderr_to_journal(void)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

static const struct log_fields gentle = {
	.policy = "bpf-gentle",
	.state = "attached",
	.reason = "boot",
	.link_id = 7,
	.message_id = MESSAGE_ID_ATTACHED,
};

static void plain_lines_name_program_level_and_policy(void **state)
{
	log_setup(LOG_TARGET_AUTO, LOG_INFO);
	log_warning("%d of %d", 1, 2);
	assert_string_equal(captured(state), "structopsd[warning]: 1 of 2\n");
	log_full(LOG_INFO, &gentle, "attached as link %d", 7);
	assert_string_equal(captured(state), "structopsd[info]: bpf-gentle: attached as link 7\n");
	assert_int_equal(journal.n_fields, 0);
}

static void each_line_gets_the_head(void **state)
{
	log_setup(LOG_TARGET_STDERR, LOG_INFO);
	log_error("one\ntwo\n");
	assert_string_equal(captured(state), "structopsd[err]: one\nstructopsd[err]: two\n");
}

static void levels_are_cut(void **state)
{
	log_setup(LOG_TARGET_STDERR, LOG_NOTICE);
	log_info("not said");
	log_notice("said");
	assert_string_equal(captured(state), "structopsd[notice]: said\n");
	log_set_max_level(LOG_DEBUG);
	log_debug("said too");
	assert_string_equal(captured(state), "structopsd[debug]: said too\n");
}

static void the_journal_gets_fields(void **state)
{
	connect_stderr_to_journal();
	log_setup(LOG_TARGET_AUTO, LOG_INFO);
	log_full(LOG_INFO, &gentle, "attached as link %d", 7);
	assert_string_equal(
		journal.fields,
		"MESSAGE=bpf-gentle: attached as link 7\nPRIORITY=6\nPOLICY=bpf-gentle\n"
		"STATE=attached\nREASON=boot\nMESSAGE_ID=" MESSAGE_ID_ATTACHED "\nLINK_ID=7\n");
	assert_string_equal(captured(state), "");
}

static void the_journal_gets_exits(void **state)
{
	const struct log_fields fields = {.exit_kind = 66, .exit_code = -(1LL << 62)};

	log_setup(LOG_TARGET_JOURNAL, LOG_INFO);
	log_full(LOG_INFO, &fields, "text");
	assert_string_equal(journal.fields, "MESSAGE=text\nPRIORITY=6\nSTRUCTOPS_EXIT_KIND=66\n"
					    "STRUCTOPS_EXIT_CODE=-4611686018427387904\n");
}

static void missing_fields_are_left_out(void **state)
{
	log_setup(LOG_TARGET_JOURNAL, LOG_INFO);
	log_error("text");
	assert_string_equal(journal.fields, "MESSAGE=text\nPRIORITY=3\n");
}

/* A child of a service inherits JOURNAL_STREAM, and may have been given another stderr. */
static void another_stderr_is_not_the_journal(void **state)
{
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_setup(LOG_TARGET_AUTO, LOG_INFO);
	log_error("text");
	assert_int_equal(journal.n_fields, 0);
	assert_string_equal(captured(state), "structopsd[err]: text\n");
}

static void stderr_to_the_journal_carries_the_priority(void **state)
{
	connect_stderr_to_journal();
	log_setup(LOG_TARGET_STDERR, LOG_INFO);
	log_warning("one\ntwo");
	assert_int_equal(journal.n_fields, 0);
	assert_string_equal(captured(state), "<4>one\n<4>two\n");
}

static void a_journal_that_fails_loses_nothing(void **state)
{
	journal.takes_it = false;
	log_setup(LOG_TARGET_JOURNAL, LOG_INFO);
	log_full(LOG_ERR, &gentle, "text");
	assert_string_equal(captured(state), "structopsd[err]: bpf-gentle: text\n");
}

static void no_journal_is_said_once(void **state)
{
	journal.is_there = false;
	log_setup(LOG_TARGET_JOURNAL, LOG_INFO);
	assert_non_null(strstr(captured(state), "no journal at /run/systemd/journal/socket"));
	log_error("text");
	assert_int_equal(journal.n_fields, 0);
	assert_string_equal(captured(state), "structopsd[err]: text\n");
}

static void long_texts_are_whole(void **state)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_setup(LOG_TARGET_STDERR, LOG_INFO);
	log_full(LOG_ERR, &gentle, "%s", text);
	assert_int_equal(strlen(captured(state)),
			 strlen("structopsd[err]: bpf-gentle: \n") + sizeof(text) - 1);
}

static void without_memory_long_texts_are_cut(void **state)
{
	char text[5000];
	const char *line;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_setup(LOG_TARGET_STDERR, LOG_INFO);
	memory_is_short = true;
	log_error("%s", text);
	memory_is_short = false;
	line = captured(state);
	assert_true(strlen(line) > 1900);
	assert_non_null(strstr(line, "xxx … (cut: out of memory)\n"));
}

static void errno_survives(void **state)
{
	log_setup(LOG_TARGET_STDERR, LOG_INFO);
	errno = ENOTTY;
	log_error("%s", "text");
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(log_error_errno(-EBUSY, "cannot %s", "do it"), -EBUSY);
	assert_non_null(strstr(captured(state), "cannot do it: Device or resource busy\n"));
}

static void words_of_levels_and_targets(void **state)
{
	for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
		assert_int_equal(log_level_from_string(log_level_to_string(level)), level);
	assert_int_equal(log_level_from_string("loud"), -EINVAL);
	assert_int_equal(log_target_from_string("journal"), LOG_TARGET_JOURNAL);
	assert_int_equal(log_target_from_string("syslog"), -EINVAL);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(plain_lines_name_program_level_and_policy),
		LOG_TEST(each_line_gets_the_head),
		LOG_TEST(levels_are_cut),
		LOG_TEST(the_journal_gets_fields),
		LOG_TEST(the_journal_gets_exits),
		LOG_TEST(missing_fields_are_left_out),
		LOG_TEST(another_stderr_is_not_the_journal),
		LOG_TEST(stderr_to_the_journal_carries_the_priority),
		LOG_TEST(a_journal_that_fails_loses_nothing),
		LOG_TEST(no_journal_is_said_once),
		LOG_TEST(long_texts_are_whole),
		LOG_TEST(without_memory_long_texts_are_cut),
		LOG_TEST(errno_survives),
		LOG_TEST(words_of_levels_and_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
