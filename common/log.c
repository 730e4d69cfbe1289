/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* CODE_FILE= would always name this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* Longer texts are put on the heap. */
#define TEXT_ON_STACK 2048
/* sd_journal_sendv() says that all went well where this does not exist. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define TEXT_CUT " … (cut: out of memory)"
#define FIELD_MAX 256

#define MESSAGE_FIELD "MESSAGE="
#define MESSAGE_FIELD_LENGTH (sizeof(MESSAGE_FIELD) - 1)

enum log_form {
	LOG_FORM_JOURNAL,
	LOG_FORM_PREFIXED, /* stderr is read by the journal: "<4>text", so that it learns the priority */
	LOG_FORM_PLAIN, /* stderr is read by a person or a file: "structopsd[warning]: text" */
};

static struct {
	enum log_form form;
	enum log_form fallback; /* where the journal cannot be reached */
	int max_level;
} log_state = {
	.form = LOG_FORM_PLAIN,
	.fallback = LOG_FORM_PLAIN,
	.max_level = LOG_INFO,
};

static const char *const log_target_table[] = {
	[LOG_TARGET_AUTO] = "auto",
	[LOG_TARGET_JOURNAL] = "journal",
	[LOG_TARGET_STDERR] = "stderr",
};
_Static_assert(ARRAY_SIZE(log_target_table) == _LOG_TARGET_MAX, "every target has a word");
DEFINE_STRING_TABLE(log_target, enum log_target)

static const char *const log_level_table[] = {
	[LOG_EMERG] = "emerg", [LOG_ALERT] = "alert",     [LOG_CRIT] = "crit",
	[LOG_ERR] = "err",     [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};
DEFINE_STRING_TABLE(log_level, int)

/* systemd says in JOURNAL_STREAM which socket it gave us; children inherit the word, but may have another stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_setup(enum log_target target, int max_level)
{
	bool journal_reads = stderr_is_journal();

	log_state.fallback = journal_reads ? LOG_FORM_PREFIXED : LOG_FORM_PLAIN;
	log_state.form = log_state.fallback;
	log_set_max_level(max_level);
	if (target == LOG_TARGET_STDERR || (target == LOG_TARGET_AUTO && !journal_reads))
		return;
	if (access(JOURNAL_SOCKET, F_OK) < 0)
		log_warning("no journal at " JOURNAL_SOCKET ": %s; logging to stderr",
			    strerror(errno));
	else
		log_state.form = LOG_FORM_JOURNAL;
}

void log_set_max_level(int max_level)
{
	log_state.max_level = max_level;
}

static void write_line(enum log_form form, int level, const char *line, size_t length)
{
	if (form == LOG_FORM_PREFIXED)
		fprintf(stderr, "<%d>%.*s\n", level, (int)length, line);
	else
		fprintf(stderr, "%s[%s]: %.*s\n", program_invocation_short_name,
			log_level_to_string(level), (int)length, line);
}

/* Each line gets the head: what reads stderr takes lines apart. */
static void write_stderr(enum log_form form, int level, const char *text)
{
	for (;;) {
		size_t length = strcspn(text, "\n");

		write_line(form, level, text, length);
		text += length;
		/* A newline at the end is no further line. */
		if (text[0] == '\0' || text[1] == '\0')
			return;
		text++;
	}
}

struct journal_entry {
	struct iovec fields[8];
	char texts[8][FIELD_MAX];
	int n;
};

static void entry_add(struct journal_entry *e, const char *name, const char *value)
{
	char *text = e->texts[e->n];

	if (!value)
		return;
	snprintf(text, FIELD_MAX, "%s=%s", name, value);
	e->fields[e->n++] = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
}

static void entry_add_number(struct journal_entry *e, const char *name, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	entry_add(e, name, text);
}

static int write_journal(int level, const struct log_fields *fields, char *message)
{
	struct journal_entry e = {.n = 0};
	struct iovec iov[ARRAY_SIZE(e.fields) + 1];

	entry_add_number(&e, "PRIORITY", level);
	if (fields) {
		entry_add(&e, "POLICY", fields->policy);
		entry_add(&e, "STATE", fields->state);
		entry_add(&e, "REASON", fields->reason);
		entry_add(&e, "MESSAGE_ID", fields->message_id);
		if (fields->link_id != 0)
			entry_add_number(&e, "LINK_ID", fields->link_id);
		if (fields->exit_kind != 0) {
			entry_add_number(&e, "STRUCTOPS_EXIT_KIND", fields->exit_kind);
			entry_add_number(&e, "STRUCTOPS_EXIT_CODE", fields->exit_code);
		}
	}
	iov[0] = (struct iovec){.iov_base = message, .iov_len = strlen(message)};
	memcpy(iov + 1, e.fields, sizeof(struct iovec) * (size_t)e.n);
	return sd_journal_sendv(iov, e.n + 1);
}

/* "MESSAGE=policy: text", and its whole length whether it fitted or not. */
static size_t format_message(char *buffer, size_t size, const char *policy, const char *format,
			     va_list arguments) _printf_(4, 0);
static size_t format_message(char *buffer, size_t size, const char *policy, const char *format,
			     va_list arguments)
{
	int head = snprintf(buffer, size, MESSAGE_FIELD "%s%s", or_empty(policy),
			    policy ? ": " : "");
	size_t used = MIN((size_t)MAX(head, 0), size - 1);
	int text = vsnprintf(buffer + used, size - used, format, arguments);

	/* vsnprintf refuses what cannot be formatted; the format itself is better than nothing. */
	if (text < 0)
		text = snprintf(buffer + used, size - used, "%s", format);
	return (size_t)head + (size_t)text;
}

static void send_message(int level, const struct log_fields *fields, char *message)
{
	if (log_state.form == LOG_FORM_JOURNAL && write_journal(level, fields, message) >= 0)
		return;
	write_stderr(log_state.form == LOG_FORM_JOURNAL ? log_state.fallback : log_state.form,
		     level, message + MESSAGE_FIELD_LENGTH);
}

void log_full(int level, const struct log_fields *fields, const char *format, ...)
{
	const char *policy = fields ? fields->policy : NULL;
	char on_stack[TEXT_ON_STACK];
	_cleanup_(freep) char *on_heap = NULL;
	int saved_errno = errno;
	va_list arguments, again;
	size_t length;

	if (level > log_state.max_level)
		return;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = format_message(on_stack, sizeof(on_stack), policy, format, arguments);
	if (length >= sizeof(on_stack)) {
		on_heap = malloc(length + 1);
		if (on_heap)
			format_message(on_heap, length + 1, policy, format, again);
		else
			strcpy(on_stack + sizeof(on_stack) - sizeof(TEXT_CUT), TEXT_CUT);
	}
	va_end(again);
	va_end(arguments);

	send_message(level, fields, on_heap ?: on_stack);
	errno = saved_errno;
}
