/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/connect.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/protocol.h"
#include "common/sentence.h"

/* How long a daemon may take to accept and to authenticate. */
#define CONNECT_SECONDS 10
#define CONNECT_USEC (CONNECT_SECONDS * UINT64_C(1000000))

static enum exit_status connect_failed(const char *socket, int error, char **ret_sentence)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		*ret_sentence = sentence(
			"no daemon listens on %s: is structopsd running? See: systemctl status "
			"structopsd",
			socket);
		return EXIT_NO_DAEMON;
	case EACCES:
	case EPERM:
		*ret_sentence = sentence(
			"this user may not connect to %s: viewing and managing are for root, and "
			"for the "
			"groups of ViewGroup= and ManageGroup= in structopsd.conf",
			socket);
		return EXIT_DENIED;
	case EAGAIN: /* the backlog was full all the time */
		*ret_sentence =
			sentence("the daemon did not accept a connection on %s within %d s; see: "
				 "systemctl status structopsd",
				 socket, CONNECT_SECONDS);
		return EXIT_FAILED;
	default:
		*ret_sentence = sentence("cannot connect to the daemon on %s: %s", socket,
					 strerror(error));
		return error == ENOTSOCK || error == EPROTOTYPE ? EXIT_NO_DAEMON : EXIT_FAILED;
	}
}

/*
 * By hand rather than by sd_bus_set_address(): that one connects in the background and tells all failures as the
 * same disconnection, and the path would have to be escaped.
 */
static enum exit_status open_socket(const char *path, int *ret_fd, char **ret_sentence)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = CONNECT_SECONDS};
	_cleanup_(closep) int fd = -EBADF;

	if (strlen(path) >= sizeof(address.sun_path)) {
		*ret_sentence =
			sentence("the socket path %s is too long: %zu bytes, at most %zu can be",
				 path, strlen(path), sizeof(address.sun_path) - 1);
		return EXIT_USAGE;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0) {
		*ret_sentence = sentence("cannot make a socket: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return connect_failed(path, errno, ret_sentence);
	*ret_fd = TAKE_FD(fd);
	return EXIT_DONE;
}

/* 0 when authenticated, -ETIMEDOUT, or what ended the connection. */
static int authenticate(sd_bus *bus)
{
	uint64_t deadline = now_usec() + CONNECT_USEC;
	int r;

	while ((r = sd_bus_is_ready(bus)) == 0) {
		uint64_t now = now_usec();

		if (now >= deadline)
			return -ETIMEDOUT;
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, deadline - now);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static enum exit_status authentication_failed(const char *socket, int error, char **ret_sentence)
{
	if (error == -ETIMEDOUT) {
		*ret_sentence = sentence(
			"the daemon on %s did not answer within %d s; see: systemctl status "
			"structopsd",
			socket, CONNECT_SECONDS);
		return EXIT_FAILED;
	}
	if (error == -ECONNRESET || error == -EPIPE || error == -ENOTCONN) {
		*ret_sentence = sentence(
			"the daemon closed the connection: this user may neither view nor manage "
			"(ViewGroup=, ManageGroup= in structopsd.conf), or too many clients are "
			"connected");
		return EXIT_DENIED;
	}
	*ret_sentence =
		sentence("no connection to the daemon on %s: %s; is that structopsd's socket?",
			 socket, strerror(-error));
	return EXIT_FAILED;
}

enum exit_status client_try_connect(struct client *client, char **ret_sentence)
{
	_cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(closep) int fd = -EBADF;
	enum exit_status status;
	int r;

	status = open_socket(client->socket, &fd, ret_sentence);
	if (status != EXIT_DONE)
		return status;
	if (sd_bus_new(&bus) < 0)
		return EXIT_FAILED;
	r = sd_bus_set_fd(bus, fd, fd);
	if (r >= 0) {
		TAKE_FD(fd); /* the bus closes it */
		r = sd_bus_negotiate_fds(bus, false);
	}
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = authenticate(bus);
	if (r < 0)
		return authentication_failed(client->socket, r, ret_sentence);
	client->bus = TAKE_PTR(bus);
	return EXIT_DONE;
}

enum exit_status client_connect(struct client *client)
{
	_cleanup_(freep) char *text = NULL;
	enum exit_status status = client_try_connect(client, &text);

	if (status != EXIT_DONE && !text)
		return out_of_memory();
	if (status != EXIT_DONE)
		complain("%s", text);
	return status;
}

int client_new_call(struct client *client, const char *method, sd_bus_message **ret)
{
	/* No broker stands between: there is no destination to name. */
	return sd_bus_message_new_method_call(client->bus, ret, NULL, PROTOCOL_PATH,
					      PROTOCOL_INTERFACE, method);
}

enum exit_status client_call(struct client *client, sd_bus_message *call, uint64_t timeout,
			     const char *subject, sd_bus_message **ret_answer)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

	if (sd_bus_call(client->bus, call, timeout, &error, ret_answer) < 0)
		return client_call_failed(client, subject, &error);
	return EXIT_DONE;
}

enum exit_status client_ask(struct client *client, const char *method, const char *subject,
			    sd_bus_message **ret_answer)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	int r = client_new_call(client, method, &call);

	if (r < 0)
		return client_answer_failed(r);
	return client_call(client, call, CALL_TIMEOUT, subject, ret_answer);
}

static bool is_one_of(const sd_bus_error *error, const char *const *names)
{
	for (; *names; names++)
		if (sd_bus_error_has_name(error, *names))
			return true;
	return false;
}

static const struct {
	const char *name;
	enum exit_status status;
} daemon_errors[] = {
	{ERROR_NO_SUCH_POLICY, EXIT_NO_SUCH_POLICY},
	{ERROR_ACCESS_DENIED, EXIT_DENIED},
	{ERROR_SHUTTING_DOWN, EXIT_NO_DAEMON},
};

enum exit_status client_explain(const struct client *client, const sd_bus_error *error,
				char **ret_sentence)
{
	static const char *const timeouts[] = {SD_BUS_ERROR_TIMEOUT, SD_BUS_ERROR_NO_REPLY, NULL};
	static const char *const unknowns[] = {
		SD_BUS_ERROR_UNKNOWN_METHOD, SD_BUS_ERROR_UNKNOWN_INTERFACE,
		SD_BUS_ERROR_UNKNOWN_OBJECT, SD_BUS_ERROR_INVALID_ARGS, NULL};
	const char *message = error->message ?: error->name;

	for (size_t i = 0; i < ARRAY_SIZE(daemon_errors); i++) {
		if (sd_bus_error_has_name(error, daemon_errors[i].name)) {
			*ret_sentence = sentence("%s", message);
			return daemon_errors[i].status;
		}
	}
	/* Only now: a daemon that shuts down answers, and then closes. */
	if (sd_bus_is_open(client->bus) <= 0) {
		*ret_sentence =
			sentence("the daemon on %s closed the connection before it answered; "
				 "see: systemctl status structopsd",
				 client->socket);
		return EXIT_NO_DAEMON;
	}
	if (is_one_of(error, timeouts))
		*ret_sentence = sentence("the daemon on %s did not answer in time; see: "
					 "systemctl status structopsd",
					 client->socket);
	else if (is_one_of(error, unknowns))
		*ret_sentence = sentence("the daemon on %s does not know this call (%s): it is of "
					 "another version than this structopsctl",
					 client->socket, message);
	else
		*ret_sentence = sentence("%s", message);
	return EXIT_FAILED;
}

enum exit_status client_call_failed(const struct client *client, const char *subject,
				    const sd_bus_error *error)
{
	_cleanup_(freep) char *text = NULL;
	enum exit_status status = client_explain(client, error, &text);

	if (!text)
		return out_of_memory();
	if (subject)
		complain("%s: %s", subject, text);
	else
		complain("%s", text);
	return status;
}

enum exit_status client_answer_failed(int error)
{
	if (error == -ENOMEM)
		return out_of_memory();
	complain("the daemon's answer cannot be read (%s): it is of another version than this "
		 "structopsctl",
		 strerror(-error));
	return EXIT_FAILED;
}
