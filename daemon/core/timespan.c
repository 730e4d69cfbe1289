/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/timespan.h"

static const struct unit {
	const char *name;
	usec_t span;
} units[] = {
	{"usec", 1},
	{"us", 1},
	{"µs", 1}, /* U+00B5, the micro sign */
	{"μs", 1}, /* U+03BC, the Greek letter */
	{"msec", USEC_PER_MSEC},
	{"ms", USEC_PER_MSEC},
	{"seconds", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"s", USEC_PER_SEC},
	{"minutes", USEC_PER_MINUTE},
	{"minute", USEC_PER_MINUTE},
	{"min", USEC_PER_MINUTE},
	{"m", USEC_PER_MINUTE},
	{"hours", USEC_PER_HOUR},
	{"hour", USEC_PER_HOUR},
	{"hr", USEC_PER_HOUR},
	{"h", USEC_PER_HOUR},
	{"days", USEC_PER_DAY},
	{"day", USEC_PER_DAY},
	{"d", USEC_PER_DAY},
	{"weeks", 7 * USEC_PER_DAY},
	{"week", 7 * USEC_PER_DAY},
	{"w", 7 * USEC_PER_DAY},
};

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static const struct unit *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
			return &units[i];
	return NULL;
}

/* Takes "12.5 min" off *cursor and adds it to *total. bare: a number without a unit, in seconds, will do. */
static int add_part(const char **cursor, bool bare, usec_t *total)
{
	const char *digits = *cursor;
	size_t n_whole = strspn(digits, "0123456789");
	const char *fraction = digits[n_whole] == '.' ? digits + n_whole + 1 : NULL;
	size_t n_fraction = fraction ? strspn(fraction, "0123456789") : 0;
	const char *name = skip_blanks(fraction ? fraction + n_fraction : digits + n_whole);
	size_t n_name = strcspn(name, " \t.0123456789");
	usec_t span, whole = 0, part = 0, scale;

	if (n_whole == 0 || (fraction && n_fraction == 0))
		return -EINVAL;
	if (n_name > 0) {
		const struct unit *unit = find_unit(name, n_name);

		if (!unit)
			return -EINVAL;
		span = unit->span;
	} else if (bare && *name == '\0') {
		span = USEC_PER_SEC;
	} else {
		return -EINVAL;
	}

	for (size_t i = 0; i < n_whole; i++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (usec_t)(digits[i] - '0'), &whole))
			return -ERANGE;
	scale = span;
	for (size_t i = 0; i < n_fraction; i++) {
		scale /= 10;
		part += scale * (usec_t)(fraction[i] - '0');
	}
	if (__builtin_mul_overflow(whole, span, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) ||
	    __builtin_add_overflow(*total, whole, total))
		return -ERANGE;
	*cursor = skip_blanks(name + n_name);
	return 0;
}

int timespan_parse(const char *text, usec_t *ret)
{
	const char *cursor = skip_blanks(text);
	usec_t total = 0;
	int r;

	if (streq(cursor, "infinity")) {
		*ret = USEC_INFINITY;
		return 0;
	}
	r = add_part(&cursor, true, &total);
	while (r >= 0 && *cursor != '\0')
		r = add_part(&cursor, false, &total);
	if (r < 0)
		return r;
	if (total == USEC_INFINITY)
		return -ERANGE;
	*ret = total;
	return 0;
}

usec_t timespan_round(usec_t span)
{
	if (span < 10 * USEC_PER_MSEC || span == USEC_INFINITY)
		return span;
	return (span + USEC_PER_MSEC / 2) / USEC_PER_MSEC * USEC_PER_MSEC;
}

const char *timespan_format(char buffer[TIMESPAN_MAX], usec_t span)
{
	static const struct unit shown[] = {
		{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR},  {"min", USEC_PER_MINUTE},
		{"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC}, {"us", 1},
	};
	size_t length = 0;

	if (span == USEC_INFINITY)
		return strcpy(buffer, "infinity");
	if (span == 0)
		return strcpy(buffer, "0s");
	for (size_t i = 0, n = 0; i < ARRAY_SIZE(shown) && n < 2; i++) {
		if (span < shown[i].span)
			continue;
		length += (size_t)snprintf(
			buffer + length, TIMESPAN_MAX - length, "%s%llu%s", n > 0 ? " " : "",
			(unsigned long long)(span / shown[i].span), shown[i].name);
		span %= shown[i].span;
		n++;
	}
	return buffer;
}
