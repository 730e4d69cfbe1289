/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/options.h"

#include <getopt.h>

#include "common/log.h"
#include "common/protocol.h"

#define CONFIG_FILE "/etc/structopsd/structopsd.conf"

/* The options that take an argument come first: their arguments are kept in an array. */
enum option_id {
	OPTION_CONFIG,
	OPTION_POLICY_PATH,
	OPTION_OBJECT_PATH,
	OPTION_RUNTIME_DIR,
	OPTION_LOG_LEVEL,
	OPTION_LOG_TARGET,
	_OPTION_ARGUMENTS,
	OPTION_VERSION = _OPTION_ARGUMENTS,
	OPTION_HELP,
};

static const struct option known[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"policy-path", required_argument, NULL, OPTION_POLICY_PATH},
	{"object-path", required_argument, NULL, OPTION_OBJECT_PATH},
	{"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"log-target", required_argument, NULL, OPTION_LOG_TARGET},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static void print_help(void)
{
	printf("structopsd [OPTIONS]\n\n"
	       "Attaches BPF struct_ops objects as policies say, and keeps them attached.\n\n"
	       "  --config FILE                 settings (" CONFIG_FILE ")\n"
	       "  --policy-path DIR[:DIR...]    where policies are looked for\n"
	       "  --object-path DIR[:DIR...]    where objects with a relative Path= are looked "
	       "for\n"
	       "  --runtime-dir DIR             socket, lock and state (" PROTOCOL_RUNTIME_DIR ")\n"
	       "  --log-level LEVEL             emerg alert crit err warning notice info debug\n"
	       "  --log-target TARGET           auto journal stderr\n"
	       "  --version\n"
	       "  --help\n\n"
	       "It stays in the foreground. SIGTERM and SIGINT detach everything and end it, "
	       "unless\n"
	       "the service manager is restarting it. SIGUSR1 ends it and leaves what is attached "
	       "to\n"
	       "the next one. SIGHUP reloads the policies. structopsctl talks to it.\n");
}

/* As options_load(). Arguments are borrowed. */
static int parse(int argc, char *argv[], const char *arguments[])
{
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (c == '?')
			return -EINVAL;
		if (c == OPTION_VERSION) {
			puts("structopsd " STRUCTOPSD_VERSION);
			return 0;
		}
		if (c == OPTION_HELP) {
			print_help();
			return 0;
		}
		arguments[c] = optarg;
	}
	if (optind < argc) {
		fprintf(stderr, "structopsd: unexpected argument \"%s\" (see --help)\n",
			argv[optind]);
		return -EINVAL;
	}
	return 1;
}

static int wrong_word(const char *option, const char *word, const char *expected)
{
	fprintf(stderr, "structopsd: --%s %s: expected %s\n", option, word, expected);
	return -EINVAL;
}

/* *ret_level is -1 where no option gives one. */
static int start_log(const char *const arguments[], int *ret_level)
{
	enum log_target target = LOG_TARGET_AUTO;

	*ret_level = -1;
	if (arguments[OPTION_LOG_LEVEL])
		*ret_level = log_level_from_string(arguments[OPTION_LOG_LEVEL]);
	if (arguments[OPTION_LOG_LEVEL] && *ret_level < 0)
		return wrong_word("log-level", arguments[OPTION_LOG_LEVEL],
				  "emerg, alert, crit, err, warning, notice, info or debug");
	if (arguments[OPTION_LOG_TARGET])
		target = log_target_from_string(arguments[OPTION_LOG_TARGET]);
	if ((int)target < 0)
		return wrong_word("log-target", arguments[OPTION_LOG_TARGET],
				  "auto, journal or stderr");
	log_setup(target, *ret_level >= 0 ? *ret_level : LOG_INFO);
	return 0;
}

static int override_path(char ***list, const char *option, const char *text)
{
	int r = text ? config_set_path(list, text) : 0;

	if (r == -EINVAL)
		log_error("--%s %s: expected absolute folders, joined by ':'", option, text);
	return r == -ENOMEM ? log_oom() : r;
}

static int override_settings(struct config *c, const char *const arguments[], int log_level)
{
	char *copy;
	int r;

	r = override_path(&c->policy_path, "policy-path", arguments[OPTION_POLICY_PATH]);
	if (r < 0)
		return r;
	r = override_path(&c->object_path, "object-path", arguments[OPTION_OBJECT_PATH]);
	if (r < 0)
		return r;
	if (arguments[OPTION_RUNTIME_DIR]) {
		if (*arguments[OPTION_RUNTIME_DIR] != '/')
			return wrong_word("runtime-dir", arguments[OPTION_RUNTIME_DIR],
					  "an absolute folder");
		copy = strdup(arguments[OPTION_RUNTIME_DIR]);
		if (!copy)
			return log_oom();
		free(c->runtime_dir);
		c->runtime_dir = copy;
	}
	if (log_level >= 0)
		c->log_level = log_level;
	return 0;
}

static int read_config(struct config *c, const char *file)
{
	struct messages messages = MESSAGES_NULL;
	int r;

	r = config_read(c, file ? file : CONFIG_FILE, file != NULL, &messages);
	for (size_t i = 0; i < messages.n; i++)
		log_error("%s", messages.items[i]);
	messages_done(&messages);
	return r == -ENOMEM ? log_oom() : r;
}

int options_load(int argc, char *argv[], struct config *ret)
{
	const char *arguments[_OPTION_ARGUMENTS] = {NULL};
	struct config config;
	int log_level, r;

	r = parse(argc, argv, arguments);
	if (r <= 0)
		return r;
	r = start_log(arguments, &log_level);
	if (r < 0)
		return r;
	if (config_init(&config) < 0)
		return log_oom();
	r = read_config(&config, arguments[OPTION_CONFIG]);
	if (r >= 0)
		r = override_settings(&config, arguments, log_level);
	if (r < 0) {
		config_done(&config);
		return r;
	}
	log_set_max_level(config.log_level);
	*ret = config;
	return 1;
}
