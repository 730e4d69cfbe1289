/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/log.h"
#include "common/protocol.h"
#include "common/sentence.h"
#include "daemon/service/server-internal.h"

#define CONNECTIONS_MAX 128
/* Messages that a slow reader may leave unread in our memory: events are short, answers may be long. */
#define UNREAD_EVENTS_MAX 512
#define UNREAD_ANSWERS_MAX 32
#define SEND_BUFFER (256 * 1024) /* and that the kernel keeps for it: sd-bus would take 8 MiB */
#define GROUPS_MAX 256

/* The socket. */

static bool has_groups(const struct server_rights *rights)
{
	return rights->view_group != SERVER_NO_GROUP || rights->manage_group != SERVER_NO_GROUP;
}

int server_listen(const char *path, const struct server_rights *rights, int *ret_fd,
		  char **ret_error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_(closep) int fd = -EBADF;

	if (strlen(path) >= sizeof(address.sun_path))
		return sentence_error(
			ret_error, -ENAMETOOLONG,
			"%s: the path of the socket has %zu characters, the kernel takes at most "
			"%zu: choose a shorter RuntimeDir= or --runtime-dir",
			path, strlen(path), sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sentence_error(ret_error, -errno, "cannot make a socket: %s",
				      strerror(errno));
	if (unlink(path) < 0 && errno != ENOENT)
		return sentence_error(ret_error, -errno, "%s: cannot remove what stands there: %s",
				      path, strerror(errno));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return sentence_error(ret_error, -errno, "%s: cannot bind the socket: %s", path,
				      strerror(errno));
	/*
	 * Without groups the file mode keeps all but root out. With one or two groups no mode can say who may
	 * connect: everybody can, and on_connection() looks at who it is.
	 */
	if (chmod(path, has_groups(rights) ? 0666 : 0600) < 0)
		return sentence_error(ret_error, -errno, "%s: cannot set the mode: %s", path,
				      strerror(errno));
	if (listen(fd, SOMAXCONN) < 0)
		return sentence_error(ret_error, -errno, "%s: cannot listen: %s", path,
				      strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Who it is. */

static bool in_group(int fd, const struct ucred *cred, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t length = sizeof(groups);

	if (group == SERVER_NO_GROUP)
		return false;
	if (cred->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
		return false;
	for (size_t i = 0; i < length / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static enum access access_of(const struct server *s, int fd, struct ucred *ret_cred)
{
	socklen_t length = sizeof(*ret_cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret_cred, &length) < 0)
		return ACCESS_NONE;
	if (ret_cred->uid == 0 || ret_cred->uid == geteuid() ||
	    in_group(fd, ret_cred, s->rights.manage_group))
		return ACCESS_MANAGE;
	if (in_group(fd, ret_cred, s->rights.view_group))
		return ACCESS_VIEW;
	return ACCESS_NONE;
}

static bool may_complain(struct server *s, enum complaint what)
{
	usec_t now;

	if (sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0)
		return true;
	if (s->complained_at[what] && now < s->complained_at[what] + USEC_PER_MINUTE)
		return false;
	s->complained_at[what] = now;
	return true;
}

/* Connections. */

static struct connection *connection_free(struct connection *c)
{
	struct server *s;

	if (!c)
		return NULL;
	s = c->server;
	connection_forget_pending(c);
	TAILQ_REMOVE(&s->connections, c, entry);
	s->n_connections--;
	s->n_subscribers -= c->subscribed;
	sd_bus_close_unref(c->bus);
	free(c);
	return NULL;
}

void server_doom(struct connection *c)
{
	c->doomed = true;
	(void)sd_event_source_set_enabled(c->server->tidy_source, SD_EVENT_ONESHOT);
}

static int on_tidy(sd_event_source *source, void *userdata)
{
	struct server *s = userdata;
	struct connection *c, *next;

	for (c = TAILQ_FIRST(&s->connections); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->doomed)
			connection_free(c);
	}
	return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	server_doom(userdata);
	return 0;
}

/* True: it lets more lie unread in our memory than it may, and is closed for that. */
static bool doom_if_slow(struct connection *c, unsigned unread_max)
{
	uint64_t unread = 0;

	if (sd_bus_get_n_queued_write(c->bus, &unread) >= 0 && unread <= unread_max)
		return false;
	if (may_complain(c->server, COMPLAINT_SLOW))
		log_warning("closed a client (pid %d): it has left more than %u messages unread",
			    (int)c->pid, unread_max);
	server_doom(c);
	return true;
}

/* Each message counts as use, so that the silent ones are the first to go. */
static int on_any_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;

	if (c->doomed || doom_if_slow(c, UNREAD_ANSWERS_MAX))
		return 1; /* not answered */
	TAILQ_REMOVE(&c->server->connections, c, entry);
	TAILQ_INSERT_TAIL(&c->server->connections, c, entry);
	return 0;
}

static int connection_open(struct connection *c, int *fd)
{
	static const int send_buffer = SEND_BUFFER;
	sd_id128_t id;
	int r;

	r = sd_id128_randomize(&id);
	if (r < 0)
		return r;
	r = sd_bus_new(&c->bus);
	if (r < 0)
		return r;
	(void)sd_bus_set_description(c->bus, "structopsctl");
	r = sd_bus_set_fd(c->bus, *fd, *fd);
	if (r < 0)
		return r;
	TAKE_FD(*fd);
	r = sd_bus_set_server(c->bus, true, id);
	if (r < 0)
		return r;
	r = sd_bus_start(c->bus);
	if (r < 0)
		return r;
	(void)setsockopt(sd_bus_get_fd(c->bus), SOL_SOCKET, SO_SNDBUF, &send_buffer,
			 sizeof(send_buffer));
	r = sd_bus_match_signal(c->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
				"org.freedesktop.DBus.Local", "Disconnected", on_disconnected, c);
	if (r < 0)
		return r;
	r = sd_bus_add_filter(c->bus, NULL, on_any_message, c);
	if (r < 0)
		return r;
	r = sd_bus_add_object_vtable(c->bus, NULL, PROTOCOL_PATH, PROTOCOL_INTERFACE, server_vtable,
				     c);
	if (r < 0)
		return r;
	return sd_bus_attach_event(c->bus, c->server->event, SD_EVENT_PRIORITY_NORMAL + 10);
}

static struct connection *longest_unused(struct server *s)
{
	struct connection *c;

	TAILQ_FOREACH(c, &s->connections, entry)
	if (!c->subscribed && !c->doomed && TAILQ_EMPTY(&c->pending))
		return c;
	return NULL;
}

/* False: all places are taken by clients that are waiting for something. */
static bool make_place(struct server *s)
{
	struct connection *victim;

	if (s->n_connections < CONNECTIONS_MAX)
		return true;
	victim = longest_unused(s);
	if (may_complain(s, COMPLAINT_FULL))
		log_warning("%u clients are connected: the one that was silent for the "
			    "longest time is closed for each new one (now pid %d, uid %u)",
			    s->n_connections, victim ? (int)victim->pid : 0,
			    victim ? (unsigned)victim->uid : 0);
	connection_free(victim);
	return victim != NULL;
}

static void refuse(struct server *s, const struct ucred *cred)
{
	if (may_complain(s, COMPLAINT_REFUSED))
		log_warning(
			"refused a client: pid %d, uid %u may neither view nor manage (ViewGroup=, "
			"ManageGroup=)",
			(int)cred->pid, (unsigned)cred->uid);
}

static void welcome(struct server *s, int accepted)
{
	_cleanup_(closep) int fd = accepted;
	struct connection *c;
	struct ucred cred = {0};
	enum access access;
	int r;

	access = access_of(s, fd, &cred);
	if (access == ACCESS_NONE) {
		refuse(s, &cred);
		return;
	}
	if (!make_place(s))
		return;
	c = calloc(1, sizeof(*c));
	if (!c) {
		(void)log_oom();
		return;
	}
	c->server = s;
	c->uid = cred.uid;
	c->pid = cred.pid;
	c->access = access;
	TAILQ_INIT(&c->pending);
	TAILQ_INSERT_TAIL(&s->connections, c, entry);
	s->n_connections++;
	r = connection_open(c, &fd);
	if (r < 0) {
		if (may_complain(s, COMPLAINT_BROKEN))
			log_warning_errno(r, "cannot serve a client (pid %d)", (int)cred.pid);
		connection_free(c);
	}
}

/* Out of descriptors: without this the connection would stay in the queue and the loop would spin. */
static void turn_away(struct server *s)
{
	int fd;

	s->spare_fd = safe_close(s->spare_fd);
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	safe_close(fd);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (may_complain(s, COMPLAINT_FULL))
		log_warning("turned a client away: no file descriptors are left (LimitNOFILE=)");
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	struct server *s = userdata;
	int fd;

	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		welcome(s, fd);
	else if (errno == EMFILE || errno == ENFILE)
		turn_away(s);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		log_warning_errno(errno, "cannot accept a client");
	return 0;
}

/* Events. */

static void send_event(struct connection *c, const struct attachment *a, const struct event *event)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_signal(c->bus, &m, PROTOCOL_PATH, PROTOCOL_INTERFACE, SIGNAL_EVENT);
	if (r >= 0)
		r = server_append_event(m, a->name, event);
	if (r >= 0)
		r = sd_bus_send(c->bus, m, NULL);
	if (r < 0)
		server_doom(c);
	else
		(void)doom_if_slow(c, UNREAD_EVENTS_MAX);
}

void server_send_event(struct server *s, const struct attachment *a, const struct event *event)
{
	struct connection *c;

	TAILQ_FOREACH(c, &s->connections, entry)
	if (c->subscribed && !c->doomed)
		send_event(c, a, event);
}

static void on_changed(void *userdata, struct attachment *a, const struct event *event)
{
	server_send_event(userdata, a, event);
}

/* Life. */

static void close_connections(struct server *s)
{
	struct connection *c;

	while ((c = TAILQ_FIRST(&s->connections)))
		connection_free(c);
}

/*
 * When the loop ends sd-bus flushes each connection that the loop knows, and waits for those that are silent or do
 * not read, for ever. What could be written is written already.
 */
static int on_exit_of_loop(sd_event_source *source, void *userdata)
{
	close_connections(userdata);
	return 0;
}

int server_new(sd_event *event, struct manager *manager, int listen_fd,
	       const struct server_rights *rights, struct server **ret)
{
	_cleanup_(closep) int fd = listen_fd;
	_cleanup_(server_freep) struct server *s = calloc(1, sizeof(*s));
	struct manager_observer observer = {.changed = on_changed, .userdata = s};
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->manager = manager;
	s->rights = *rights;
	s->listen_fd = TAKE_FD(fd);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	TAILQ_INIT(&s->connections);
	if (s->spare_fd < 0)
		return -errno;

	r = sd_event_add_defer(event, &s->tidy_source, on_tidy, s);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(s->tidy_source, SD_EVENT_OFF);
	r = sd_event_add_io(event, &s->listen_source, s->listen_fd, EPOLLIN, on_connection, s);
	if (r < 0)
		return r;
	/* What the kernel says comes before what clients ask. */
	(void)sd_event_source_set_priority(s->listen_source, SD_EVENT_PRIORITY_NORMAL + 10);
	r = sd_event_add_exit(event, &s->exit_source, on_exit_of_loop, s);
	if (r < 0)
		return r;
	r = sd_event_source_set_priority(s->exit_source, SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0)
		return r;
	manager_observe(manager, &observer);
	*ret = TAKE_PTR(s);
	return 0;
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	close_connections(s);
	manager_observe(s->manager, &(struct manager_observer){0});
	sd_event_source_disable_unref(s->listen_source);
	sd_event_source_disable_unref(s->tidy_source);
	sd_event_source_disable_unref(s->exit_source);
	safe_close(s->listen_fd);
	safe_close(s->spare_fd);
	sd_event_unref(s->event);
	free(s);
	return NULL;
}
