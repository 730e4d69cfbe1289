/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* metrics: what was counted, to stdout or into the folder that node_exporter reads. */
#include <fcntl.h>
#include <sys/stat.h>

#include "client/connect.h"
#include "client/openmetrics.h"
#include "client/verbs.h"
#include "common/protocol.h"
#include "common/sentence.h"

static enum exit_status ask(struct client *client, struct metrics *ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
	enum exit_status status = client_connect(client);
	int r;

	if (status == EXIT_DONE)
		status = client_ask(client, METHOD_METRICS, NULL, &answer);
	if (status != EXIT_DONE)
		return status;
	r = metrics_read(ret, answer);
	return r < 0 ? client_answer_failed(r) : EXIT_DONE;
}

/* A new file in the same folder, readable for node_exporter, which runs as another user. */
static int make_file(const char *path, char **ret_new, FILE **ret)
{
	_cleanup_(freep) char *new = sentence("%s.XXXXXX", path);
	_cleanup_(closep) int fd = -EBADF;

	if (!new)
		return -ENOMEM;
	fd = mkostemp(new, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = fchmod(fd, 0644) < 0 ? NULL : fdopen(fd, "w");
	if (!*ret) {
		int r = -errno;

		unlink(new);
		return r;
	}
	TAKE_FD(fd);
	*ret_new = TAKE_PTR(new);
	return 0;
}

/* The file is closed in any case. */
static int fill_file(FILE *file, const struct metrics *m)
{
	int r = openmetrics_print(file, m, EXPOSITION_TEXT);

	if (fclose(file) != 0 && r == 0)
		r = -errno;
	return r;
}

/* Whoever reads it sees the former file or the new one, never a part. */
static int replace_file(const char *path, const struct metrics *m)
{
	_cleanup_(freep) char *new = NULL;
	FILE *file;
	int r = make_file(path, &new, &file);

	if (r < 0)
		return r;
	r = fill_file(file, m);
	if (r == 0 && rename(new, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(new);
	return r;
}

static enum exit_status write_textfile(const char *path, const struct metrics *m)
{
	int r = replace_file(path, m);

	if (r == -ENOMEM)
		return out_of_memory();
	if (r == 0)
		return EXIT_DONE;
	complain("%s: cannot be written: %s", path, strerror(-r));
	return EXIT_FAILED;
}

enum exit_status verb_metrics(struct client *client, const struct verb *verb, char *const *names,
			      size_t n)
{
	_cleanup_(metrics_done) struct metrics m = {0};
	enum exit_status status = ask(client, &m), printed;

	/* That nobody is there is worth an alert, and told as a metric; all else would be a guess. */
	if (status != EXIT_DONE && status != EXIT_NO_DAEMON)
		return status;
	if (client->textfile)
		printed = write_textfile(client->textfile, &m);
	else
		printed = written(openmetrics_print(stdout, &m, EXPOSITION_OPENMETRICS));
	return exit_status_gravest(status, printed);
}
