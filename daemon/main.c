/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* structopsd: settings, preconditions, the manager, the bus, the loop. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/protocol.h"
#include "common/sentence.h"
#include "daemon/options.h"
#include "daemon/service/manager.h"
#include "daemon/service/process.h"
#include "daemon/service/runtime-dir.h"
#include "daemon/service/server.h"
#include "daemon/service/service-manager.h"

#define EXIT_USAGE 2

/* For the workers of a daemon that was killed: longer than RCU or the kernel's struct_ops mutex ever take. */
#define ORPHANS_PATIENCE (10 * USEC_PER_SEC)

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
static int get_socket(const struct config *c, struct manager *m, const struct server_rights *rights,
		      int *ret_fd)
{
	_cleanup_(freep) char *path = NULL, *error = NULL;
	int r;

	*ret_fd = manager_take_socket(m);
	if (*ret_fd >= 0) /* accept() must not wait for a client that has gone again */
		return fcntl(*ret_fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	path = sentence("%s/" PROTOCOL_SOCKET_NAME, c->runtime_dir);
	if (!path)
		return log_oom();
	r = server_listen(path, rights, ret_fd, &error);
	if (r < 0)
		log_error("%s", or_empty(error));
	return r;
}

/* Up to four descriptors an attachment: take what the system allows. */
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
	struct manager *m = userdata;
	const char *name = or_empty(sigabbrev_np((int)info->ssi_signo));
	bool leave = manager_config(m)->keep_links != KEEP_LINKS_NO &&
		     (info->ssi_signo == SIGUSR1 ||
		      service_manager_restarts_us(SERVICE_MANAGER_SOCKET) > 0);

	log_info("SIG%s from pid %u: %s", name, info->ssi_pid,
		 leave ? "ending, what is attached is left to the next daemon" : "stopping");
	if (leave)
		manager_leave(m);
	else
		manager_stop(m);
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
	static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
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
		r = sd_event_add_signal(event, NULL, SIGUSR1, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, m);
	return r;
}

static int own_runtime_dir(const struct config *config, int *ret_lock_fd)
{
	_cleanup_(freep) char *error = NULL;
	int r;

	r = runtime_dir_lock(config->runtime_dir, ORPHANS_PATIENCE, ret_lock_fd, &error);
	if (r < 0) {
		log_error("%s", or_empty(error));
		return r;
	}
	process_share(*ret_lock_fd);
	return 0;
}

static int run(const struct config *config)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_(server_freep) struct server *server = NULL;
	_cleanup_(closep) int lock_fd = -EBADF;
	struct server_rights rights;
	int r, socket;

	r = find_rights(config, &rights);
	if (r < 0)
		return r;
	raise_file_limit();
	block_signals();
	r = own_runtime_dir(config, &lock_fd);
	if (r < 0)
		return r;
	r = sd_event_default(&event);
	if (r < 0)
		return log_error_errno(r, "cannot make the event loop");
	r = manager_new(event, config, &manager);
	if (r < 0)
		return log_error_errno(r, "cannot make the manager");
	r = get_socket(config, manager, &rights, &socket);
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
	struct config config;
	int r;

	r = options_load(argc, argv, &config);
	if (r == -EINVAL)
		return EXIT_USAGE;
	if (r > 0) {
		r = run(&config);
		config_done(&config);
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
