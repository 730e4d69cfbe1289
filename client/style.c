/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/style.h"

#include <strings.h>
#include <sys/ioctl.h>

#include "common/names.h"

/* The variables of setlocale(3) in their order; where none is set, today's terminals are UTF-8. */
static bool environment_is_utf8(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *locale = getenv(variables[i]);

		if (locale && *locale)
			return strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8");
	}
	return true;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

struct style style_of_stdout(bool allow_colour)
{
	struct style style = {.utf8 = environment_is_utf8()};
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return style;
	style.colour = allow_colour && !is_set("NO_COLOR") && !streq(getenv("TERM") ?: "", "dumb");
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		style.width = size.ws_col;
	return style;
}

const char *style_on(const struct style *style, enum colour colour)
{
	static const char *const escapes[] = {
		[COLOUR_NONE] = "",
		[COLOUR_RED] = "\033[1;31m",
		[COLOUR_GREEN] = "\033[1;32m",
		[COLOUR_YELLOW] = "\033[1;33m",
		[COLOUR_DIM] = "\033[2m",
		[COLOUR_BOLD] = "\033[1m",
	};
	_Static_assert(ARRAY_SIZE(escapes) == _COLOUR_MAX, "every colour has its escape");

	return style->colour ? escapes[colour] : "";
}

const char *style_off(const struct style *style, enum colour colour)
{
	return style->colour && colour != COLOUR_NONE ? "\033[0m" : "";
}

enum colour style_state_colour(const char *state)
{
	switch (state_from_string(state)) {
	case STATE_ATTACHED:
		return COLOUR_GREEN;
	case STATE_LOADING:
	case STATE_UPDATING:
	case STATE_WAITING:
	case STATE_DETACHING:
		return COLOUR_YELLOW;
	case STATE_FAILED:
	case STATE_INVALID:
		return COLOUR_RED;
	case STATE_INACTIVE:
		return COLOUR_DIM;
	case _STATE_MAX:
	case _STATE_INVALID:
		break;
	}
	return COLOUR_NONE; /* a newer daemon's word */
}

const char *style_dot(const struct style *style, const char *state)
{
	bool hollow = state_from_string(state) == STATE_INACTIVE;

	if (style->utf8)
		return hollow ? "○" : "●";
	return hollow ? "o" : "*";
}

const char *style_arrow(const struct style *style)
{
	return style->utf8 ? "→" : "->";
}

static bool continues_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t style_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += !continues_character(*text);
	return columns;
}

static void put_columns(FILE *out, const char *text, size_t columns)
{
	for (; *text; text++) {
		if (!continues_character(*text) && columns-- == 0)
			return;
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
	}
}

void style_put(const struct style *style, FILE *out, const char *text, size_t max)
{
	const char *ellipsis = style->utf8 ? "…" : "...";
	size_t room = style_columns(ellipsis);

	if (max == 0 || style_columns(text) <= max) {
		put_columns(out, text, SIZE_MAX);
		return;
	}
	put_columns(out, text, max > room ? max - room : 0);
	put_columns(out, ellipsis, max);
}
