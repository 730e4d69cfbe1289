/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/exit-text.h"

#include <inttypes.h>

/* enum scx_exit_kind, without SCX_EXIT_. */
static const struct {
	int kind;
	const char *name;
} kinds[] = {
	{1, "DONE"},         {64, "UNREG"},         {65, "UNREG_BPF"},     {66, "UNREG_KERN"},
	{67, "SYSRQ"},       {68, "PARENT"},        {69, "PARENT_KILL"},   {1024, "ERROR"},
	{1025, "ERROR_BPF"}, {1026, "ERROR_STALL"}, {1027, "ERROR_REENQ"}, {1028, "ERROR_RESCUE"},
};

/* enum scx_exit_code: 16 bits of what to do, 16 bits of why, 32 bits of the scheduler's own. */
static const struct {
	uint64_t mask, value;
	const char *name;
} codes[] = {
	{UINT64_C(0xffff) << 48, UINT64_C(1) << 48, "ACT_RESTART"},
	{UINT64_C(0xffff) << 32, UINT64_C(1) << 32, "RSN_HOTPLUG"},
	{UINT64_C(0xffff) << 32, UINT64_C(2) << 32, "RSN_CGROUP_OFFLINE"},
};

const char *exit_kind_name(int kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return NULL;
}

const char *exit_code_text(char buffer[EXIT_TEXT_MAX], int64_t code)
{
	uint64_t rest = (uint64_t)code;
	int length = snprintf(buffer, EXIT_TEXT_MAX, "0x%" PRIx64, rest);
	const char *separator = " (";

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (((uint64_t)code & codes[i].mask) != codes[i].value)
			continue;
		length += snprintf(buffer + length, EXIT_TEXT_MAX - (size_t)length, "%s%s",
				   separator, codes[i].name);
		rest &= ~codes[i].mask;
		separator = ", ";
	}
	if (rest == (uint64_t)code)
		return buffer;
	if (rest != 0)
		length += snprintf(buffer + length, EXIT_TEXT_MAX - (size_t)length, ", 0x%" PRIx64,
				   rest);
	snprintf(buffer + length, EXIT_TEXT_MAX - (size_t)length, ")");
	return buffer;
}
