/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/event-filter.h"

#include <time.h>

#include "common/names.h"
#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/core/timespan.h"

static bool parse_number(const char *text, uint64_t *ret)
{
	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	*ret = strtoull(text, NULL, 10);
	return errno == 0;
}

static bool parse_ago(const char *text, uint64_t now, uint64_t *ret)
{
	static const char ago[] = " ago";
	size_t length = strlen(text);
	char span_text[TIMESPAN_MAX];
	usec_t span;

	if (length > strlen(ago) && streq(text + length - strlen(ago), ago))
		length -= strlen(ago);
	if (length >= sizeof(span_text))
		return false;
	memcpy(span_text, text, length);
	span_text[length] = '\0';
	if (timespan_parse(span_text, &span) < 0)
		return false;
	*ret = span < now ? now - span : 0;
	return true;
}

static bool parse_date(const char *text, uint64_t *ret)
{
	static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					      "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, formats[i], &tm);
		time_t seconds = end && *end == '\0' ? mktime(&tm) : -1;

		if (seconds < 0)
			continue;
		*ret = (uint64_t)seconds * USEC_PER_SEC;
		return true;
	}
	return false;
}

int since_parse(const char *text, uint64_t now, struct since *ret)
{
	struct since since = {0};

	if (!parse_number(text, &since.seq) && !parse_ago(text, now, &since.time_usec) &&
	    !parse_date(text, &since.time_usec))
		return -EINVAL;
	*ret = since;
	return 0;
}

static int no_such_state(const char *word, char **ret_error)
{
	struct nearest nearest = NEAREST(word);

	for (enum state s = 0; s < _STATE_MAX; s++)
		nearest_offer(&nearest, state_to_string(s));
	return sentence_error(ret_error, -EINVAL, "there is no state '%s'" NEAREST_FORMAT, word,
			      NEAREST_ARGS(nearest));
}

int event_filter_set_states(struct event_filter *f, const char *text, char **ret_error)
{
	_cleanup_(freep) char *copy = strdup(text);
	unsigned states = 0;
	char *rest = copy;

	if (!copy)
		return -ENOMEM;
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
		enum state state = state_from_string(word);

		if (state < 0)
			return no_such_state(word, ret_error);
		states |= 1U << state;
	}
	f->states = states;
	return 0;
}

/* An instance is NAME@DEVICE. */
bool event_filter_is_of(const char *policy, const char *name)
{
	size_t length = strlen(name);

	return strncmp(policy, name, length) == 0 &&
	       (policy[length] == '\0' || policy[length] == '@');
}

bool event_filter_passes(const struct event_filter *f, const struct row_event *e)
{
	enum state to = state_from_string(e->to);

	if (f->states != 0 && (to < 0 || !(f->states & 1U << to)))
		return false;
	for (size_t i = 0; i < f->n_names; i++)
		if (event_filter_is_of(e->policy, f->names[i]))
			return true;
	return f->n_names == 0;
}
