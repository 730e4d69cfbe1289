/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/exit-record.h"

#include "common/sentence.h"
#include "daemon/core/utf8.h"

/* enum scx_exit_code: the upper 16 bits say what to do, the next 16 why, the lower 32 are the scheduler's own. */
#define EXIT_CODE_ACT_RESTART (1LL << 48)
#define EXIT_CODE_RSN_MASK (0xffffLL << 32)
#define EXIT_CODE_RSN_HOTPLUG (1LL << 32)
#define EXIT_CODE_RSN_CGROUP_OFFLINE (2LL << 32)

static bool fits(size_t size, uint32_t offset, size_t length)
{
	return offset <= size && length <= size - offset;
}

static bool layout_fits(const struct exit_layout *l, size_t size)
{
	return l->value_size > 0 && l->value_size <= size && fits(l->value_size, l->kind, 4) &&
	       (l->code == EXIT_OFFSET_NONE || fits(l->value_size, l->code, 8)) &&
	       fits(l->value_size, l->reason, l->reason_size) &&
	       fits(l->value_size, l->message, l->message_size);
}

/*
 * The scheduler wrote it, so it may be anything: ends at the first NUL or at its size, one line, and whatever is no
 * UTF-8 becomes a question mark a byte.
 */
static void copy_text(char *buffer, size_t buffer_size, const char *text, size_t size)
{
	size_t length = strnlen(text, MIN(size, buffer_size - 1)), i = 0;

	while (i < length) {
		size_t valid = utf8_valid_length(text + i, length - i);

		memcpy(buffer + i, text + i, valid);
		i += valid;
		if (i < length)
			buffer[i++] = '?';
	}
	while (length > 0 && (buffer[length - 1] == '\n' || buffer[length - 1] == ' '))
		length--;
	buffer[length] = '\0';
	for (i = 0; i < length; i++)
		if ((unsigned char)buffer[i] < ' ' || buffer[i] == 0x7f)
			buffer[i] = ' ';
}

int exit_record_parse(const void *value, size_t size, const struct exit_layout *layout,
		      struct exit_record *ret)
{
	const char *bytes = value;
	struct exit_record r = {0};
	int32_t kind;

	if (!layout_fits(layout, size))
		return -EBADMSG;
	memcpy(&kind, bytes + layout->kind, sizeof(kind));
	r.kind = kind;
	if (layout->code != EXIT_OFFSET_NONE)
		memcpy(&r.code, bytes + layout->code, sizeof(r.code));
	copy_text(r.reason, sizeof(r.reason), bytes + layout->reason, layout->reason_size);
	copy_text(r.message, sizeof(r.message), bytes + layout->message, layout->message_size);
	*ret = r;
	return 0;
}

enum exit_class exit_record_class(const struct exit_record *r)
{
	switch (r->kind) {
	case EXIT_KIND_UNREG:
	case EXIT_KIND_SYSRQ:
	case EXIT_KIND_PARENT_KILL:
		return EXIT_WISH;
	case EXIT_KIND_UNREG_BPF:
	case EXIT_KIND_UNREG_KERN:
		return r->code & EXIT_CODE_ACT_RESTART ? EXIT_RESTART : EXIT_WISH;
	case EXIT_KIND_PARENT:
		return EXIT_PARENT;
	default:
		return EXIT_ERROR;
	}
}

/* ", code 77", ", code 0x1000100000000: a restart is asked for, CPU hotplug"; "" for none. */
static char *code_text(int64_t code)
{
	const char *action = code & EXIT_CODE_ACT_RESTART ? ": a restart is asked for" : "";
	const char *why = "";

	if (code == 0)
		return strdup("");
	if (code == (int32_t)code)
		return sentence(", code %lld", (long long)code);
	if ((code & EXIT_CODE_RSN_MASK) == EXIT_CODE_RSN_HOTPLUG)
		why = *action ? ", CPU hotplug" : ": CPU hotplug";
	if ((code & EXIT_CODE_RSN_MASK) == EXIT_CODE_RSN_CGROUP_OFFLINE)
		why = *action ? ", its cgroup is gone" : ": its cgroup is gone";
	return sentence(", code 0x%llx%s%s", (unsigned long long)code, action, why);
}

char *exit_record_text(const struct exit_record *r)
{
	_cleanup_(freep) char *code = code_text(r->code);

	if (!code)
		return NULL;
	return sentence("%s%s%s (kind %d%s)", *r->reason ? r->reason : "no reason given",
			*r->message ? ": " : "", r->message, r->kind, code);
}
