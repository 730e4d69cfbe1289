/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/service/keeper-world.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/core/strv.h"

/* The kernel. */

struct pin pins[ENTRIES_MAX];
size_t n_pins, n_pinnings;
int pin_error;

int own(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FDS);

	assert_true(moved >= OWN_FDS);
	close(fd);
	return moved;
}

int make(enum kept_kind kind, uint32_t id, bool dead)
{
	const struct object o = {kind, id, dead};
	int fd = own(memfd_create("object", MFD_CLOEXEC));

	assert_int_equal(pwrite(fd, &o, sizeof(o), 0), sizeof(o));
	return fd;
}

struct object look(int fd)
{
	struct object o = {0};

	if (fd >= 0)
		assert_int_equal(pread(fd, &o, sizeof(o), 0), sizeof(o));
	return o;
}

uint32_t kernel_object_id(int fd)
{
	return look(fd).id;
}

int kernel_state(const struct kernel_handles *h, uint32_t *ret_map_id)
{
	return !look(h->link_fd).dead;
}

void kernel_handles_close(struct kernel_handles *h)
{
	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++)
		*kept_fd(h, kind) = safe_close(*kept_fd(h, kind));
}

void kernel_find_facts(struct kernel_handles *h, struct adoption_find *ret,
		       struct messages *ret_notes)
{
	ret->is_struct_ops = h->link_fd >= 0 || h->map_fd >= 0;
	ret->link_id = look(h->link_fd).id;
	ret->map_id = look(h->map_fd).id;
	ret->alive = h->link_fd >= 0 && !look(h->link_fd).dead;
}

static size_t find_pin(const char *name)
{
	size_t i = 0;

	while (i < n_pins && !streq(pins[i].name, name))
		i++;
	return i;
}

static struct kernel_handles copy_handles(const struct kernel_handles *h)
{
	struct kernel_handles from = *h, to = KERNEL_HANDLES_NULL;

	for (enum kept_kind kind = 0; kind < _KEPT_KIND_MAX; kind++)
		if (*kept_fd(&from, kind) >= 0)
			*kept_fd(&to, kind) = fcntl(*kept_fd(&from, kind), F_DUPFD_CLOEXEC,
						    OWN_FDS);
	return to;
}

int kernel_pin(const struct kernel_handles *h, const char *folder, const char *name,
	       char **ret_error)
{
	size_t i = find_pin(name);

	assert_text(folder, "/sys/fs/bpf/structopsd%2Ftmp%2Fx");
	n_pinnings++;
	if (pin_error) {
		*ret_error = strdup("no bpffs");
		return -pin_error;
	}
	if (i == n_pins)
		n_pins++;
	else
		kernel_handles_close(&pins[i].handles);
	assert_true(i < ENTRIES_MAX);
	snprintf(pins[i].name, sizeof(pins[i].name), "%s", name);
	pins[i].handles = copy_handles(h);
	return 0;
}

int kernel_unpin(const char *folder, const char *name, char **ret_error)
{
	size_t i = find_pin(name);

	if (i < n_pins) {
		kernel_handles_close(&pins[i].handles);
		pins[i] = pins[--n_pins];
	}
	return 0;
}

int kernel_pins_list(const char *folder, char ***ret_names, struct messages *ret_notes)
{
	*ret_names = NULL;
	for (size_t i = 0; i < n_pins; i++)
		assert_int_equal(strv_append(ret_names, pins[i].name, strlen(pins[i].name)), 0);
	return 0;
}

int kernel_pins_open(const char *folder, const char *name, struct kernel_handles *ret,
		     struct messages *ret_notes)
{
	*ret = copy_handles(&pins[find_pin(name)].handles);
	return 0;
}

/* The service manager. */

int notify_fd = -EBADF;
struct stored store[ENTRIES_MAX];
size_t n_store;
char said[4096];

static void say(const char *sign, const char *fdname, const char *mark)
{
	size_t length = strlen(said);

	snprintf(said + length, sizeof(said) - length, "%s%s%s ", sign, fdname, mark);
}

void forget_stored(const char *fdname)
{
	for (size_t i = 0; i < n_store; i++)
		if (streq(store[i].name, fdname)) {
			safe_close(store[i].fd);
			store[i--] = store[--n_store];
		}
}

static void serve(const char *text, int fd)
{
	const char *at = strstr(text, "FDNAME=");
	char fdname[FDNAME_SIZE];

	assert_non_null(at);
	snprintf(fdname, sizeof(fdname), "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	if (strncmp(text, "FDSTOREREMOVE=1\n", 16) == 0) {
		forget_stored(fdname);
		say("-", fdname, "");
		return;
	}
	assert_int_equal(strncmp(text, "FDSTORE=1\n", 10), 0);
	assert_true(fd >= 0 && n_store < ENTRIES_MAX);
	snprintf(store[n_store].name, sizeof(store[n_store].name), "%s", fdname);
	store[n_store++].fd = own(fd);
	say("+", fdname, strstr(text, "FDPOLL=0") ? "!" : "");
}

void serve_all(void)
{
	char text[512], control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	ssize_t n;

	for (;;) {
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		int fd = -EBADF;

		n = recvmsg(notify_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return;
		text[n] = '\0';
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
			if (c->cmsg_type == SCM_RIGHTS)
				memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		serve(text, fd);
	}
}

void start_service_manager(struct scratch *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", s->path);
	notify_fd = own(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	assert_int_equal(bind(notify_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

void pass(int fd, const char *fdname)
{
	int n = getenv("LISTEN_FDS") ? atoi(getenv("LISTEN_FDS")) : 0;
	static char names[8192];
	char number[16];

	if (n == 0)
		*names = '\0';
	assert_int_equal(fcntl(3 + n, F_GETFD), -1);
	assert_int_equal(dup2(fd, 3 + n), 3 + n);
	snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", n ? ":" : "",
		 fdname);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(number, sizeof(number), "%d", n + 1);
	setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
}

void pass_store(void)
{
	serve_all();
	*said = '\0';
	for (size_t i = 0; i < n_store; i++)
		pass(store[i].fd, store[i].name);
}
