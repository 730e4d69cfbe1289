/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>

#include "common/log.h"
#include "common/protocol.h"
#include "daemon/core/conf-conflicts.h"
#include "daemon/core/conf-rows.h"
#include "daemon/core/config.h"
#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/core/read-file.h"
#include "daemon/core/strv.h"

static const char *const keep_links_table[] = {
	[KEEP_LINKS_AUTO] = "auto",
	[KEEP_LINKS_FDSTORE] = "fdstore",
	[KEEP_LINKS_PIN] = "pin",
	[KEEP_LINKS_NO] = "no",
};
_Static_assert(ARRAY_SIZE(keep_links_table) == _KEEP_LINKS_MAX, "every way has a word");
DEFINE_STRING_TABLE(keep_links, enum keep_links)

static bool is_absolute(const char *path)
{
	return *path == '/';
}

int config_set_path(char ***list, const char *text)
{
	_cleanup_(strv_freep) char **folders = NULL;
	int r = strv_split(text, ":", &folders);

	if (r < 0)
		return r;
	if (!folders)
		return -EINVAL;
	for (size_t i = 0; folders[i]; i++)
		if (!is_absolute(folders[i]))
			return -EINVAL;
	strv_free(*list);
	*list = TAKE_PTR(folders);
	return 0;
}

static int parse_folders(const struct conf_place *at, const char *value, void *member)
{
	int r = config_set_path(member, value);

	if (r == -EINVAL)
		return conf_error(at,
				  "\"%s\" is no search path, expected absolute folders with ':' "
				  "between them",
				  value);
	return r;
}

static int parse_folder(const struct conf_place *at, const char *value, void *member)
{
	if (!is_absolute(value))
		return conf_error(at, "\"%s\" is no absolute folder, expected such as %s", value,
				  PROTOCOL_RUNTIME_DIR);
	return conf_parse_text(at, value, member);
}

static int parse_log_level(const struct conf_place *at, const char *value, void *member)
{
	int level = log_level_from_string(value);

	if (level < 0)
		return conf_error(
			at,
			"unknown level \"%s\", expected emerg, alert, crit, err, warning, "
			"notice, info or debug",
			value);
	*(int *)member = level;
	return 0;
}

static int parse_keep_links(const struct conf_place *at, const char *value, void *member)
{
	enum keep_links keep = keep_links_from_string(value);

	if ((int)keep < 0)
		return conf_error(at, "unknown word \"%s\", expected auto, fdstore, pin or no",
				  value);
	*(enum keep_links *)member = keep;
	return 0;
}

static int parse_timeout(const struct conf_place *at, const char *value, void *member)
{
	usec_t *timeout = member;
	usec_t span = 1; /* for a value that is refused, and then said to be wrong only once */
	int r = conf_parse_timespan(at, value, &span);

	if (r < 0)
		return r;
	if (span == 0)
		return conf_error(at, "%s leaves no time to load anything, expected more than that",
				  value);
	*timeout = span;
	return 0;
}

#define MEMBER(m) offsetof(struct config, m)

static const struct conf_row rows[] = {
	{"Daemon", "PolicyPath", parse_folders, MEMBER(policy_path),
	 "/etc/structopsd/policies.d:/run/structopsd/policies.d:"
	 "/usr/local/lib/structopsd/policies.d:/usr/lib/structopsd/policies.d"},
	{"Daemon", "ObjectPath", parse_folders, MEMBER(object_path),
	 "/etc/structopsd/objects:/run/structopsd/objects:"
	 "/usr/local/lib/structopsd/objects:/usr/lib/structopsd/objects"},
	{"Daemon", "RuntimeDir", parse_folder, MEMBER(runtime_dir), PROTOCOL_RUNTIME_DIR},
	{"Daemon", "LogLevel", parse_log_level, MEMBER(log_level), "info"},
	{"Daemon", "KeepLinks", parse_keep_links, MEMBER(keep_links), "auto"},
	{"Daemon", "WatchPolicies", conf_parse_bool, MEMBER(watch_policies), "no"},
	{"Daemon", "ViewGroup", conf_parse_text, MEMBER(view_group)},
	{"Daemon", "ManageGroup", conf_parse_text, MEMBER(manage_group)},
	{"Daemon", "WorkerTimeoutSec", parse_timeout, MEMBER(worker_timeout), "30s"},
	{"Daemon", "WorkersMax", conf_parse_unsigned, MEMBER(workers_max), "0"},
};

int config_init(struct config *ret)
{
	_cleanup_(config_done) struct config c = {0};
	int r = conf_set_defaults(CONF_TABLE(rows), &c);

	if (r < 0)
		return r;
	*ret = c;
	c = (struct config){0};
	return 0;
}

void config_done(struct config *c)
{
	strv_free(c->policy_path);
	strv_free(c->object_path);
	free(c->runtime_dir);
	free(c->view_group);
	free(c->manage_group);
	*c = (struct config){0};
}

struct config_parser {
	struct config *config;
	struct messages *messages;
	bool known_section;
	struct conf_conflicts conflicts;
};

static int take_item(void *userdata, const struct ini_item *item)
{
	struct config_parser *p = userdata;
	const struct conf_place at = {.item = item, .messages = p->messages};
	const struct conf_row *row;
	int r;

	if (!item->key) {
		r = conf_check_section(CONF_TABLE(rows), &at);
		p->known_section = r > 0;
		return MIN(r, 0);
	}
	if (!p->known_section)
		return 0;
	r = conf_conflicts_add(&p->conflicts, item);
	if (r < 0)
		return r;
	return conf_assign(CONF_TABLE(rows), &at, p->config, &row);
}

static int read_one(struct config *c, const char *file, struct messages *messages)
{
	struct config_parser p = {.config = c, .messages = messages};
	_cleanup_(freep) char *text = NULL;
	size_t length;
	int r;

	r = read_file(file, &text, &length, messages);
	if (r != 0)
		return MIN(r, 0);
	r = ini_parse_text(file, text, length, take_item, &p, messages);
	if (r < 0 && r != -EBADMSG) {
		conf_conflicts_done(&p.conflicts);
		return r;
	}
	return conf_conflicts_check(&p.conflicts, file, messages);
}

static int read_dropins(struct config *c, const char *file, struct messages *messages)
{
	_cleanup_(freep) char *folder = sentence("%s.d", file);
	_cleanup_(strv_freep) char **names = NULL;
	int r;

	if (!folder)
		return -ENOMEM;
	r = read_folder(folder, ".conf", &names);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -ENOMEM &&
	    messages_add(messages, "%s: the folder cannot be read: %s", folder, strerror(-r)) < 0)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && names && names[i]; i++) {
		_cleanup_(freep) char *path = sentence("%s/%s", folder, names[i]);

		if (!path)
			return -ENOMEM;
		r = read_one(c, path, messages);
	}
	return r;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

int config_read(struct config *c, const char *file, bool must_exist, struct messages *messages)
{
	size_t n_messages = messages->n;
	int r = 0;

	if (must_exist || exists(file))
		r = read_one(c, file, messages);
	if (r >= 0)
		r = read_dropins(c, file, messages);
	if (r < 0)
		return r;
	return messages->n > n_messages ? -EBADMSG : 0;
}
