/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor: is this host fit. That there is no daemon is one of the answers. */
#include <sys/socket.h>

#include "client/ask.h"
#include "client/doctor-output.h"
#include "client/local-config.h"
#include "client/verbs.h"
#include "daemon/core/policy.h"
#include "live/doctor.h"
#include "live/root.h"

static pid_t peer_of(sd_bus *bus)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	int fd = sd_bus_get_fd(bus);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	return peer.pid;
}

static enum doctor_daemon daemon_by_status(enum exit_status status)
{
	if (status == EXIT_DONE)
		return DAEMON_ANSWERS;
	return status == EXIT_DENIED ? DAEMON_DENIES : DAEMON_SILENT;
}

/* Of the folders that the daemon would look in. What is wrong with its settings has been complained about. */
static void list_policies(const struct client *client, struct findings *f)
{
	_cleanup_(config_done) struct config config = {0};

	local_config_read(client, &config);
	for (char **folder = config.policy_path; folder && *folder; folder++) {
		_cleanup_(root_names_freep) char **files = NULL;
		size_t n;

		if (root_list("", *folder, POLICY_SUFFIX, &files, &n) == 0)
			doctor_list_policies(f, files);
	}
}

static enum exit_status print(struct client *client, const struct findings *f)
{
	enum exit_status status;

	status = written(client->json ? json_doctor(stdout, f)
				      : text_doctor(stdout, &client->style, f));
	if (status == EXIT_DONE && findings_count(f, SEVERITY_ERROR) > 0)
		status = EXIT_FAILED;
	return status;
}

enum exit_status verb_doctor(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(policy_rows_done) struct policy_rows rows = {0};
	_cleanup_(findings_done) struct findings f = {0};
	_cleanup_(freep) char *problem = NULL, *runtime_dir = strdup(client->socket);
	struct doctor_host host = {.root = "", .runtime_dir = runtime_dir};

	if (!runtime_dir)
		return out_of_memory();
	*(strrchr(runtime_dir, '/') ?: runtime_dir) = '\0';
	host.daemon = daemon_by_status(ask_list_quietly(client, &rows, &problem));
	host.daemon_problem = problem;
	host.daemon_pid = client->bus ? peer_of(client->bus) : 0;
	doctor_examine(&host, &f);
	if (host.daemon == DAEMON_ANSWERS)
		doctor_judge_policies(&f, &rows);
	else
		list_policies(client, &f);
	return f.failed ? out_of_memory() : print(client, &f);
}
