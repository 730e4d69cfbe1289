/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* structopsd: settings, preconditions, the manager, the bus, the loop. */
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/protocol.h"
#include "common/sentence.h"
#include "daemon/core/config.h"
#include "daemon/service/manager.h"
#include "daemon/service/runtime-dir.h"
#include "daemon/service/server.h"

#define CONFIG_FILE "/etc/structopsd/structopsd.conf"

struct options {
	const char *config, *policy_path, *object_path, *runtime_dir;
	int log_level; /* -1: as the config says */
	enum log_target log_target;
};

static void print_help(void)
{
	printf("structopsd [OPTIONS]\n\n"
	       "Attaches BPF struct_ops objects as policies say, and keeps them attached.\n\n"
	       "  --config FILE                 settings (" CONFIG_FILE ")\n"
	       "  --policy-path DIR[:DIR...]    where policies are looked for\n"
	       "  --object-path DIR[:DIR...]    where objects with a relative Path= are looked "
	       "for\n"
	       "  --runtime-dir DIR             socket and lock (" PROTOCOL_RUNTIME_DIR ")\n"
	       "  --log-level LEVEL             emerg alert crit err warning notice info debug\n"
	       "  --log-target TARGET           auto journal stderr\n"
	       "  --version\n"
	       "  --help\n\n"
	       "It stays in the foreground. SIGTERM and SIGINT detach everything and end it, "
	       "SIGHUP\n"
	       "reloads the policies. structopsctl talks to it.\n");
}

/* 1: go on; 0: done, exit well; -EINVAL: said what is wrong. */
static int parse_options(int argc, char *argv[], struct options *ret)
{
	enum {
		CONFIG = 256,
		POLICY_PATH,
		OBJECT_PATH,
		RUNTIME_DIR,
		LOG_LEVEL,
		LOG_TARGET,
		VERSION,
		HELP
	};
	static const struct option known[] = {
		{"config", required_argument, NULL, CONFIG},
		{"policy-path", required_argument, NULL, POLICY_PATH},
		{"object-path", required_argument, NULL, OBJECT_PATH},
		{"runtime-dir", required_argument, NULL, RUNTIME_DIR},
		{"log-level", required_argument, NULL, LOG_LEVEL},
		{"log-target", required_argument, NULL, LOG_TARGET},
		{"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case CONFIG:
			ret->config = optarg;
			break;
		case POLICY_PATH:
			ret->policy_path = optarg;
			break;
		case OBJECT_PATH:
			ret->object_path = optarg;
			break;
		case RUNTIME_DIR:
			ret->runtime_dir = optarg;
			break;
		case LOG_LEVEL:
			ret->log_level = log_level_from_string(optarg);
			if (ret->log_level < 0) {
				fprintf(stderr,
					"structopsd: --log-level %s: no such level; emerg, alert, "
					"crit, err, warning, notice, info or debug\n",
					optarg);
				return -EINVAL;
			}
			break;
		case LOG_TARGET:
			ret->log_target = log_target_from_string(optarg);
			if ((int)ret->log_target < 0) {
				fprintf(stderr,
					"structopsd: --log-target %s: no such target; auto, "
					"journal "
					"or stderr\n",
					optarg);
				return -EINVAL;
			}
			break;
		case VERSION:
			printf("structopsd " STRUCTOPSD_VERSION "\n");
			return 0;
		case HELP:
			print_help();
			return 0;
		default:
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "structopsd: unexpected argument \"%s\" (see --help)\n",
			argv[optind]);
		return -EINVAL;
	}
	return 1;
}

static int replace_string(char **where, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int apply_options(struct config *c, const struct options *o)
{
	int r = 0;

	if (o->policy_path)
		r = config_set_path(&c->policy_path, o->policy_path);
	if (r < 0)
		return log_error_errno(r,
				       "--policy-path %s: must be absolute folders, joined by ':'",
				       o->policy_path);
	if (o->object_path)
		r = config_set_path(&c->object_path, o->object_path);
	if (r < 0)
		return log_error_errno(r,
				       "--object-path %s: must be absolute folders, joined by ':'",
				       o->object_path);
	if (o->runtime_dir)
		r = replace_string(&c->runtime_dir, o->runtime_dir);
	if (r < 0)
		return log_oom();
	if (o->log_level >= 0)
		c->log_level = o->log_level;
	return 0;
}

static int load_config(struct config *c, const struct options *o)
{
	struct messages messages = MESSAGES_NULL;
	int r;

	r = config_init(c);
	if (r < 0)
		return log_oom();
	r = config_read(c, o->config ? o->config : CONFIG_FILE, o->config != NULL, &messages);
	for (size_t i = 0; i < messages.n; i++)
		log_error("%s", messages.items[i]);
	if (r == -ENOMEM)
		(void)log_oom();
	messages_done(&messages);
	return r < 0 ? r : apply_options(c, o);
}

static int find_group(const char *key, const char *name, gid_t *ret)
{
	struct group *g;
	char *end;
	unsigned long number;

	*ret = SERVER_NO_GROUP;
	if (!name)
		return 0;
	errno = 0;
	g = getgrnam(name);
	if (g) {
		*ret = g->gr_gid;
		return 0;
	}
	number = strtoul(name, &end, 10);
	if (*end == '\0' && end != name && number < SERVER_NO_GROUP) {
		*ret = (gid_t)number;
		return 0;
	}
	log_error("%s=%s: there is no such group", key, name);
	return -ESRCH;
}

static int find_rights(const struct config *c, struct server_rights *ret)
{
	int r = find_group("ViewGroup", c->view_group, &ret->view_group);

	return r < 0 ? r : find_group("ManageGroup", c->manage_group, &ret->manage_group);
}

/* The service manager's socket, or one of our own in the runtime directory. */
static int get_socket(const struct config *c, const struct server_rights *rights, int *ret_fd)
{
	_cleanup_(freep) char *path = NULL, *error = NULL;
	int n, r;

	n = sd_listen_fds(true);
	if (n > 1) {
		log_error("the service manager passed %d sockets, expected one (structopsd.socket)",
			  n);
		return -EINVAL;
	}
	if (n == 1) {
		*ret_fd = SD_LISTEN_FDS_START;
		/* accept() must not wait for a client that has gone again. */
		return fcntl(*ret_fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	}
	path = sentence("%s/" PROTOCOL_SOCKET_NAME, c->runtime_dir);
	if (!path)
		return log_oom();
	r = server_listen(path, rights, ret_fd, &error);
	if (r < 0)
		log_error("%s", or_empty(error));
	return r;
}

/* Two descriptors an attachment: take what the system allows. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning_errno(errno, "cannot raise the limit of open files");
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	log_info("SIG%s from pid %u: stopping", or_empty(sigabbrev_np((int)info->ssi_signo)),
		 info->ssi_pid);
	manager_stop(userdata);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	int r = manager_reload(userdata, NULL, NULL, NULL);

	if (r < 0)
		log_error_errno(r, "cannot reload; nothing was changed");
	return 0;
}

static void block_signals(void)
{
	static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		sigaddset(&set, handled[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int add_signals(sd_event *event, struct manager *m)
{
	int r;

	r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, m);
	return r;
}

static int run(const struct config *config)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_(server_freep) struct server *server = NULL;
	_cleanup_(closep) int lock_fd = -EBADF;
	_cleanup_(freep) char *error = NULL;
	struct server_rights rights;
	int r, socket;

	r = find_rights(config, &rights);
	if (r < 0)
		return r;
	raise_file_limit();
	block_signals();
	r = runtime_dir_lock(config->runtime_dir, &lock_fd, &error);
	if (r < 0) {
		log_error("%s", or_empty(error));
		return r;
	}
	r = sd_event_default(&event);
	if (r < 0)
		return log_error_errno(r, "cannot make the event loop");
	r = manager_new(event, config, &manager);
	if (r < 0)
		return log_error_errno(r, "cannot make the manager");
	r = get_socket(config, &rights, &socket);
	if (r < 0)
		return r;
	r = server_new(event, manager, socket, &rights, &server);
	if (r < 0)
		return log_error_errno(r, "cannot serve the bus");
	r = add_signals(event, manager);
	if (r < 0)
		return log_error_errno(r, "cannot handle signals");
	r = sd_event_set_watchdog(event, true);
	if (r < 0)
		return log_error_errno(r, "cannot serve the service manager's watchdog");

	r = manager_start(manager);
	if (r < 0)
		return log_error_errno(r, "cannot read the policies");
	r = sd_event_loop(event);
	if (r < 0)
		return log_error_errno(r, "the event loop failed");
	return 0;
}

int main(int argc, char *argv[])
{
	struct options options = {.log_level = -1, .log_target = LOG_TARGET_AUTO};
	struct config config = {0};
	int r;

	r = parse_options(argc, argv, &options);
	if (r <= 0)
		return r < 0 ? 2 : EXIT_SUCCESS;
	log_setup(options.log_target, options.log_level >= 0 ? options.log_level : LOG_INFO);

	r = load_config(&config, &options);
	if (r >= 0) {
		log_set_max_level(config.log_level);
		r = run(&config);
	}
	config_done(&config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
