/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/conf-conflicts.h"
#include "daemon/core/conf-rows.h"
#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/core/path.h"
#include "daemon/core/policy.h"
#include "daemon/core/policy-overrides.h"
#include "daemon/core/policy-values.h"
#include "daemon/core/strv.h"

enum row {
	ROW_DESCRIPTION,
	ROW_ENABLED,
	ROW_FALLBACK,
	ROW_PATH,
	ROW_SHA256,
	ROW_MAP,
	ROW_FIELDS,
	ROW_GLOBALS,
	ROW_RESTART,
	ROW_RESTART_SEC,
	ROW_RESTART_STEPS,
	ROW_RESTART_MAX_DELAY_SEC,
	ROW_START_LIMIT_BURST,
	ROW_START_LIMIT_INTERVAL_SEC,
	ROW_HID,
	ROW_TCP_DEFAULT,
	ROW_TCP_NETNS,
	_ROW_MAX,
};

#define MEMBER(m) offsetof(struct policy, m)

/* Every key there is. */
static const struct conf_row rows[] = {
	[ROW_DESCRIPTION] = {"Policy", "Description", conf_parse_text, MEMBER(description)},
	[ROW_ENABLED] = {"Policy", "Enabled", conf_parse_bool, MEMBER(enabled), "yes"},
	[ROW_FALLBACK] = {"Policy", "Fallback", policy_parse_name, MEMBER(fallback)},
	[ROW_PATH] = {"Object", "Path", conf_parse_text, MEMBER(object_path)},
	[ROW_SHA256] = {"Object", "SHA256", policy_parse_sha256, MEMBER(sha256)},
	[ROW_MAP] = {"Object", "Map", policy_parse_maps, MEMBER(maps)},
	[ROW_FIELDS] = {"Fields"},
	[ROW_GLOBALS] = {"Globals"},
	[ROW_RESTART] = {"Attach", "Restart", policy_parse_restart, MEMBER(restart.mode),
			 "on-detach"},
	[ROW_RESTART_SEC] = {"Attach", "RestartSec", conf_parse_timespan, MEMBER(restart.delay),
			     "100ms"},
	[ROW_RESTART_STEPS] = {"Attach", "RestartSteps", conf_parse_unsigned, MEMBER(restart.steps),
			       "8"},
	[ROW_RESTART_MAX_DELAY_SEC] = {"Attach", "RestartMaxDelaySec", conf_parse_timespan,
				       MEMBER(restart.max_delay), "30s"},
	[ROW_START_LIMIT_BURST] = {"Attach", "StartLimitBurst", conf_parse_unsigned,
				   MEMBER(restart.limit_burst), "5"},
	[ROW_START_LIMIT_INTERVAL_SEC] = {"Attach", "StartLimitIntervalSec", conf_parse_timespan,
					  MEMBER(restart.limit_interval), "1min"},
	[ROW_HID] = {"Match", "Hid", policy_parse_hid, MEMBER(hid)},
	[ROW_TCP_DEFAULT] = {"Tcp", "Default", conf_parse_bool, MEMBER(tcp_default), "no"},
	[ROW_TCP_NETNS] = {"Tcp", "Netns", policy_parse_netns, MEMBER(tcp_netns)},
};
_Static_assert(ARRAY_SIZE(rows) == _ROW_MAX, "every row is there");

/* Where something was said. */
struct position {
	const char *file; /* borrowed from policy->files; NULL: nowhere */
	unsigned line;
	bool reset; /* by an empty assignment */
};

/* A header [Fields MAP]. */
struct map_header {
	char *map;
	struct position position;
};

enum section {
	SECTION_UNKNOWN, /* its assignments are skipped: the header was an error already */
	SECTION_ROWS,
	SECTION_FIELDS,
	SECTION_GLOBALS,
};

struct policy_parser {
	struct policy *policy;
	struct messages *messages;
	enum section section;
	char *map; /* of the present [Fields MAP], borrowed from headers */
	struct map_header *headers;
	size_t n_headers;
	struct position object;             /* the last [Object] header */
	struct position assigned[_ROW_MAX]; /* the last assignment of each key */
	struct conf_conflicts conflicts;
};

static void policy_parser_done(struct policy_parser *p)
{
	for (size_t i = 0; i < p->n_headers; i++)
		free(p->headers[i].map);
	free(p->headers);
	conf_conflicts_done(&p->conflicts);
	policy_free(p->policy);
}

static struct position position_of(const struct ini_item *item)
{
	return (struct position){
		.file = item->file,
		.line = item->line,
		.reset = *item->value == '\0',
	};
}

static int enter_fields_of(struct policy_parser *p, const struct conf_place *at, const char *map)
{
	struct map_header *longer;

	if (!policy_is_identifier(map))
		return conf_error(at, "\"%s\" is no map name, expected a C identifier", map);
	longer = reallocarray(p->headers, p->n_headers + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	p->headers = longer;
	p->map = strdup(map);
	if (!p->map)
		return -ENOMEM;
	p->section = SECTION_FIELDS;
	longer[p->n_headers++] = (struct map_header){
		.map = p->map,
		.position = position_of(at->item),
	};
	return 0;
}

static int enter_section(struct policy_parser *p, const struct conf_place *at)
{
	static const char fields_of[] = "Fields ";
	const char *name = at->item->section;
	int r;

	p->section = SECTION_UNKNOWN;
	p->map = NULL;
	if (strncmp(name, fields_of, strlen(fields_of)) == 0)
		return enter_fields_of(p, at, name + strlen(fields_of));
	r = conf_check_section(CONF_TABLE(rows), at);
	if (r <= 0)
		return r;
	if (streq(name, rows[ROW_FIELDS].section)) {
		p->section = SECTION_FIELDS;
	} else if (streq(name, rows[ROW_GLOBALS].section)) {
		p->section = SECTION_GLOBALS;
	} else {
		p->section = SECTION_ROWS;
		if (streq(name, rows[ROW_PATH].section))
			p->object = position_of(at->item);
	}
	return 0;
}

static enum override_op override_op_from_char(char op)
{
	return op == '|' ? OVERRIDE_OR : op == '&' ? OVERRIDE_AND : OVERRIDE_SET;
}

static int add_override(struct policy_parser *p, const struct conf_place *at)
{
	const struct ini_item *item = at->item;
	struct override override = {
		.map = p->map,
		.path = (char *)item->key,
		.op = override_op_from_char(item->op),
		.value = (char *)item->value,
		.file = item->file,
		.line = item->line,
	};
	int r;

	if (!path_is_valid(item->key))
		return conf_error(at, "no member, expected such as flags or limits.max[2]");
	if (override.op != OVERRIDE_SET && *item->value == '\0')
		return conf_error(at, "\"%s\" without a value, expected a number or an enumerator",
				  override_op_to_string(override.op));
	if (p->section == SECTION_FIELDS)
		r = overrides_add(&p->policy->fields, &p->policy->n_fields, &override);
	else
		r = overrides_add(&p->policy->globals, &p->policy->n_globals, &override);
	if (r == -E2BIG)
		return conf_error(at, "too many overrides, expected at most %d",
				  POLICY_OVERRIDES_MAX);
	return r;
}

static int assign_row(struct policy_parser *p, const struct conf_place *at)
{
	const struct conf_row *row;
	int r = conf_assign(CONF_TABLE(rows), at, p->policy, &row);

	if (row)
		p->assigned[row - rows] = position_of(at->item);
	return r;
}

static int take_item(void *userdata, const struct ini_item *item)
{
	struct policy_parser *p = userdata;
	const struct conf_place at = {.item = item, .messages = p->messages};
	int r;

	if (!item->key)
		return enter_section(p, &at);
	if (p->section == SECTION_UNKNOWN)
		return 0;
	/* "|=" and "&=" add to what is there: two of them are no conflict. */
	if (item->op == '=') {
		r = conf_conflicts_add(&p->conflicts, item);
		if (r < 0)
			return r;
	}
	return p->section == SECTION_ROWS ? assign_row(p, &at) : add_override(p, &at);
}

static int parse_source(struct policy_parser *p, const char *file,
			const struct policy_source *source)
{
	int r = ini_parse_text(file, source->text, source->length, take_item, p, p->messages);

	if (r < 0 && r != -EBADMSG)
		return r;
	return conf_conflicts_check(&p->conflicts, file, p->messages);
}

static bool is_explicit(const struct position *position)
{
	return position->file && !position->reset;
}

/* Notes an error about a key as a whole, at its last assignment, else at fallback, else at the top. */
static int row_error(struct policy_parser *p, enum row row, const struct position *fallback,
		     const char *text)
{
	struct position at = {.file = p->policy->files[0], .line = 1};

	if (p->assigned[row].file)
		at = p->assigned[row];
	else if (fallback && fallback->file)
		at = *fallback;
	return conf_error_at(p->messages, at.file, at.line, rows[row].section, rows[row].key, "%s",
			     text);
}

static int check_object(struct policy_parser *p)
{
	if (p->policy->object_path)
		return 0;
	if (!p->object.file)
		return row_error(p, ROW_PATH, NULL,
				 "the section is missing, expected [Object] with Path=FILE");
	return row_error(p, ROW_PATH, &p->object, "missing, expected Path=FILE");
}

static int check_fallback(struct policy_parser *p)
{
	if (!streq_null(p->policy->fallback, p->policy->name))
		return 0;
	return row_error(p, ROW_FALLBACK, NULL,
			 "this is the policy itself, expected the name of another one");
}

static int check_delays(struct policy_parser *p)
{
	struct restart_rules *restart = &p->policy->restart;
	char delay[TIMESPAN_MAX], max_delay[TIMESPAN_MAX], text[256];

	if (restart->max_delay >= restart->delay)
		return 0;
	if (!is_explicit(&p->assigned[ROW_RESTART_SEC]) ||
	    !is_explicit(&p->assigned[ROW_RESTART_MAX_DELAY_SEC])) {
		restart->max_delay = restart->delay;
		return 0;
	}
	snprintf(text, sizeof(text), "%s is less than RestartSec=%s, expected at least that",
		 timespan_format(max_delay, restart->max_delay),
		 timespan_format(delay, restart->delay));
	return row_error(p, ROW_RESTART_MAX_DELAY_SEC, NULL, text);
}

/* The text of an error about the template as a whole; NULL: there is none. */
static const char *template_error(const struct policy *policy, char *buffer, size_t size)
{
	if (strlen(policy->name) > POLICY_TEMPLATE_NAME_MAX) {
		snprintf(buffer, size,
			 "the name of the policy has %zu characters, expected at most %d: the "
			 "device is added to it for each instance",
			 strlen(policy->name), POLICY_TEMPLATE_NAME_MAX);
		return buffer;
	}
	if (policy->n_fields == POLICY_OVERRIDES_MAX)
		return "too many overrides: hid_id of each instance is one, too";
	return NULL;
}

static int check_template(struct policy_parser *p)
{
	const struct position *hid = &p->assigned[ROW_HID];
	struct policy *policy = p->policy;
	const char *error;
	char buffer[256];
	int r = 0;

	policy->is_template = is_explicit(hid);
	if (!policy->is_template)
		return 0;
	policy->hid_file = hid->file;
	policy->hid_line = hid->line;
	error = template_error(policy, buffer, sizeof(buffer));
	if (error)
		r = row_error(p, ROW_HID, NULL, error);
	for (size_t i = 0; r >= 0 && i < policy->n_fields; i++)
		if (streq(policy->fields[i].path, POLICY_HID_MEMBER))
			r = conf_error_at(p->messages, policy->fields[i].file,
					  policy->fields[i].line, rows[ROW_FIELDS].section,
					  POLICY_HID_MEMBER,
					  "each instance gets its own, since [Match] Hid= (%s:%u) "
					  "makes this a template, expected one of the two",
					  hid->file, hid->line);
	return r;
}

static int check_tcp(struct policy_parser *p)
{
	const struct policy *policy = p->policy;

	if (policy->tcp_netns && !policy->tcp_default)
		return row_error(p, ROW_TCP_NETNS, NULL,
				 "without Default=yes nothing is changed there, expected both");
	if (policy->tcp_default && policy->is_template)
		return row_error(p, ROW_TCP_DEFAULT, NULL,
				 "[Match] Hid= makes this a template for HID devices, which have "
				 "no congestion control, expected one of the two");
	return 0;
}

/* A section for a map that is never chosen would be ignored silently. */
static int check_map_headers(struct policy_parser *p)
{
	for (size_t i = 0; p->policy->maps && i < p->n_headers; i++) {
		const struct map_header *header = &p->headers[i];
		struct nearest nearest = NEAREST(header->map);
		_cleanup_(freep) char *section = NULL;
		int r;

		if (strv_contains(p->policy->maps, header->map))
			continue;
		for (size_t j = 0; p->policy->maps[j]; j++)
			nearest_offer(&nearest, p->policy->maps[j]);
		section = sentence("Fields %s", header->map);
		if (!section)
			return -ENOMEM;
		r = conf_error_at(p->messages, header->position.file, header->position.line,
				  section, NULL,
				  "\"%s\" is not in Map=" NEAREST_FORMAT
				  ", expected one of the maps that stand there",
				  header->map, NEAREST_ARGS(nearest));
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_whole(struct policy_parser *p)
{
	int r = check_object(p);

	if (r >= 0)
		r = check_fallback(p);
	if (r >= 0)
		r = check_delays(p);
	if (r >= 0)
		r = check_template(p);
	if (r >= 0)
		r = check_tcp(p);
	if (r >= 0)
		r = check_map_headers(p);
	return r;
}

static int policy_new(const char *name, const struct policy_source *sources, size_t n,
		      struct policy **ret)
{
	_cleanup_(policy_freep) struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	policy->name = strdup(name);
	if (!policy->name)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *path = sources[i].path;
		int r = strv_append(&policy->files, path, strlen(path));

		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(policy);
	return 0;
}

int policy_parse(const char *name, const struct policy_source *sources, size_t n,
		 struct policy **ret, struct messages *messages)
{
	_cleanup_(policy_parser_done) struct policy_parser p = {.messages = messages};
	size_t n_messages = messages->n;
	int r;

	if (n == 0) {
		r = messages_add(messages, "%s" POLICY_SUFFIX ": no such file, or it is masked",
				 name);
		return r < 0 ? r : -EBADMSG;
	}
	r = policy_new(name, sources, n, &p.policy);
	if (r >= 0)
		r = conf_set_defaults(CONF_TABLE(rows), p.policy);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = parse_source(&p, p.policy->files[i], &sources[i]);
	if (r >= 0)
		r = check_whole(&p);
	if (r < 0)
		return r;
	if (messages->n > n_messages)
		return -EBADMSG;
	*ret = TAKE_PTR(p.policy);
	return 0;
}
