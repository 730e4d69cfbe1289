/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ini.h>

#include "daemon/core/ini.h"
#include "common/sentence.h"
#include "daemon/core/utf8.h"

#define BLANKS " \t\n\v\f\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

_Static_assert(INI_KEY_MAX + sizeof("=\n") <= INI_MAX_LINE, "a key fits into inih's line");

enum where {
	BEFORE_SECTIONS,
	IN_SECTION,
	IN_BROKEN_SECTION, /* its header was refused: whose its keys are nobody knows */
};

/*
 * inih calls read_assignment() for a line and, while it still has that line, on_assignment(): so what the
 * reader knows of the present line is what belongs to the handler's call. inih gets "key =" alone. Values and
 * section names stay here, as its buffers would cut them.
 */
struct reader {
	const char *file;
	const char *next, *end; /* what has not been read */
	unsigned line;
	char text[INI_LINE_MAX + 1]; /* the present line */

	enum where where;
	char section[INI_LINE_MAX + 1];
	unsigned section_line;
	char op;
	const char *value; /* points into text */

	ini_handler_t handler;
	void *userdata;
	struct messages *messages;
	size_t n_messages; /* at the start */
	bool refused;      /* a line */
	int error;         /* of the handler, or -ENOMEM: ends the parsing */
};

_printf_(2, 3) static void refuse(struct reader *r, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = sentence_va(format, args);
	va_end(args);
	r->refused = true;
	r->error = text ? messages_add(r->messages, "%s:%u: %s", r->file, r->line, text) : -ENOMEM;
}

static char *strip(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Cuts "; …" off, at the start of the line or behind a blank, and a line that starts with '#'. */
static void cut_comment(char *line)
{
	if (*line == '#')
		*line = '\0';
	for (char *s = line; *s; s++)
		if (*s == ';' && (s == line || strchr(BLANKS, s[-1]))) {
			*s = '\0';
			return;
		}
}

static char first_letter(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] != ' ' && line[i] != '\t')
			return line[i];
	return '\0';
}

/* The next raw line: bounded, text only. False: it was refused. */
static bool take_line(struct reader *r)
{
	const char *start = r->next;
	const char *newline = memchr(start, '\n', (size_t)(r->end - start));
	size_t length = (size_t)((newline ? newline : r->end) - start);
	size_t n_valid;

	r->next = newline ? newline + 1 : r->end;
	r->line++;
	if (length > 0 && start[length - 1] == '\r')
		length--;
	/* Until it proves to be a good one: keys below a bad header must not go to the section above. */
	if (first_letter(start, length) == '[')
		r->where = IN_BROKEN_SECTION;

	if (length > INI_LINE_MAX) {
		refuse(r, "the line has %zu bytes, expected at most %d", length, INI_LINE_MAX);
		return false;
	}
	if (memchr(start, '\0', length)) {
		refuse(r, "byte %zu of the line is NUL, expected text", strnlen(start, length) + 1);
		return false;
	}
	n_valid = utf8_valid_length(start, length);
	if (n_valid < length) {
		refuse(r, "byte %zu of the line (0x%02x) is not valid UTF-8, expected UTF-8 text",
		       n_valid + 1, (unsigned char)start[n_valid]);
		return false;
	}
	memcpy(r->text, start, length);
	r->text[length] = '\0';
	return true;
}

/* Copies a section's name; runs of blanks within it become one space. */
static void set_section(struct reader *r, const char *name)
{
	char *to = r->section;

	while (*name) {
		size_t n_blanks = strspn(name, BLANKS);

		if (n_blanks > 0)
			*to++ = ' ';
		name += n_blanks;
		if (*name)
			*to++ = *name++;
	}
	*to = '\0';
	r->section_line = r->line;
	r->where = IN_SECTION;
}

static void call_handler(struct reader *r, const char *key)
{
	const struct ini_item item = {
		.section = r->section,
		.key = key,
		.value = key ? r->value : "",
		.op = key ? r->op : '=',
		.file = r->file,
		.line = r->line,
		.section_line = r->section_line,
	};
	int error = r->handler(r->userdata, &item);

	r->error = MIN(error, 0);
}

static void take_header(struct reader *r, char *line)
{
	char *end = strchr(line, ']');
	char *name;

	if (!end) {
		refuse(r, "no ']' behind \"%s\", expected \"[section]\"", line);
		return;
	}
	if (end[1] != '\0') {
		refuse(r, "\"%s\" behind the header, expected it on a line of its own",
		       end + 1 + strspn(end + 1, BLANKS));
		return;
	}
	*end = '\0';
	name = strip(line + 1);
	if (*name == '\0') {
		refuse(r, "\"[]\" names no section, expected \"[section]\"");
		return;
	}
	set_section(r, name);
	call_handler(r, NULL);
}

/* What passes here inih takes as it is: to it ':' is a '=', and a blank may start a comment. */
static bool check_key(struct reader *r, const char *key)
{
	if (*key == '\0')
		refuse(r, "no key before the '=', expected \"key = value\"");
	else if (strlen(key) > INI_KEY_MAX)
		refuse(r, "the key has %zu bytes, expected at most %d", strlen(key), INI_KEY_MAX);
	else if (strchr(key, ':'))
		refuse(r, "':' in the key \"%s\", expected \"key = value\"", key);
	else if (strpbrk(key, BLANKS))
		refuse(r, "a blank in the key \"%s\", expected \"key = value\"", key);
	else if (r->where == BEFORE_SECTIONS)
		refuse(r, "\"%s\" stands before any section, expected \"[section]\" above it", key);
	else
		return true;
	return false;
}

/* Splits "key = value" or "key |= value"; NULL: refused. */
static const char *take_assignment(struct reader *r, char *line)
{
	char *equals = strchr(line, '=');
	char *key;

	if (!equals) {
		refuse(r, "no '=' in \"%s\", expected \"key = value\"", line);
		return NULL;
	}
	*equals = '\0';
	r->value = equals + 1 + strspn(equals + 1, BLANKS);
	r->op = '=';
	if (equals > line && strchr("|&", equals[-1])) {
		r->op = equals[-1];
		equals[-1] = '\0';
	}
	key = strip(line);
	if (!check_key(r, key))
		return NULL;
	return r->where == IN_SECTION ? key : NULL;
}

/* The next line; a key when it is an assignment that the handler shall get. */
static const char *next_key(struct reader *r)
{
	char *line;

	if (!take_line(r))
		return NULL;
	line = strip(r->text);
	cut_comment(line);
	line = strip(line);
	if (*line == '\0')
		return NULL;
	if (*line == '[') {
		take_header(r, line);
		return NULL;
	}
	return take_assignment(r, line);
}

static void give_up_on_many_errors(struct reader *r)
{
	if (r->messages->n - r->n_messages < INI_ERRORS_MAX || r->next == r->end)
		return;
	refuse(r, "too many errors, the rest of the file was not read");
	r->next = r->end;
}

/* An ini_reader. */
static char *read_assignment(char *buffer, int size, void *stream)
{
	struct reader *r = stream;

	while (r->error >= 0 && r->next < r->end) {
		const char *key = next_key(r);

		if (r->error >= 0)
			give_up_on_many_errors(r);
		if (key) {
			snprintf(buffer, (size_t)size, "%s=\n", key);
			return buffer;
		}
	}
	return NULL;
}

/* An ini_handler: section and value are those of struct reader. */
static int on_assignment(void *user, const char *section, const char *name, const char *value)
{
	call_handler(user, name);
	return 1;
}

int ini_parse_text(const char *file, const char *text, size_t length, ini_handler_t handler,
		   void *userdata, struct messages *messages)
{
	_cleanup_(freep) struct reader *r = malloc(sizeof(*r));
	int n;

	if (!r)
		return -ENOMEM;
	*r = (struct reader){
		.file = file,
		.next = text,
		.end = text + length,
		.handler = handler,
		.userdata = userdata,
		.messages = messages,
		.n_messages = messages->n,
	};
	if (length >= strlen(BYTE_ORDER_MARK) &&
	    memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		r->next += strlen(BYTE_ORDER_MARK);

	n = ini_parse_stream(read_assignment, r, on_assignment, r);
	if (n == -2) /* builds of inih that have their line on the heap */
		return -ENOMEM;
	if (r->error < 0)
		return r->error;
	return r->refused ? -EBADMSG : 0;
}
